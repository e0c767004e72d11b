import type { AgentId } from '../../base/brand.ts'
import { isAnonymous } from '../../session/anonymous.ts'
import type { AgentSession, AgentSessions } from '../../session/agent-sessions.ts'
import type { Session, SessionService, SessionToken } from '../../session/session.ts'
import type { Audience } from '../../store/store.ts'

/** A site whose agent has credentials. */
export interface AgentSite {
  readonly agent: AgentId
  /** Scheme, host and port. */
  readonly url: string
  /** Where the restricted tokens count that people's browsers bring there. */
  readonly audience: Audience
  /** Whether it is told of the ends of sessions by a request to `url`. */
  readonly notified: boolean
}

/** Programs that are agents, and what they ask about. */
export interface Agents {
  readonly sessions: Pick<AgentSessions, 'resolve' | 'end'>
  siteOf(agent: AgentId): AgentSite | undefined
  /**
   * Of the tokens of OpenAM's agents that are at the address: what stands behind one, they can find out here alone. One that names
   * its networks is nowhere else.
   */
  audiencesAt(address: string): readonly Audience[]
  /** What such agents are told to look for; `undefined` where there is none of them. */
  readonly cookie: { readonly name: string; readonly domains: readonly string[] } | undefined
}

export interface AgentDeps {
  readonly sessions: Pick<SessionService, 'resolve'>
  readonly agents: Agents
}

/** The agent that calls. No person's token is one's, and none of an agent's a person's. */
export async function callingAgent(
  { agents }: Pick<AgentDeps, 'agents'>,
  token: SessionToken | undefined,
): Promise<AgentSession | undefined> {
  return token === undefined ? undefined : agents.sessions.resolve(token)
}

/**
 * The person's session that an agent asks about: of its realm, and by a token of its own site or of the login host. Of nobody who has proved
 * nothing: to an agent whoever has a session has signed in.
 */
export async function sessionFor(
  { sessions, agents }: AgentDeps,
  { agent, realm }: AgentSession,
  token: SessionToken | undefined,
): Promise<Session | undefined> {
  if (token === undefined) return undefined
  const audience = agents.siteOf(agent)?.audience
  const session =
    (await sessions.resolve(token, 'login')) ??
    (audience === undefined ? undefined : await sessions.resolve(token, audience))
  return session?.realm === realm && !isAnonymous(session) ? session : undefined
}

/**
 * The same where the agent does not say which one it is, as OpenAM's for Node.js does not: whoever has the token may ask whose it is, where
 * its agent may be. A token that an application took from its visitors is not good at another one elsewhere.
 */
export async function heldByAgent(
  { sessions, agents }: AgentDeps,
  token: SessionToken,
  address: string,
): Promise<Session | undefined> {
  // All at once, so that the store is asked once: an invented token must not cost it as many readings as there are agents.
  const asked = agents.audiencesAt(address).map(async (audience) => sessions.resolve(token, audience))
  const found = await Promise.all(asked)
  return found.find((session) => session !== undefined && !isAnonymous(session))
}
