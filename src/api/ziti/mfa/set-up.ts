import { renderSVG } from 'uqr'
import type { OwnFactor, SetUpPage } from '../../../authn/own-factors.ts'
import { openUnder, sealUnder } from '../../../crypto/under-secret.ts'
import { hashOfApiToken } from '../../../session/api-token.ts'
import type { Session } from '../../../session/session.ts'
import type { Call, Caller, FullCaller, PartialCaller, ZitiDeps } from '../call.ts'
import { codeIn } from './code.ts'
import { answerWith, turnTo } from './answer.ts'
import { createPartialLogins } from '../partial-logins.ts'
import { PROVE_AGAIN } from './prove.ts'
import { iso, ok, problem, type Problem, type Reply } from '../reply.ts'

const TYPE = 'totp'
const NAMESPACE = 'api-set-up'
const PURPOSE = 'gatehouse mfa set-up'
/** An app that is shown and not confirmed is forgotten after this long. */
const SET_UP_MS = 15 * 60_000
const SELF = './current-identity/mfa'

/** What a session is setting up. The store has it under the token's hash, sealed under the token. */
interface SetUp {
  readonly state: string
  readonly answers: number
  readonly provisioningUrl: string
}

/** `POST current-identity/mfa`: begins to set an authenticator app up. */
export async function beginSetUp(deps: ZitiDeps, call: Call, caller: Caller): Promise<Reply | Problem> {
  return caller.kind === 'partial' ? beginAtLogin(deps, call, caller) : beginInSession(deps, caller)
}

/** Only who has no second factor yet: a password alone must not put a stranger's telephone beside the owner's. */
async function beginAtLogin(deps: ZitiDeps, call: Call, caller: PartialCaller): Promise<Reply | Problem> {
  const { login, token } = caller
  if (!login.enrols || login.isSetUpAsked) return problem('MFA_EXISTS')
  const isApp = (name: string): boolean => deps.realmAuthn.modules.get(name)?.type === TYPE
  const app = [login.stage, ...login.others].find(isApp)
  if (app === undefined) return problem('NOT_FOUND', 'no authenticator app can be set up here')
  const asked = app === login.stage ? login : await turnTo(deps, call, caller, app)
  if ('problem' in asked) return asked
  await createPartialLogins(deps).put(token, { ...asked, isSetUpAsked: true })
  return created(login.userId)
}

async function beginInSession(deps: ZitiDeps, { token, session }: FullCaller): Promise<Reply | Problem> {
  const held = await deps.ownFactors.holdings(session)
  if (held.factors.some(({ type }) => type === TYPE) || (await setUpOf(deps, token)) !== undefined) {
    return problem('MFA_EXISTS')
  }
  const module = held.addable.find(({ type }) => type === TYPE)?.module
  if (module === undefined) return problem('NOT_FOUND', 'no authenticator app can be set up here')
  const page = await deps.ownFactors.begin(session, module)
  if (page.kind === 'prove-first') return problem('UNAUTHORIZED', PROVE_AGAIN)
  if (page.kind === 'gone') return problem('NOT_FOUND')
  await keep(deps, token, page)
  return created(session.userId)
}

async function keep({ store }: ZitiDeps, token: FullCaller['token'], { state, callbacks }: SetUpPage): Promise<void> {
  const uri = callbacks.flatMap((each) => (each.type === 'KeyUriCallback' ? [each.uri] : []))[0] ?? ''
  const setUp: SetUp = { state, answers: callbacks.length, provisioningUrl: uri }
  const value = sealUnder(token, PURPOSE, JSON.stringify(setUp))
  const key = hashOfApiToken(token)
  await store.versioned.remove(NAMESPACE, key)
  await store.versioned.create(NAMESPACE, key, value, SET_UP_MS)
}

async function setUpOf({ store }: ZitiDeps, token: FullCaller['token']): Promise<SetUp | undefined> {
  const found = await store.versioned.load(NAMESPACE, hashOfApiToken(token))
  const text = found && openUnder(token, PURPOSE, found.value)
  return text === undefined ? undefined : (JSON.parse(text) as SetUp)
}

/** Gives up what is being set up. False where nothing is. */
export async function dropSetUp(deps: ZitiDeps, { token }: FullCaller): Promise<boolean> {
  if ((await setUpOf(deps, token)) === undefined) return false
  await deps.store.versioned.remove(NAMESPACE, hashOfApiToken(token))
  return true
}

