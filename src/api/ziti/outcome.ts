import type { LoginContext } from '../../authn/login-call.ts'
import { asksSomething, type Callback, type Step } from '../../authn/step.ts'
import type { EpochMs } from '../../base/brand.ts'
import { sha256 } from '../../crypto/sha256.ts'
import { addApiToken, apiTokenOf, type ApiTokenStem } from '../../session/api-token.ts'
import { bucketOf } from '../../session/bucket.ts'
import { apiSessionDetail, ofPartial, ofSession } from './api-session.ts'
import type { Call, ZitiDeps } from './call.ts'
import { createPartialLogins, type PartialLogin } from './partial-logins.ts'
import { ok, problem, type Problem, type Reply } from './reply.ts'

type Ask = Extract<Step, { readonly kind: 'ask' }>

/**
 * No browser is bound to a program's login: its token is, which nobody has who reads the store.
 */
export function contextOf({ origin, presented }: Call, stem: ApiTokenStem): LoginContext {
  return { binding: sha256(`gatehouse api login\0${stem}`), session: undefined, origin, presented }
}

export interface Outcome {
  readonly step: Step
  readonly stem: ApiTokenStem
  readonly startedAt: EpochMs
}

/** What a step comes to for a program: a session, a login of which something is outstanding, or a refusal. */
export async function answerTo(
  deps: ZitiDeps,
  call: Call,
  { step, stem, startedAt }: Outcome,
): Promise<Reply | Problem> {
  if (step.kind === 'done') {
    const { session } = step.issued
    const token = apiTokenOf(stem, session.bucket)
    if (!(await addApiToken(deps, session, token))) return problem('UNAUTHORIZED')
    await createPartialLogins(deps).remove(token)
    return ok(apiSessionDetail(deps.realmAuthn, ofSession(session, deps.clock()), token))
  }
  if (step.kind !== 'ask' || step.partial === undefined) return refusal(step)
  const login = partialOf(deps, call, step, startedAt)
  const token = apiTokenOf(stem, bucketOf(deps.realm, step.partial.userId))
  await createPartialLogins(deps).put(token, login)
  return ok(apiSessionDetail(deps.realmAuthn, ofPartial(login), token))
}

/** The page as it is asked now, to be answered later. */
export function partialOf(
  { realm, realmAuthn }: ZitiDeps,
  { origin }: Pick<Call, 'origin'>,
  { partial, authId, stage, others, enrols, callbacks }: Ask,
  startedAt: EpochMs,
): PartialLogin {
  const { sid, userId = '', username = '', authModules = [], authQueries = [] } = partial ?? {}
  return {
    ...{ realm, sid, userId, username, authModules, authQueries, authId, stage, others, enrols },
    answers: { count: callbacks.length, code: codeAmong(callbacks) },
    provisioningUrl: callbacks.flatMap((each) => (each.type === 'KeyUriCallback' ? [each.uri] : []))[0],
    isSetUpAsked: false,
    createdAt: startedAt,
    expiresAt: (startedAt + realmAuthn.journeyTimeoutMs) as EpochMs,
    address: origin.clientIp,
  }
}

/** The place of the one callback that asks for a code, where nothing else has to be answered. */
function codeAmong(callbacks: readonly Callback[]): number | undefined {
  const isCode = (each: Callback): boolean =>
    each.type === 'NameCallback' && (each.oneTimeCode === true || each.recoveryCode === true)
  const asking = callbacks.filter((each) => asksSomething(each) && each.type !== 'BooleanAttributeInputCallback')
  const [only] = asking
  return asking.length === 1 && only !== undefined && isCode(only) ? callbacks.indexOf(only) : undefined
}

/** All that fails looks alike, but for what tells nothing about anybody. */
export function refusal(step: Step): Problem {
  if (step.kind === 'quota-reached') return problem('SESSION_QUOTA_REACHED')
  if (step.kind === 'ask' && step.failure === 'throttled') {
    return problem('RATE_LIMITED', undefined, { 'retry-after': String(step.retryAfterSeconds ?? 1) })
  }
  return problem('INVALID_AUTH')
}
