import { z } from 'zod'
import type { Step } from '../../authn/step.ts'
import { NOTHING_PRESENTED } from '../../http/presented.ts'
import { newApiTokenStem, type ApiTokenStem } from '../../session/api-token.ts'
import type { Call, ZitiDeps } from './call.ts'
import { chainFor, methodNamed, METHODS, type Method } from './methods.ts'
import { answerTo, contextOf, refusal } from './outcome.ts'
import { problem, type Problem, type Reply } from './reply.ts'

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
  return signInBy(
    await realmFor(deps, call, { method, username: parsed?.data.username }),
    call,
    method,
    answersOf(parsed?.data),
  )
}

/** The realm that these addresses are for. In the management API whoever it does not know may be an administrator of one above it. */
async function realmFor(
  deps: ZitiDeps,
  { api }: Call,
  { method, username }: { readonly method: Method; readonly username: string | undefined },
): Promise<ZitiDeps> {
  const { people, outer, administered } = deps
  if (api !== 'management') return deps
  for (const above of outer) {
    const isKnown =
      username === undefined
        ? chainFor(deps.realmAuthn, method) === undefined
        : (await people.userIdOf(above.realm, username)) !== undefined &&
          (await people.userIdOf(administered.realm, username)) === undefined
    if (isKnown && chainFor(above.realmAuthn, method) !== undefined) return { ...deps, ...above }
  }
  return deps
}

async function signInBy(
  deps: ZitiDeps,
  call: Call,
  method: Method,
  answers: readonly string[] | undefined,
): Promise<Reply | Problem> {
  const chain = chainFor(deps.realmAuthn, method)
  if (chain === undefined) return problem('INVALID_AUTH', 'nobody signs in by this method here')
  const stem = newApiTokenStem()
  const startedAt = deps.clock()
  const step = await firstProof(deps, call, { method, chain, stem, answers })
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
