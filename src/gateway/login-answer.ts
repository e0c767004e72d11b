import { requestKind } from '../http/request-kind.ts'
import type { AccessRequest } from './access-request.ts'
import { answerHandshake, answerRefusal, type AnswerContext } from './answers.ts'
import { loginPage, pageUrl, returnUrl, type Handshake } from './handshake.ts'
import type { MissingSession } from './verdict.ts'

/** A login that is needed: an ordinary one, or a step-up to `level`. */
export interface NeededLogin {
  readonly level: number | undefined
  readonly missing: MissingSession | undefined
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
  const kind = requestKind(request.method, request.raw.headers)
  if (kind === 'navigation' && !request.upgrade && needed.missing !== 'dead-bearer') {
    answerHandshake(context, handshake.start(request, { ...needed, goto: returnUrl(request), restarts: 0 }))
    return
  }
  const isFrame = kind === 'frame'
  const loginUrl = isFrame
    ? returnUrl(request)
    : loginPage(request.site, { goto: pageUrl(request), level: needed.level, state: undefined })
  answerRefusal(context, {
    kind: 'open-at-top-level',
    status: 401,
    error: needed.level === undefined ? 'login_required' : 'insufficient_user_authentication',
    loginUrl,
    headers: { 'www-authenticate': challenges(request, loginUrl, needed) },
  })
}

/** Ours names the login page; a step-up adds the challenge of RFC 9470 §3, a dead access token that of RFC 6750. */
function challenges({ site }: AccessRequest, loginUrl: string, { level, missing }: NeededLogin): readonly string[] {
  const own = `Gatehouse realm="${site.realm}", login_url="${loginUrl}"`
  // RFC 6750 §3.1; first, because many clients read one challenge only.
  if (missing === 'dead-bearer') return [`Bearer realm="${site.realm}", error="invalid_token"`, own]
  if (level === undefined) return [own]
  const text = 'A stronger login is required'
  return [own, `Bearer error="insufficient_user_authentication", error_description="${text}", acr_values="${level}"`]
}