function created(userId: string): Reply {
  return ok({ _links: { self: { href: SELF } }, id: userId }, 201)
}

/** `POST current-identity/mfa/verify`: the first code of the app. At a login it is the proof as well, and makes the session full. */
export async function verifySetUp(deps: ZitiDeps, call: Call, caller: Caller): Promise<Reply | Problem> {
  const code = codeIn(call)
  if (caller.kind === 'partial') {
    if (!caller.login.isSetUpAsked) return problem('NOT_FOUND')
    return code === undefined ? problem('MFA_INVALID_TOKEN') : answerWith(deps, call, caller, code)
  }
  const { token, session } = caller
  const setUp = await setUpOf(deps, token)
  if (setUp === undefined) return problem('NOT_FOUND')
  if (code === undefined) return problem('MFA_INVALID_TOKEN')
  const answers = Array.from({ length: setUp.answers }, (_, i) => (i === 0 ? code : ''))
  const outcome = await deps.ownFactors.finish(session, { state: setUp.state, answers }, call.origin)
  switch (outcome.kind) {
    case 'ask':
    case 'again':
      await keep(deps, token, outcome)
      return problem('MFA_INVALID_TOKEN')
    case 'added':
      await deps.store.versioned.remove(NAMESPACE, hashOfApiToken(token))
      return ok({})
    case 'prove-first':
      return problem('UNAUTHORIZED', PROVE_AGAIN)
    case 'gone':
      return problem('NOT_FOUND')
  }
}

/** `GET current-identity/mfa` */
export async function mfaDetail(deps: ZitiDeps, _call: Call, caller: Caller): Promise<Reply | Problem> {
  const { userId } = caller.kind === 'full' ? caller.session : caller.login
  const about = { _links: { self: { href: SELF } }, id: userId, tags: {} }
  const url = await provisioningUrlOf(deps, caller)
  if (url !== undefined) {
    const now = iso(deps.clock())
    // Made once the app is confirmed: `POST …/recovery-codes`.
    return ok({ ...about, createdAt: now, updatedAt: now, isVerified: false, provisioningUrl: url, recoveryCodes: [] })
  }
  const app = await verifiedApp(deps, userId)
  if (app === undefined) return problem('NOT_FOUND')
  const updatedAt = iso(app.lastUsedAt ?? app.createdAt)
  return ok({ ...about, createdAt: iso(app.createdAt), updatedAt, isVerified: true })
}

async function verifiedApp(
  { realmAuthn }: ZitiDeps,
  userId: string,
): Promise<Pick<OwnFactor, 'createdAt' | 'lastUsedAt'> | undefined> {
  return (await realmAuthn.factors.list(userId)).find(({ type }) => type === TYPE)
}

/** What is shown of the app that is being set up; `undefined` where none is. */
async function provisioningUrlOf(deps: ZitiDeps, caller: Caller): Promise<string | undefined> {
  if (caller.kind === 'full') return (await setUpOf(deps, caller.token))?.provisioningUrl
  return caller.login.isSetUpAsked ? caller.login.provisioningUrl : undefined
}

/** `GET current-identity/mfa/qr-code` */
export async function mfaQrCode(deps: ZitiDeps, _call: Call, caller: Caller): Promise<Reply | Problem> {
  const url = await provisioningUrlOf(deps, caller)
  return url === undefined
    ? problem('NOT_FOUND')
    : { status: 200, text: renderSVG(url), type: 'image/svg+xml; charset=utf-8' }
}

/** `GET current-identity/mfa/qr-text` */
export async function mfaQrText(deps: ZitiDeps, _call: Call, caller: Caller): Promise<Reply | Problem> {
  const url = await provisioningUrlOf(deps, caller)
  return url === undefined ? problem('NOT_FOUND') : { status: 200, text: url, type: 'text/plain; charset=utf-8' }
}

/** Whose factors may be changed now: their session after a proof by a code. */
export async function removeApps(
  { ownFactors }: ZitiDeps,
  { origin }: Call,
  session: Session,
): Promise<Reply | Problem> {
  const apps = (await ownFactors.holdings(session)).factors.filter(({ type }) => type === TYPE)
  if (apps.some(({ declared }) => declared)) return problem('MFA_EXISTS', 'it comes from the configuration')
  for (const { id } of apps) {
    const outcome = await ownFactors.remove(session, id, origin)
    if (outcome.kind === 'prove-first') return problem('UNAUTHORIZED', PROVE_AGAIN)
  }
  return ok({})
}
