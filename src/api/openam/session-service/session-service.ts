import type { IncomingMessage, ServerResponse } from 'node:http'
import { asFault } from '../../../errors.ts'
import { sendJson } from '../../../http/respond.ts'
import type { SessionToken } from '../../../session/session.ts'
import type { Log } from '../../../telemetry/log.ts'
import type { Api, ApiFacts } from '../../ports.ts'
import { readText } from '../../../http/read-text.ts'
import { callingAgent, sessionFor, type AgentDeps } from '../agents.ts'
import { problem, replyToFault } from '../reply.ts'
import type { SessionListeners } from './listeners.ts'
import { answerTo, readAddListener, type AddListener } from './messages.ts'

export interface SessionServiceDeps extends AgentDeps {
  readonly listeners: Pick<SessionListeners, 'add'>
  readonly log: Log
}

const PATHS: readonly string[] = ['/sessionservice', '/am/sessionservice', '/openam/sessionservice']

/**
 * `POST /sessionservice`: of all that OpenAM's session service does, `AddSessionListener` alone, for agents whose profile has it.
 * Whoever could name any address would have us call it (CVE-2026-44202, server-side request forgery), so it is the agent's own origin or
 * nothing; and it answers nothing about a session.
 */
export function createSessionServiceApi(deps: SessionServiceDeps): Api {
  return (request, response, facts) => {
    const [path = ''] = (request.url ?? '').split('?')
    if (!PATHS.includes(path)) return false
    void serve(deps, { request, response, facts })
    return true
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly facts: ApiFacts
}

/** Never rejects; a fault is its status. */
async function serve(deps: SessionServiceDeps, { request, response, facts }: Exchange): Promise<void> {
  try {
    if (request.method !== 'POST') {
      sendJson(response, { ...problem(405), headers: { allow: 'POST' } })
      return
    }
    const text = await readText(request)
    const asked = typeof text === 'number' ? undefined : readAddListener(text)
    if (asked === undefined) {
      if (!request.complete) response.shouldKeepAlive = false
      sendJson(response, problem(typeof text === 'number' ? text : 400))
      return
    }
    const xml = answerTo(asked, (await register(deps, asked)) ? 'registered' : 'refused')
    response.writeHead(200, { 'content-type': 'text/xml;charset=UTF-8', 'cache-control': 'no-store' }).end(xml)
  } catch (caught) {
    if (!response.headersSent && !response.destroyed) sendJson(response, replyToFault(deps.log, facts, asFault(caught)))
  }
}

async function register(deps: SessionServiceDeps, { agentToken, url, token }: AddListener): Promise<boolean> {
  const agent = await callingAgent(deps, agentToken as SessionToken)
  const site = agent && deps.agents.siteOf(agent.agent)
  if (agent === undefined || site?.notified !== true || !isWithin(site.url, url)) return false
  const session = await sessionFor(deps, agent, token as SessionToken)
  if (session === undefined) return false
  deps.listeners.add(session.sid, { url, token })
  // It may have ended before anybody listened.
  return (await sessionFor(deps, agent, token as SessionToken)) !== undefined
}

/** An address of the origin, letter for letter, and nothing that a second parser could read as another one. */
function isWithin(origin: string, url: string): boolean {
  return url.startsWith(`${origin}/`) && !/[\\@#\s]/.test(url) && URL.parse(url)?.origin === origin
}
