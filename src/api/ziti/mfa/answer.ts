import { LATER, type Step } from '../../../authn/step.ts'
import { stemOf } from '../../../session/api-token.ts'
import { apiSessionDetail, ofSession } from '../api-session.ts'
import type { Call, Caller, PartialCaller, ZitiDeps } from '../call.ts'
import { codeIn, moduleFor } from './code.ts'
import { answerTo, contextOf, partialOf } from '../outcome.ts'
import { createPartialLogins, type PartialLogin } from '../partial-logins.ts'
import { proveByCode } from './prove.ts'
import { ok, problem, type Problem, type Reply } from '../reply.ts'

/** `POST authenticate/mfa`: answers the query that is outstanding; of a session that is full, proves the second factor once more. */
export async function answerMfa(deps: ZitiDeps, call: Call, caller: Caller): Promise<Reply | Problem> {
  if (caller.kind === 'partial') return answerQuery(deps, call, caller)
  const proved = await proveByCode(deps, call, caller)
  if ('problem' in proved) return proved
  return ok(apiSessionDetail(deps.realmAuthn, ofSession(proved, deps.clock()), caller.token))
}

async function answerQuery(deps: ZitiDeps, call: Call, caller: PartialCaller): Promise<Reply | Problem> {
  const { login } = caller
  const code = codeIn(call)
  if (code === undefined) return problem('MFA_INVALID_TOKEN')
  if (login.enrols) return problem('MFA_NOT_ENROLLED')
  const chosen = moduleFor(deps, code, [login.stage, ...login.others])
  const asked = chosen === undefined || chosen === login.stage ? login : await turnTo(deps, call, caller, chosen)
  if ('problem' in asked) return asked
  return answerWith(deps, call, { ...caller, login: asked }, code)
}

/** Has another factor asked for in the same login. */
export async function turnTo(
  deps: ZitiDeps,
  call: Call,
  { token, login }: PartialCaller,
  choose: string,
): Promise<PartialLogin | Problem> {
  const { realm } = deps
  const submitted = { realm, authId: login.authId, answers: [], choose }
  const step = await deps.authn.submit(submitted, contextOf(call, stemOf(token)))
  if (step.kind !== 'ask' || step.partial === undefined) return problem('UNAUTHORIZED')
  const turned = { ...partialOf(deps, call, step, login.createdAt), isSetUpAsked: login.isSetUpAsked }
  await createPartialLogins(deps).put(token, turned)
  return turned
}

/** Gives the page the code that it asks for. What is offered besides is put off: a client has no way to ask for it. */
export async function answerWith(
  deps: ZitiDeps,
  call: Call,
  { token, login }: PartialCaller,
  code: string,
): Promise<Reply | Problem> {
  const { authId, stage, enrols, answers, createdAt: startedAt } = login
  const at = answers.code
  if (at === undefined) return problem('MFA_INVALID_TOKEN')
  const { realm } = deps
  const stem = stemOf(token)
  const context = contextOf(call, stem)
  const given = Array.from({ length: answers.count }, (_, i) => (i === at ? code : ''))
  let step: Step = await deps.authn.submit({ realm, authId, answers: given }, context)
  if (step.kind === 'ask' && step.optional === true) {
    step = await deps.authn.submit({ realm, authId: step.authId, answers: [], choose: LATER }, context)
  }
  if (step.kind === 'done') return answerTo(deps, call, { step, stem, startedAt })
  const logins = createPartialLogins(deps)
  if (step.kind !== 'ask' || step.partial === undefined) {
    await logins.remove(token)
    return problem(step.kind === 'quota-reached' ? 'SESSION_QUOTA_REACHED' : 'UNAUTHORIZED')
  }
  await logins.put(token, { ...partialOf(deps, call, step, startedAt), isSetUpAsked: login.isSetUpAsked })
  if (step.failure === 'throttled') {
    return problem('RATE_LIMITED', undefined, { 'retry-after': String(step.retryAfterSeconds ?? 1) })
  }
  // The same page again: it was wrong, or another answer to it was faster.
  if (step.stage === stage && step.enrols === enrols) return problem('MFA_INVALID_TOKEN')
  return answerTo(deps, call, { step, stem, startedAt })
}
