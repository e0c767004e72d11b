import type { IncomingMessage } from 'node:http'
import { asFault } from '../../../errors.ts'
import { cookieName } from '../../../http/cookies.ts'
import { isSameOrigin } from '../../../http/csrf.ts'
import { sendJson } from '../../../http/respond.ts'
import { isWebSocketHandshake } from '../../../http/web-socket.ts'
import type { AgentSession } from '../../../session/agent-sessions.ts'
import type { Session, SessionService, SessionToken } from '../../../session/session.ts'
import type { AuditSink } from '../../../telemetry/audit.ts'
import type { Clock } from '../../../base/clock.ts'
import type { Log } from '../../../telemetry/log.ts'
import { administers, sameUser } from '../../administration.ts'
import type { ApiUpgrade, People, SocketApi } from '../../ports.ts'
import { callingAgent, type Agents } from '../agents.ts'
import { auditCall, sessionOf } from '../call.ts'
import { FORBIDDEN, problem, replyToFault, UNAUTHORIZED, type Reply } from '../reply.ts'
import { headerToken, tokenNames, type TokenNames } from '../tokens.ts'
import type { Notifications } from './notifications.ts'
import type { Party } from './subscriber.ts'

export interface NotificationsEndpointDeps {
  /** Where people reach the login host: scheme, host and port. */
  readonly loginUrl: string
  /** Name of the SSO cookie without a prefix. */
  readonly cookieName: string
  readonly notifications: Notifications
  readonly sessions: Pick<SessionService, 'resolve'>
  readonly people: Pick<People, 'administratorsOf' | 'groupsOf'>
  readonly agents: Agents
  readonly audit: AuditSink
  readonly clock: Clock
  readonly log: Log
}

const PATHS: readonly string[] = ['/notifications', '/am/notifications', '/openam/notifications']

interface Parts {
  readonly deps: NotificationsEndpointDeps
  readonly origin: string
  readonly names: TokenNames
}

/**
 * `wss://login-host/notifications`. The caller's token is in the header named like the cookie, and only there: a page cannot send
 * that header, and what a browser sends by itself does not count (cross-site WebSocket hijacking).
 */
export function createNotificationsEndpoint(deps: NotificationsEndpointDeps): SocketApi {
  const { origin, protocol } = new URL(deps.loginUrl)
  const secure = protocol === 'https:'
  const names = tokenNames(cookieName(deps.cookieName, { secure }), [deps.cookieName, deps.agents.cookie?.name])
  const parts = { deps, origin, names }
  return (upgrade) => {
    const [path = ''] = (upgrade.request.url ?? '').split('?')
    if (!PATHS.includes(path)) return false
    // Noted in the turn in which the request met this configuration: what replaces it meanwhile closes the connection.
    void serve(parts, upgrade, deps.notifications.era())
    return true
  }
}

/** Never rejects; a fault is its status. */
async function serve(parts: Parts, upgrade: ApiUpgrade, era: number): Promise<void> {
  const { request, response, facts } = upgrade
  const { deps } = parts
  try {
    const judged = await judge(parts, upgrade)
    if ('status' in judged) {
      sendJson(response, judged)
      return
    }
    // Taken in the turn in which it was there: of many that come together none gets what another one was promised.
    const room = deps.notifications.room(judged.session)
    if (room === 'free') deps.notifications.welcome(request, upgrade.takeOver(), judged, era)
    else sendJson(response, { ...problem(room === 'full' ? 503 : 429), headers: { 'retry-after': '30' } })
  } catch (caught) {
    if (response.socket === null) request.socket.destroy()
    else sendJson(response, replyToFault(deps.log, facts, asFault(caught)))
  }
}

async function judge({ deps, origin, names }: Parts, upgrade: ApiUpgrade): Promise<Reply | Party> {
  const { request } = upgrade
  if (!isWebSocketHandshake(request)) return problem(400)
  if (isFromElsewhere(request, origin)) return FORBIDDEN
  const token = headerToken(request, names)
  const session = await sessionOf(deps, token)
  if (token !== undefined && session !== undefined) return partyOf(deps, upgrade, { token, session })
  const agent = await callingAgent(deps, token)
  return token === undefined || agent === undefined ? UNAUTHORIZED : agentParty(deps, token, agent)
}

/** Browsers say where a socket is opened from; programs say nothing. */
function isFromElsewhere({ headers }: IncomingMessage, origin: string): boolean {
  const isPage = headers.origin !== undefined || headers['sec-fetch-site'] !== undefined
  return isPage && !isSameOrigin(headers, origin)
}

/** People hear of their own sessions, administrators of those of their realms: the same rule as for every call. */
function partyOf(
  deps: NotificationsEndpointDeps,
  { facts }: ApiUpgrade,
  { token, session }: { readonly token: SessionToken; readonly session: Session },
): Party {
  const { realm } = session
  const origin = { requestId: facts.requestId, clientIp: facts.client.ip }
  return {
    session,
    maySee: (owner) => sameUser(session, owner) || administers(deps.people, session, owner.realm),
    isLive: async () => (await sessionOf(deps, token))?.sid === session.sid,
    listens: async () => {
      if (!(await administers(deps.people, session, realm))) return
      auditCall(deps, { origin }, { caller: session, action: 'list', outcome: 'done', target: { realm } })
    },
  }
}

/** Agents hear of the sessions of their realm: its people are at their sites. */
function agentParty(deps: NotificationsEndpointDeps, token: SessionToken, agent: AgentSession): Party {
  const { sid, realm } = agent
  return {
    // No user has such an id.
    session: { sid, realm, userId: `\0agent ${agent.agent}` },
    maySee: (owner) => owner.realm === realm,
    isLive: async () => (await callingAgent(deps, token))?.sid === sid,
    listens: () => Promise.resolve(),
  }
}
