import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { AgentAttempt, AgentLogin } from '../../../authn/agent-login.ts'
import type { Sealer } from '../../../crypto/seal.ts'
import type { Presented } from '../../../http/presented.ts'
import type { Call } from '../call.ts'
import { ok, problem, type Reply } from '../reply.ts'
import { readAnswers, type Expected } from './answers.ts'
import type { Authenticate } from './authenticate.ts'
import * as outcomes from './outcomes.ts'
import { zeroPageOf, type ZeroPage } from './zero-page.ts'

export interface AgentAuthenticateDeps {
  readonly agents: AgentLogin
  readonly sealer: Sealer
  readonly presentedBy: (request: IncomingMessage) => Presented
  /** Logins of people. */
  readonly people: Authenticate
}

/** How agents ask for their login, in the order of `authIndexType` and `authIndexValue`. */
const INDEXES: readonly string[] = ['module Application', 'service Agent']

/** Tells an agent's step from those of people. */
const KIND = 'agent'
/** Milliseconds. */
const LIFE_MS = 300_000
const EXPECTED: readonly Expected[] = [{ kind: 'text' }, { kind: 'text' }]

const bodySchema = z.object({ authId: z.string().max(2_000), callbacks: z.unknown() })

/**
 * `POST …/authenticate` of an agent: the module `Application`, the service `Agent`, or neither where headers name an agent of the realm,
 * as OpenAM's agent for Node.js does. All else is a login of a person.
 */
export function withAgents(deps: AgentAuthenticateDeps): Authenticate {
  return async (request, call) => {
    const { realm, id } = call.address
    if (id !== undefined || request.method !== 'POST') return deps.people(request, call)
    const answered = bodySchema.safeParse(call.body)
    if (answered.success && isAgentStep(deps, answered.data.authId, realm)) {
      const read = readAnswers(answered.data.callbacks, EXPECTED)
      if (read.kind === 'refused') return problem(400, read.message)
      const [name = '', secret = ''] = read.answers
      return logIn(deps, { request, call, sent: { name, secret } })
    }
    const sent = zeroPageOf(request)
    if (isBegun(call) || !isForAgents(deps, call, sent)) return deps.people(request, call)
    const presented = deps.presentedBy(request)
    if (sent?.secret === undefined && presented.certificate() === undefined) return ask(deps, call)
    return logIn(deps, { request, call, sent })
  }
}

/** Whether it is a step of a login under way. */
function isBegun({ body }: Call): boolean {
  return typeof body === 'object' && body !== null && 'authId' in body
}

function isForAgents({ agents }: AgentAuthenticateDeps, call: Call, sent: ZeroPage | undefined): boolean {
  const [type, value] = [call.query('authIndexType'), call.query('authIndexValue')]
  if (type !== undefined || value !== undefined) return INDEXES.includes(`${type ?? ''} ${value ?? ''}`)
  return sent?.secret !== undefined && agents.isAgent(call.address.realm, sent.name)
}

function isAgentStep({ sealer }: AgentAuthenticateDeps, authId: string, realm: string): boolean {
  const opened = sealer.open('journey', authId)
  return Array.isArray(opened) && opened[0] === KIND && opened[1] === realm
}

interface Login {
  readonly request: IncomingMessage
  readonly call: Call
  readonly sent: ZeroPage | undefined
}

/** The token is in the body and never in a cookie: no browser is an agent. */
async function logIn(deps: AgentAuthenticateDeps, { request, call, sent }: Login): Promise<Reply> {
  const { address, origin, version } = call
  const { realm } = address
  const attempt: AgentAttempt = {
    ...{ realm, origin, name: sent?.name, secret: sent?.secret },
    presented: deps.presentedBy(request),
  }
  const outcome = await deps.agents.login(attempt)
  switch (outcome.kind) {
    case 'passed':
      return outcomes.success({ token: outcome.token, successUrl: undefined, realm })
    case 'failed':
      return outcomes.loginFailure({ version, failureUrl: undefined })
    case 'throttled':
      return outcomes.throttled(Math.ceil(outcome.retryAfterMs / 1_000))
  }
}

/** The same for every name: nothing is known of who asks. */
function ask({ sealer }: AgentAuthenticateDeps, { address }: Call): Reply {
  const callback = (type: string, prompt: string, index: number): object => ({
    type,
    output: [{ name: 'prompt', value: prompt }],
    input: [{ name: `IDToken${index + 1}`, value: '' }],
    _id: index,
  })
  return ok({
    authId: sealer.seal('journey', [KIND, address.realm], LIFE_MS),
    template: '',
    stage: 'Application1',
    header: 'Application',
    callbacks: [callback('NameCallback', 'Agent', 0), callback('PasswordCallback', 'Password', 1)],
  })
}
