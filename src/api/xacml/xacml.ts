import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RealmName } from '../../base/brand.ts'
import { asFault } from '../../errors.ts'
import { cookieName } from '../../http/cookies.ts'
import { OWN_HEADERS, sendJson } from '../../http/respond.ts'
import { indeterminate } from '../../policy/xacml/result.ts'
import type { AgentSession } from '../../session/agent-sessions.ts'
import type { Session } from '../../session/session.ts'
import type { Log } from '../../telemetry/log.ts'
import { mayBeForged } from '../forgery.ts'
import { realmBefore } from '../openam/address.ts'
import { callingAgent } from '../openam/agents.ts'
import { sessionOf } from '../openam/call.ts'
import type { PoliciesDeps } from '../openam/policies/policies.ts'
import { mayEvaluate, refuseQuestion } from '../openam/policies/privilege.ts'
import { FORBIDDEN, problem, replyToFault, UNAUTHORIZED, type Reply } from '../openam/reply.ts'
import { presentedTokens, tokenNames, type TokenNames } from '../openam/tokens.ts'
import type { Api, ApiFacts } from '../ports.ts'
import { readText } from '../../http/read-text.ts'
import { decide } from './decide.ts'
import { acceptedForm, formOf } from './media-types.ts'

export interface XacmlDeps extends PoliciesDeps {
  /** Where people reach the login host: scheme, host and port. */
  readonly loginUrl: string
  /** Name of the SSO cookie without a prefix. */
  readonly cookieName: string
  readonly log: Log
}

interface Parts {
  readonly deps: XacmlDeps
  readonly origin: string
  readonly names: TokenNames
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly facts: ApiFacts
  readonly realm: RealmName | undefined
}

/** Bytes of a request: 200 decisions have room. */
const MOST_BYTES = 65_536
const BELOW = '/xacml/'

/**
 * `POST /xacml/pdp`, also below a realm: the policy decision point as XACML's REST Profile 1.1 §2.2 has it, in XML and in JSON. Who may ask
 * OpenAM's `_action=evaluate` may ask here.
 */
export function createXacml(deps: XacmlDeps): Api {
  const { origin, protocol } = new URL(deps.loginUrl)
  const cookie = cookieName(deps.cookieName, { secure: protocol === 'https:' })
  const names = tokenNames(cookie, [deps.cookieName, deps.agents.cookie?.name])
  const parts = { deps, origin, names }
  return (request, response, facts) => {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2)
    if (!path.startsWith(BELOW)) return false
    const named = new URLSearchParams(query).getAll('realm')
    const realm = named.length > 1 ? undefined : realmBefore('pdp', path.slice(BELOW.length), named[0])
    void serve(parts, { request, response, facts, realm })
    return true
  }
}

/** Never rejects; a fault is its status. */
async function serve(parts: Parts, exchange: Exchange): Promise<void> {
  const { request, response, facts } = exchange
  try {
    send(exchange, await answerTo(parts, exchange))
  } catch (caught) {
    if (request.destroyed && !response.writable) return
    send(exchange, replyToFault(parts.deps.log, facts, asFault(caught)))
  }
}

/** A response in a form of XACML. */
interface Told {
  readonly status: 200 | 400
  readonly type: string
  readonly text: string
}

function send({ request, response }: Exchange, answer: Reply | Told): void {
  if (response.headersSent || response.destroyed) return
  // A body that nobody reads any more must not be taken for the next request.
  if (!request.complete) response.shouldKeepAlive = false
  const headers = { vary: 'Cookie, Authorization, Accept' }
  if (!('type' in answer)) {
    sendJson(response, { ...answer, headers: { ...headers, ...answer.headers } })
    return
  }
  const { status, type, text } = answer
  response.writeHead(status, {
    ...OWN_HEADERS,
    ...headers,
    'content-type': type,
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

async function answerTo(parts: Parts, { request, facts, realm }: Exchange): Promise<Reply | Told> {
  const { deps, origin } = parts
  if (realm === undefined || !deps.people.hasRealm(realm)) return problem(404)
  if (request.method !== 'POST') return { ...problem(405), headers: { allow: 'POST' } }
  const { accept, 'content-type': contentType, 'content-encoding': encoding } = request.headers
  const form = encoding === undefined ? formOf(contentType) : undefined
  if (form === undefined) return problem(415)
  const wanted = acceptedForm(accept, form)
  if (wanted === undefined) return problem(406)
  // Each type of a body that is read here is one that no foreign page sends unasked.
  if (mayBeForged(request, origin, [])) return FORBIDDEN
  const asking = await callerOf(parts, request)
  if (asking === undefined) return challenged(request, realm)
  const policies = (await mayEvaluate(deps.people, asking, realm)) ? deps.policiesOf(realm) : undefined
  const told = { requestId: facts.requestId, clientIp: facts.client.ip }
  if (policies === undefined) return refuseQuestion(deps, { asking, of: realm, question: 'xacml', origin: told })
  const text = await readText(request, MOST_BYTES)
  if (typeof text === 'number') return problem(text)
  const read = form.read(text)
  if (read.kind === 'malformed') {
    const result = indeterminate({ code: 'syntax-error', message: read.message })
    return { status: 400, type: wanted.type, text: wanted.form.write([result]) }
  }
  const agent = 'agent' in asking ? deps.agents.siteOf(asking.agent)?.url : undefined
  const results = await decide(
    deps,
    {
      ...{ realm, policies, site: agent },
      caller: 'agent' in asking ? undefined : asking,
      origin: told,
    },
    read.request,
  )
  return { status: 200, type: wanted.type, text: wanted.form.write(results) }
}

/** Beside an access token no cookie is looked at: of two people the one of the token is meant, or nobody. */
async function callerOf({ deps, names }: Parts, request: IncomingMessage): Promise<Session | AgentSession | undefined> {
  const { authorization } = request.headers
  if (authorization !== undefined) return deps.bearer.resolve(authorization)
  const token = presentedTokens(request, names).caller
  return (await sessionOf(deps, token)) ?? callingAgent(deps, token)
}

function challenged({ headers }: IncomingMessage, realm: RealmName): Reply {
  const error = headers.authorization === undefined ? '' : ', error="invalid_token"'
  return { ...UNAUTHORIZED, headers: { 'www-authenticate': `Bearer realm="${realm}"${error}` } }
}
