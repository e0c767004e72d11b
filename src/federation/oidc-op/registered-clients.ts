import type { Clock } from '../../base/clock.ts'
import type { ClientsFile, OidcClientConfig } from './clients.schema.ts'
import { update, type Shelf } from './records.ts'

/** A client that has registered itself, as if it stood in the configuration. Of its secret `secretHash` is a digest. */
interface Registered {
  readonly client: OidcClientConfig
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface RegisteredClientsDeps {
  readonly rules: ClientsFile['registration']
  readonly shelf: Shelf
  readonly keyOf: (kind: string, id: string) => string
  readonly clock: Clock
}

/** Clients that have registered themselves; none where the configuration lets nobody. */
export interface RegisteredClients {
  /** From memory, as `freshen` or `find` has read it. */
  of(id: string): OidcClientConfig | undefined
  /** Reads what other processes have registered, at most once a second. */
  freshen(): Promise<void>
  find(id: string): Promise<OidcClientConfig | undefined>
  /** False where there are as many as may be. */
  add(client: OidcClientConfig): Promise<boolean>
}

/** How long a process may not know of a client that another one has taken in, where nobody asks for it by name. */
const FRESH_MS = 1_000
/** They are removed by whoever runs the gateway, and not by time. */
const KEPT_MS = 100 * 365 * 24 * 60 * 60_000

const NOBODY: RegisteredClients = {
  of: () => undefined,
  freshen: () => Promise.resolve(),
  find: () => Promise.resolve(undefined),
  add: () => Promise.resolve(false),
}

export function createRegisteredClients({ rules, shelf, keyOf, clock }: RegisteredClientsDeps): RegisteredClients {
  if (rules === undefined) return NOBODY
  const key = keyOf('Registered', '')
  const blocked = new Set(rules.blocked)
  let known: ReadonlyMap<string, OidcClientConfig> = new Map()
  let readAt = -Infinity
  const read = (value: string | undefined): Readonly<Record<string, Registered>> =>
    value === undefined ? {} : (JSON.parse(value) as Record<string, Registered>)
  const load = async (): Promise<void> => {
    const now = clock()
    const found = await shelf.load(key)
    const all = Object.values(read(found?.value)).filter(({ client }) => !blocked.has(client.id))
    known = new Map(all.map(({ client }) => [client.id, withinRules(client, rules)]))
    readAt = now
  }
  const freshen = async (): Promise<void> => {
    if (clock() - readAt >= FRESH_MS) await load()
  }
  return {
    of: (id) => known.get(id),
    freshen,
    async find(id) {
      if (known.has(id)) await freshen()
      else await load()
      return known.get(id)
    },
    async add(client) {
      const outcome = { hasRoom: false }
      await update(shelf, key, {
        ttlMs: KEPT_MS,
        change(value) {
          const all = read(value)
          outcome.hasRoom = Object.keys(all).length < rules.most
          return outcome.hasRoom ? JSON.stringify({ ...all, [client.id]: { client, at: clock() } }) : undefined
        },
      })
      if (outcome.hasRoom) await load()
      return outcome.hasRoom
    },
  }
}

/** What the rules took away since it registered it has no more. */
function withinRules(client: OidcClientConfig, { scopes }: NonNullable<ClientsFile['registration']>): OidcClientConfig {
  return { ...client, scopes: client.scopes.filter((scope) => scopes.includes(scope)) }
}
