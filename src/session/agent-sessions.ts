import type { AgentId, EpochMs, RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { fault } from '../errors.ts'
import type { Store } from '../store/store.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import { newSid } from './bucket.ts'
import type { RequestOrigin, SessionToken } from './session.ts'
import { hashSecret, newToken, parseToken, type TokenPlace } from './token.ts'

/** Records of their own: no agent's token is a person's, and no person's is an agent's. */
const NAMESPACE = 'agent-session'
/** Nothing moves it: an agent that runs for longer signs in again. */
const LIFE_MS = 7 * 86_400_000
/** Agents are no users, so their tokens are in no user's part of the store. */
const BUCKET = 0

/** An agent that has proved which one it is. Opens no site and is in no list of sessions. */
export interface AgentSession {
  /** Its name in logs; opens nothing. */
  readonly sid: string
  readonly agent: AgentId
  readonly realm: RealmName
  readonly createdAt: EpochMs
  readonly expiresAt: EpochMs
}

/** An agent as the configuration has it now. */
export interface KnownAgent {
  readonly id: AgentId
  readonly realm: RealmName
  /** Another one where the agent proves itself by something else. */
  readonly stamp: string
}

interface AgentRecord extends AgentSession {
  readonly stamp: string
}

export interface AgentSessions {
  start(
    agent: KnownAgent,
    origin: RequestOrigin,
  ): Promise<{ readonly token: SessionToken; readonly session: AgentSession }>
  /**
   * `undefined` for everything that is no agent's token, and where its agent is gone, is in another realm or proves itself by
   * something else now. Rejects where the store cannot say.
   */
  resolve(token: string): Promise<AgentSession | undefined>
  /** False when there was none any more. */
  end(token: string, origin: RequestOrigin): Promise<boolean>
}

export interface AgentSessionsDeps {
  readonly store: Pick<Store, 'versioned'>
  readonly agents: ReadonlyMap<AgentId, KnownAgent>
  readonly place: TokenPlace
  readonly audit: AuditSink
  readonly clock: Clock
}

/** Sessions of agents in one configuration generation: a change of the configuration ends them without a word to the store. */
export function createAgentSessions({ store, agents, place, audit, clock }: AgentSessionsDeps): AgentSessions {
  const load = async (token: string): Promise<AgentRecord | undefined> => {
    const parsed = parseToken(token)
    if (parsed?.siteId !== place.siteId || parsed.bucket !== BUCKET) return undefined
    const found = await store.versioned.load(NAMESPACE, hashSecret(parsed.secret))
    return found && (JSON.parse(found.value) as AgentRecord)
  }
  const resolve: AgentSessions['resolve'] = async (token) => {
    const record = await load(token)
    if (record === undefined || clock() >= record.expiresAt) return undefined
    const { stamp, ...session } = record
    const known = agents.get(session.agent)
    return known?.realm === session.realm && known.stamp === stamp ? session : undefined
  }
  return {
    resolve,
    async start({ id: agent, realm, stamp }, { requestId, clientIp }) {
      const { token, hash } = newToken(place, BUCKET)
      const at = clock()
      const session = { sid: newSid(BUCKET), agent, realm, createdAt: at, expiresAt: (at + LIFE_MS) as EpochMs }
      const written = await store.versioned.create(NAMESPACE, hash, JSON.stringify({ ...session, stamp }), LIFE_MS)
      if (!written) throw fault('GH_INTERNAL', { detail: 'a new token of an agent exists already' })
      audit.record({ event: 'AgentSignedIn', at, requestId, clientIp, agent, realm, sid: session.sid })
      return { token, session }
    },
    async end(token, { requestId, clientIp }) {
      const session = await resolve(token)
      const parsed = parseToken(token)
      if (session === undefined || parsed === undefined) return false
      await store.versioned.remove(NAMESPACE, hashSecret(parsed.secret))
      const { agent, realm, sid } = session
      audit.record({ event: 'AgentSignedOut', at: clock(), requestId, clientIp, agent, realm, sid })
      return true
    },
  }
}
