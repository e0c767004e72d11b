import type { Adapter, AdapterPayload, KoaContextWithOIDC } from 'oidc-provider'
import type { IncomingMessage } from 'node:http'
import { sha256 } from '../../crypto/sha256.ts'
import type { RealmName } from '../../base/brand.ts'
import type { Library } from './library.ts'
import { update, type Shelf } from './records.ts'
import type { Authorizations, SsoSessions } from './sso-sessions.ts'

export interface AdapterDeps {
  readonly realm: RealmName
  readonly library: Pick<Library, 'errors'>
  readonly shortLived: Shelf
  readonly durable: Shelf
  readonly sessions: SsoSessions
  /** A client that is not in the configuration. */
  readonly registered: (id: string) => Promise<AdapterPayload | undefined>
  /** Where the counters stand that end a grant; `isLasting`: also without the session that it was given in. */
  readonly endings: (userId: string, clientId: string, isLasting: boolean) => Promise<readonly number[]>
  /** Rejects where whoever asks has proved nothing, and too much was kept for their network. */
  readonly mayKeep: (kind: string) => Promise<void>
  /** The request that the library works on. */
  readonly context: () => KoaContextWithOIDC | undefined
  /** What that request found its session to have let clients have. */
  readonly foundAtFirst: (request: IncomingMessage) => Authorizations
}

/** The key of a record: ids are codes and tokens, and a dump of the store must open nothing. */
export function recordKey(realm: RealmName): (kind: string, id: string) => string {
  return (kind, id) => sha256(JSON.stringify([realm, kind, id]))
}

/** What stands in for an id that only its client knows: the key of its record. No token of the library's looks so. */
const BY_KEY = '#'

/** Milliseconds between two questions of a device. RFC 8628 §3.5 takes five seconds for granted; half a second less for the way. */
const POLL_MS = 4_500

/** The library's records in our store (its adapter for one kind of them). Everything rejects as the store does: nothing is assumed. */
export function createAdapter(kind: string, deps: AdapterDeps): Adapter {
  if (kind === 'Session') return createSessionAdapter(deps)
  const { registered } = deps
  if (kind === 'Client') return readingOnly(registered)
  const { library, shortLived, durable } = deps
  const keyOf = recordKey(deps.realm)
  const key = (id: string): string => (id.startsWith(BY_KEY) ? id.slice(1) : keyOf(kind, id))
  const shelves = MAY_OUTLIVE.has(kind) ? [shortLived, durable] : [shortLived]

  const load = async (at: string) => {
    for (const shelf of shelves) {
      const found = await shelf.load(at)
      if (found !== undefined) return { ...found, shelf, payload: JSON.parse(found.value) as AdapterPayload }
    }
    return undefined
  }

  const endingsNow = ({ accountId = '', clientId = '' }: AdapterPayload, isLasting: boolean) =>
    deps.endings(accountId, clientId, isLasting)

  return {
    async upsert(id, payload, expiresIn) {
      // Without the id: it is the token itself.
      const { jti: _, ...kept } = payload
      const ttlMs = lifeOf(expiresIn)
      const isLasting = outlives(kind, payload)
      const shelf = isLasting ? durable : shortLived
      await deps.mayKeep(kind)
      const fresh = kind === 'Grant' ? await endingsNow(payload, isLasting) : undefined
      const write = (endings: unknown): string => JSON.stringify({ ...kept, endings })
      const value = write(fresh)
      if (kind === 'ReplayDetection') {
        if (!(await shelf.create(key(id), value, ttlMs)))
          throw new library.errors.InvalidRequest('this was sent before')
        return
      }
      // What a grant was given for is not forgotten when more is added to it.
      const change = (before?: string) => (fresh && before !== undefined ? write(endingsOf(before)) : value)
      await update(shelf, key(id), { ttlMs, change })
      if (payload.userCode !== undefined) {
        await update(shortLived, keyOf('UserCode', payload.userCode), { ttlMs, change: () => key(id) })
      }
    },

    async find(id) {
      if (id.startsWith(BY_KEY) && !isWithDevicePage(deps)) return undefined
      const found = await load(key(id))
      if (found === undefined) return undefined
      if (kind === 'Grant') {
        const now = await endingsNow(found.payload, found.shelf === durable)
        // Nobody tells it: what a person takes back, and the end of all of them, it has to hear by itself.
        if (JSON.stringify(found.payload['endings']) !== JSON.stringify(now)) return undefined
      }
      if (kind === 'DeviceCode' && deps.context()?.oidc.route === 'token') {
        await slowDown(shortLived, keyOf('Poll', key(id)), library)
      }
      return { ...found.payload, jti: id }
    },

    async findByUserCode(userCode) {
      const at = await shortLived.load(keyOf('UserCode', userCode))
      if (at === undefined) return undefined
      const found = await load(at.value)
      return found && { ...found.payload, jti: BY_KEY + at.value }
    },

    findByUid: () => Promise.resolve(undefined),

    /** Of any number at once, in however many processes, one wins (RFC 6749 §10.5, RFC 9700 §4.14). */
    async consume(id) {
      const found = await load(key(id))
      const refuse = (): never => {
        if (kind === 'PushedAuthorizationRequest')
          throw new library.errors.InvalidRequestUri('this request was used before')
        throw new library.errors.InvalidGrant('it was used before')
      }
      if (found === undefined || found.payload.consumed !== undefined) return refuse()
      const { payload, shelf, version } = found
      const seconds = Math.floor(Date.now() / 1_000)
      const value = JSON.stringify({ ...payload, consumed: seconds })
      const done = await shelf.replace(key(id), version, value, lifeOf((payload.exp ?? seconds) - seconds))
      if (done) return undefined
      if (payload.grantId !== undefined) await removeGrant(payload.grantId, deps)
      return refuse()
    },

    async destroy(id) {
      for (const shelf of shelves) await shelf.remove(key(id))
    },

    // No token is good without its grant, and every use looks for it: nothing has to be found by it.
    revokeByGrantId: () => Promise.resolve(),
  }
}

