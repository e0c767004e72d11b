import { isSameOrigin } from '../http/csrf.ts'
import { requestKind } from '../http/request-kind.ts'
import type { AccessRequest } from './access-request.ts'
import { answerHandshake, answerRefusal, type AnswerContext } from './answers.ts'
import { isKeepable, type Return } from './form-keeping.ts'
import type { Handshake, HandshakeAnswer } from './handshake.ts'
import { loginPage, pageUrl, returnUrl } from './login-address.ts'
import type { Advices } from '../policy/decision.ts'
import type { Site } from './site.ts'
import type { MissingSession, Verdict } from './verdict.ts'

/** A login that is needed: an ordinary one, or a step-up that follows `advices`. */
export interface NeededLogin {
  readonly advices: Advices | undefined
  readonly missing: MissingSession | undefined
  /** Where to come back to, where that is not the request's own address. */
  readonly back?: Return | undefined
}

/**
 * Navigations are sent to the login host. A frame never is, since a login form inside another page invites clickjacking: it gets
 * a page with a link that opens a window. Scripts get 401 with the address of the login page.
 */
export function answerLogin(
  context: AnswerContext,
  request: AccessRequest,
  { handshake, needed }: { readonly handshake: Handshake; readonly needed: NeededLogin },
): void {
  const isJson = request.site.answers.isJson(request.raw)
  const kind = isJson ? 'script' : requestKind(request.method, request.raw.headers)
  const asAdvice = needed.advices !== undefined && wantsAdvice(request)
  if (kind === 'navigation' && !asAdvice && !request.upgrade && needed.missing !== 'dead-bearer') {
    const { goto, cookies } = needed.back ?? { goto: returnUrl(request), cookies: [] }
    const answer = handshake.start(request, { ...needed, goto, restarts: 0 })
    // A step-up goes on with the same person, and of a form of another site nobody can say: browsers leave our cookie out of it.
    const isOfSite = request.method === 'GET' || isSameOrigin(request.raw.headers, request.site.url)
    const resets = needed.missing === undefined ? [] : isOfSite ? request.site.resets.login : []
    const all = { ...answer, cookies: [...answer.cookies, ...cookies, ...resets] }
    const isForm = needed.back !== undefined || isKeepable(request)
    if (isForm && all.kind === 'redirect') answerForm(context, request, { ...needed, start: all })
    else answerHandshake(context, all)
    return
  }
  const isFrame = kind === 'frame'
  const loginUrl = isFrame
    ? returnUrl(request)
    : loginPage(request.site, { goto: pageUrl(request), advices: needed.advices, state: undefined, at: request.target })
  answerRefusal(context, {
    kind: 'open-at-top-level',
    status: 401,
    error: errorOf(needed.advices),
    loginUrl,
    headers: { 'www-authenticate': challenges(request, loginUrl, needed) },
  })
}

/**
 * A form is not redirected: browsers hold the `form-action` of the page that sent it against every address that a redirect leads to (CSP
 * Level 3 §6.4.1), and `'self'` is not the login host: nothing would happen at all. A page of ours that goes on by itself is a new beginning.
 */
function answerForm(
  context: AnswerContext,
  request: AccessRequest,
  { start, advices, missing }: NeededLogin & { readonly start: Extract<HandshakeAnswer, { kind: 'redirect' }> },
): void {
  const loginUrl = loginPage(request.site, { goto: pageUrl(request), advices, state: undefined, at: request.target })
  answerRefusal(context, {
    kind: 'form-waits',
    status: 401,
    error: errorOf(advices),
    loginUrl: start.location,
    headers: {
      'set-cookie': start.cookies,
      // HTML Living Standard, "The `Refresh` header": works without script.
      refresh: `0;url=${start.location}`,
      'www-authenticate': challenges(request, loginUrl, { advices, missing }),
    },
  })
}

function errorOf(advices: Advices | undefined): string {
  return advices === undefined ? 'login_required' : 'insufficient_user_authentication'
}

/** Ours names the login page; a step-up adds the challenge of RFC 9470 §3, a dead access token that of RFC 6750. */
function challenges(request: AccessRequest, loginUrl: string, { advices, missing }: NeededLogin): readonly string[] {
  const { site } = request
  const own = `Gatehouse realm="${site.realm}", login_url="${loginUrl}"`
  // RFC 6750 §3.1; first, because many clients read one challenge only.
  if (missing === 'dead-bearer') return [`Bearer realm="${site.realm}", error="invalid_token"`, own]
  if (advices === undefined) return [own]
  const sso = wantsAdvice(request) ? [ssoAdvice(request.site, advices)] : []
  const [level] = advices.AuthLevelConditionAdvice ?? []
  const [maxAge] = advices.AuthenticationAgeConditionAdvice ?? []
  const text = 'A stronger login is required'
  const wanted = [
    ...(level === undefined ? [] : [`acr_values="${level}"`]),
    ...(maxAge === undefined ? [] : [`max_age=${maxAge}`]),
  ]
  const parts = [`error="insufficient_user_authentication"`, `error_description="${text}"`, ...wanted]
  return [...sso, own, `Bearer ${parts.join(', ')}`]
}

/**
 * No login would help, so nobody is sent to one. RFC 6750 §3.1: a request without a token gets the challenge and no error; our
 * parameter `issuer` names whose token it takes.
 */
export function answerTokenNeeded(
  context: AnswerContext,
  { site, session, reason, issuers }: Extract<Verdict, { readonly kind: 'token-needed' }>,
): void {
  const text =
    reason === 'token-expired' ? 'The token has expired' : 'The token is not one of this user that counts here'
  const error = reason === 'token-missing' ? [] : [`error="invalid_token"`, `error_description="${text}"`]
  const parts = [`realm="${site.realm}"`, ...issuerOf(issuers), ...error]
  answerRefusal(context, {
    kind: 'token-needed',
    status: 401,
    error: reason === 'token-missing' ? 'token_required' : 'invalid_token',
    username: session.username,
    headers: { 'www-authenticate': `Bearer ${parts.join(', ')}` },
  })
}

/** RFC 9110 §5.6.4: what would have to be escaped is left out; no issuer is called so. */
function issuerOf(issuers: readonly string[]): readonly string[] {
  const named = issuers.filter((issuer) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(issuer))
  return named.length === 0 ? [] : [`issuer="${named.join(' ')}"`]
}

/** How ForgeRock's SDKs ask for an answer that they can act on instead of a redirect. */
function wantsAdvice({ raw }: AccessRequest): boolean {
  const asked = raw.headers['x-authenticate-response']
  return typeof asked === 'string' && asked.toLowerCase() === 'header'
}

function ssoAdvice({ realm, loginUrl }: Site, advices: Advices): string {
  const text = Buffer.from(JSON.stringify(advices)).toString('base64')
  return `SSOADVICE realm="${realm}",advices="${text}",am_uri="${new URL(loginUrl).origin}"`
}
