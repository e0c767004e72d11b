import { randomSecret } from '../../../base/random-id.ts'
import { sha256 } from '../../../crypto/sha256.ts'
import type { Session } from '../../../session/session.ts'
import type { Call, FullCaller, ZitiDeps } from '../call.ts'
import { codeIn, moduleFor } from './code.ts'
import { problem, type Problem } from '../reply.ts'

/** Types of factors that are proved by typing a code. */
const CODES: ReadonlySet<string> = new Set(['totp', 'recovery'])

/** Why a change is refused to a session that is older than a few minutes. */
export const PROVE_AGAIN = 'sign in again: what proves who somebody is can be changed for five minutes after that'

/** The session after a step-up by the code that the request brings: a login of one step, with its throttle and audit. */
export async function proveByCode(deps: ZitiDeps, call: Call, { session }: FullCaller): Promise<Session | Problem> {
  const code = codeIn(call)
  const own = (await deps.ownFactors.holdings(session)).factors
  const modules = [...deps.realmAuthn.modules.values()].filter(
    ({ type }) => CODES.has(type) && own.some((factor) => factor.type === type),
  )
  if (modules.length === 0) return problem('MFA_NOT_ENROLLED')
  const names = modules.map(({ name }) => name)
  const module = code === undefined ? undefined : moduleFor(deps, code, names)
  // As its login token would see it: a step-up elsewhere may have gone before.
  const current = await deps.sessions.find(session.sid)
  if (code === undefined || module === undefined || current === undefined) return problem('MFA_INVALID_TOKEN')
  const context = { binding: sha256(randomSecret()), session: current, origin: call.origin }
  const demand = { level: undefined, force: false, again: module }
  const { realm } = deps
  const page = await deps.authn.begin(
    { realm, demand, destination: { goto: undefined, handshake: undefined } },
    context,
  )
  if (page.kind !== 'ask' || page.stage !== module) return problem('UNAUTHORIZED', PROVE_AGAIN)
  const answers = page.callbacks.map((_, i) => (i === 0 ? code : ''))
  const step = await deps.authn.submit({ realm, authId: page.authId, answers }, context)
  if (step.kind === 'done') return step.issued.session
  if (step.kind === 'ask' && step.failure === 'throttled') {
    return problem('RATE_LIMITED', undefined, { 'retry-after': String(step.retryAfterSeconds ?? 1) })
  }
  return problem('MFA_INVALID_TOKEN')
}