/** The browser's part of the device flow finds the code that somebody typed in by its record. */
function isWithDevicePage({ context }: AdapterDeps): boolean {
  const route = context()?.oidc.route
  return route === 'code_verification' || route === 'device_resume'
}

async function slowDown(shelf: Shelf, key: string, { errors }: Pick<Library, 'errors'>): Promise<void> {
  if (!(await shelf.create(key, '', POLL_MS))) throw new errors.SlowDown()
}

/** Clients come to us by the configuration or by our own registration: the library writes none. */
function readingOnly(find: AdapterDeps['registered']): Adapter {
  const none = (): Promise<undefined> => Promise.resolve(undefined)
  const never = (): Promise<never> => Promise.reject(new TypeError('the library writes no clients'))
  return {
    find,
    upsert: never,
    consume: never,
    destroy: never,
    findByUserCode: none,
    findByUid: none,
    revokeByGrantId: none,
  }
}

const MAY_OUTLIVE: ReadonlySet<string> = new Set(['Grant', 'RefreshToken'])

/** `offline_access` alone outlives the session. */
export function outlives(kind: string, payload: AdapterPayload & { readonly openid?: unknown }): boolean {
  if (kind === 'RefreshToken') return payload.expiresWithSession !== true
  return kind === 'Grant' && scopesOf(payload.openid).includes('offline_access')
}

function endingsOf(value: string): unknown {
  return (JSON.parse(value) as AdapterPayload)['endings']
}

function scopesOf(openid: unknown): readonly string[] {
  const scope = typeof openid === 'object' && openid !== null && 'scope' in openid ? openid.scope : undefined
  return typeof scope === 'string' ? scope.split(' ') : []
}

export async function removeGrant(
  grantId: string,
  { realm, shortLived, durable }: Pick<AdapterDeps, 'realm' | 'shortLived' | 'durable'>,
) {
  const key = recordKey(realm)('Grant', grantId)
  await Promise.all([shortLived.remove(key), durable.remove(key)])
}

/** The library counts in seconds, and looks a few of them beyond the end. */
function lifeOf(seconds: number | undefined): number {
  return Math.max(1, (seconds ?? 3_600) + 15) * 1_000
}

/**
 * Its sessions are ours. What belongs to one is kept under our session's name, found while that session lives, and never by a cookie of
 * the library's; only browsers in which nobody is signed in have one of those, for a form that waits.
 */
function createSessionAdapter({ realm, shortLived, sessions, context, foundAtFirst, mayKeep }: AdapterDeps): Adapter {
  const keyOf = recordKey(realm)
  return {
    async upsert(id, { jti: _, ...payload }, expiresIn) {
      const { accountId, authorizations, state } = payload
      if (accountId === undefined) {
        await mayKeep('Session')
        await update(shortLived, keyOf('Session', id), {
          ttlMs: lifeOf(expiresIn),
          change: () => JSON.stringify(payload),
        })
        return
      }
      const session = await sessions.live(id)
      const request = context()?.req
      const before = request === undefined ? {} : foundAtFirst(request)
      // What another request has changed meanwhile is newer than what this one has not changed.
      const changed = Object.entries(authorizations ?? {}).filter(
        ([client, now]) => JSON.stringify(before[client]) !== JSON.stringify(now),
      )
      if (session !== undefined) await sessions.save(session, { authorizations: Object.fromEntries(changed), state })
    },
    async find(id) {
      const found = await shortLived.load(keyOf('Session', id))
      return found && { ...(JSON.parse(found.value) as AdapterPayload), jti: id }
    },
    async findByUid(uid) {
      const session = await sessions.live(uid)
      if (session === undefined) return undefined
      const record = await sessions.load(uid)
      return { jti: uid, uid, accountId: session.userId, authorizations: { ...record?.authorizations } }
    },
    consume: () => Promise.resolve(),
    destroy: (id) => shortLived.remove(keyOf('Session', id)),
    findByUserCode: () => Promise.resolve(undefined),
    revokeByGrantId: () => Promise.resolve(),
  }
}
