import type { Step } from '../../authn/step.ts'
import { asFault, type GatehouseError } from '../../errors.ts'
import type { Session } from '../../session/session.ts'
import type { Frame } from '../frame.ts'
import { action, errorFacts, type ErrorKind, type MessageAction, type MessagePage } from '../message-page.ts'
import { loginUrl, type LoginRequest } from '../login-request.ts'
import type { PortalParts } from '../portal-parts.ts'
import type { PortalSite } from '../ports.ts'
import type { CompiledRealm } from '../realms.ts'
import type { Visit } from '../visit.ts'

type UnreachableCause = Extract<Step, { kind: 'unreachable' }>['cause']

export interface ErrorAnswer {
  readonly kind: ErrorKind
  readonly status: number
  readonly realm?: CompiledRealm
  /** Where to sign in instead. */
  readonly loginUrl?: string
  /** Who is signed in, where that matters. */
  readonly session?: Session | undefined
  /** Where the person was going. */
  readonly site?: PortalSite | undefined
}

/** A page that says what went wrong, with a way out and the id that support can look up. */
export function answerError(parts: PortalParts, visit: Visit, answer: ErrorAnswer): void {
  const { kind, status, realm, session, site } = answer
  if (status === 503) visit.setHeader('Retry-After', '5')
  visit.page({
    status,
    template: 'message',
    realm,
    view: (frame): MessagePage => ({
      title: frame.say(`error.${kind}.title`),
      heading: frame.say(`error.${kind}.title`),
      paragraphs: [frame.say(`error.${kind}.text`, { realm: (realm ?? parts.defaultRealm).compiledLook.title })],
      actions: actionsOf(frame, answer),
      facts: errorFacts(frame, {
        site: site?.title,
        user: session?.username,
        requestId: visit.facts.requestId,
      }),
    }),
  })
}

/** No chain of the realm reaches what was asked for: said here, because sending the browser back would go in circles. */
export function answerUnreachable(
  parts: PortalParts,
  visit: Visit,
  { realm, site, pairs }: LoginRequest,
  { session, cause }: { readonly session: Session | undefined; readonly cause?: UnreachableCause },
): void {
  // Without the level, which nobody reaches here: who signs in as somebody else may not be asked for it.
  const goto = pairs.filter(([name]) => name === 'goto')
  const signIn = { loginUrl: loginUrl(realm, [...goto, ['ForceAuth', 'true']]) }
  answerError(parts, visit, {
    kind: cause ?? 'unreachable',
    status: cause === 'too-many-anonymous' ? 429 : 403,
    realm,
    session,
    site,
    ...(session === undefined ? {} : signIn),
  })
}

/** The address asks for what no login here can come to. The way out asks for nothing but a login, or for none. */
export function answerMisunderstood(
  parts: PortalParts,
  visit: Visit,
  asked: LoginRequest,
  session: Session | undefined,
): void {
  const { realm, site, pairs } = asked
  const goto = pairs.filter(([name]) => name === 'goto')
  const signIn = { loginUrl: loginUrl(realm, goto) }
  answerError(parts, visit, { kind: 'login-address', status: 400, realm, session, site, ...signIn })
}

/** Going back to the application asks for a new approval, if one is still wanted. */
export function answerApprovalOver(
  parts: PortalParts,
  visit: Visit,
  asked: LoginRequest,
  session: Session | undefined,
): void {
  const { realm, site, destination } = asked
  const back = destination.goto === undefined ? {} : { loginUrl: destination.goto }
  answerError(parts, visit, { kind: 'approval-over', status: 410, realm, session, site, ...back })
}

/** A fault becomes its status and the page that goes with it; details are for the log alone. */
export function answerFault(parts: PortalParts, visit: Visit, caught: unknown): void {
  const refused = clientError(caught)
  if (refused !== undefined) {
    answerError(parts, visit, { kind: refused === 413 ? 'too-large' : 'bad-request', status: refused })
    return
  }
  const fault = asFault(caught)
  parts.log.error(
    { err: fault, code: fault.code, detail: fault.detail, requestId: visit.facts.requestId },
    'the login host could not answer a request',
  )
  answerError(parts, visit, { kind: kindOf(fault), status: fault.status })
}

function kindOf(fault: GatehouseError): ErrorKind {
  return fault.status === 503 ? 'unavailable' : 'internal'
}

/** Status of an error of the request itself, as the body parser and the router report them. */
function clientError(caught: unknown): number | undefined {
  const status = caught instanceof Error && 'status' in caught ? caught.status : undefined
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined
}

function actionsOf(frame: Frame, { kind, loginUrl, session }: ErrorAnswer): readonly MessageAction[] {
  if (kind === 'unavailable' || kind === 'internal') return [action(frame, 'action.home', '/', 'button')]
  if (loginUrl === undefined) return [action(frame, 'action.home', '/', 'button')]
  if (kind === 'approval-over') {
    return [action(frame, 'action.back', loginUrl, 'button'), action(frame, 'action.home', '/', 'plain')]
  }
  if (session !== undefined) {
    return [action(frame, 'action.apps', '/', 'button'), action(frame, 'action.other-user', loginUrl, 'plain')]
  }
  return [action(frame, 'action.sign-in', loginUrl, 'button'), action(frame, 'action.home', '/', 'plain')]
}
