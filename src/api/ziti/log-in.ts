import { z } from 'zod'
import type { LoginContext } from '../../authn/login-call.ts'
import { asksSomething, type Callback, type Step } from '../../authn/step.ts'
import type { EpochMs } from '../../base/brand.ts'
import { sha256 } from '../../crypto/sha256.ts'
import { NOTHING_PRESENTED } from '../../http/presented.ts'
import { addApiToken, apiTokenOf, newApiTokenStem, type ApiTokenStem } from '../../session/api-token.ts'
import { bucketOf } from '../../session/bucket.ts'
import { apiSessionDetail, ofPartial, ofSession } from './api-session.ts'
import type { Call, ZitiDeps } from './call.ts'
import { chainFor, methodNamed, METHODS, type Method } from './methods.ts'
import { createPartialLogins, type PartialLogin } from './partial-logins.ts'
import { ok, problem, type Problem, type Reply } from './reply.ts'

type Ask = Extract<Step, { readonly kind: 'ask' }>

/** `envInfo`, `sdkInfo` and `configTypes` may stand beside it. */
const credentials = z.object({ username: z.string().min(1).max(512), password: z.string().min(1).max(4_096) })

/** `POST authenticate?method=…`: one's first proof. */
export async function authenticate(deps: ZitiDeps, call: Call): Promise<Reply | Problem> {
  const method = methodNamed(call.query('method'))
  if (method === undefined) return problem('INVALID_AUTH_METHOD', 'method is password, cert or ext-jwt')
  const parsed = method === 'password' ? credentials.safeParse(call.body) : undefined
  if (parsed?.success === false) {
    return problem('COULD_NOT_VALIDATE', 'send a JSON object with username and password, neither of them empty')
  }
  const chain = chainFor(deps.realmAuthn, method)
  if (chain === undefined) return problem('INVALID_AUTH', 'nobody signs in by this method here')
  const stem = newApiTokenStem()
  const startedAt = deps.clock()
  const step = await firstProof(deps, call, { method, chain, stem, answers: answersOf(parsed?.data) })
  if (!isBy(deps, method, step)) {
    if (step.kind === 'done') await deps.sessions.end(step.issued.session.sid, 'login-over', call.origin)
    return refusal(step)
  }
  return answerTo(deps, call, { step, stem, startedAt })
}

function answersOf(data: z.infer<typeof credentials> | undefined): readonly string[] | undefined {
  return data && [data.username, data.password]
}

interface Begin {
  readonly method: Method
  readonly chain: string
  readonly stem: ApiTokenStem
  /** For the page that asks for a name and a password. */
  readonly answers: readonly string[] | undefined
}

/** The realm's own login: its chain, throttle, timing and audit. Whoever has a second factor has to prove it, whatever the chain says. */
async function firstProof(deps: ZitiDeps, call: Call, { method, chain, stem, answers }: Begin): Promise<Step> {
  const context = contextOf(call, stem)
  const silent = { ...context, presented: NOTHING_PRESENTED }
  const demand = { level: undefined, force: false, chain, ownFactor: true } as const
  const { realm } = deps
  // Who types a password is not to be signed in by a certificate that their program shows besides.
  let step = await deps.authn.begin(
    { realm, demand, destination: { goto: undefined, handshake: undefined } },
    answers === undefined ? context : silent,
  )
  if (step.kind === 'ask' && step.partial === undefined) {
    const choose = switchTo(deps, step, method)
    if (choose !== undefined) {
      const { authId } = step
      step = await deps.authn.submit({ realm, authId, answers: [], choose }, answers === undefined ? context : silent)
    }
  }
  if (answers === undefined || step.kind !== 'ask' || !asksForPassword(deps, step)) return step
  return deps.authn.submit({ realm, authId: step.authId, answers: [...answers, ...besides(step)] }, context)
}

/** The module of the method, where another one asks first. */
function switchTo({ realmAuthn }: ZitiDeps, { stage, others }: Ask, method: Method): string | undefined {
  const isMeant = (name: string): boolean => realmAuthn.modules.get(name)?.type === METHODS[method]
  return isMeant(stage) ? undefined : others.find(isMeant)
}

function asksForPassword({ realmAuthn }: ZitiDeps, { stage, callbacks }: Ask): boolean {
  const [name, password] = callbacks.map(({ type }) => type)
  const isPassword = realmAuthn.modules.get(stage)?.type === METHODS.password
  return isPassword && name === 'NameCallback' && password === 'PasswordCallback'
}

function besides({ callbacks }: Ask): readonly string[] {
  return callbacks.slice(2).map(() => '')
}

/** Whether what was proved was proved by the method that was named, and not by something else that the request brought. */
function isBy({ realmAuthn }: ZitiDeps, method: Method, step: Step): boolean {
  const proved =
    step.kind === 'done'
      ? step.issued.session.authModules
      : step.kind === 'ask'
        ? (step.partial?.authModules ?? [])
        : []
  return proved.some((name) => realmAuthn.modules.get(name)?.type === METHODS[method])
}

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
  { realmAuthn }: ZitiDeps,
  { origin }: Pick<Call, 'origin'>,
  { partial, authId, stage, others, enrols, callbacks }: Ask,
  startedAt: EpochMs,
): PartialLogin {
  const { sid, userId = '', username = '', authModules = [], authQueries = [] } = partial ?? {}
  return {
    ...{ sid, userId, username, authModules, authQueries, authId, stage, others, enrols },
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
