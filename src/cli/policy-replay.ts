import type { RealmName } from '../base/brand.ts'
import type { ConfigSnapshot, RealmConfig } from '../config/snapshot.ts'
import { unasked } from '../gateway/asked-request.ts'
import { compilePolicies } from '../policy/compile.ts'
import type { PolicyDecisionPoint } from '../policy/decision.ts'
import { NotThere } from './managed-realm.ts'
import type { RecordedRequest, Replayed } from './policy-diff.ts'
import { personOf, type Person } from './policy-person.ts'
import { askerOf, requestTo, siteOf } from './policy-question.ts'
import type { Terminal } from './terminal.ts'

export interface ReplayOptions {
  readonly config: string
  /** Whose requests are replayed. */
  readonly realm: string
  readonly terminal: Pick<Terminal, 'env' | 'err'>
}

/** `undefined` for what is of another realm, of somebody who is gone, or asked of no policy. */
type Replay = (recorded: RecordedRequest) => Promise<Replayed | undefined>

/** Puts recorded requests as questions to the policies that are in force; everybody is looked up once. */
export function createReplay(snapshot: ConfigSnapshot, { realm: name, ...options }: ReplayOptions): Replay {
  const realm = snapshot.realms.get(name as RealmName)
  if (realm === undefined) throw new NotThere(`there is no realm ${JSON.stringify(name)}`)
  const pdp = compilePolicies(realm.policies, realm.policySets)
  const people = new Map<string, Promise<Person>>()
  const personNamed = (username: string): Promise<Person> => {
    const known = people.get(username) ?? personOf(realm, username, { said: {}, ...options })
    people.set(username, known)
    return known
  }
  return async (recorded) => {
    try {
      return await questionOf(recorded, { snapshot, realm, pdp, personNamed })
    } catch (caught) {
      if (caught instanceof NotThere) return undefined
      throw caught
    }
  }
}

interface Parts {
  readonly snapshot: ConfigSnapshot
  readonly realm: RealmConfig
  readonly pdp: PolicyDecisionPoint
  readonly personNamed: (username: string) => Promise<Person>
}

async function questionOf(
  recorded: RecordedRequest,
  { snapshot, realm, pdp, personNamed }: Parts,
): Promise<Replayed | undefined> {
  const origin = snapshot.agents.find(({ id }) => id === recorded.agent)?.url.replace(/\/$/, '')
  const url = recorded.url ?? `${origin ?? ''}${recorded.path}`
  const site = siteOf(snapshot, url)
  if (site.realm.name !== realm.name) return undefined
  const request = requestTo(site, pdp, { ...recorded, url })
  if (unasked(request) !== undefined) return undefined
  const person = await personNamed(recorded.user)
  const said = { level: recorded.level, module: recorded.modules }
  return { request, asker: askerOf(realm, person, { said, now: recorded.at }) }
}
