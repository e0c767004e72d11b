import type { SessionToken } from '../../../session/session.ts'
import { ok, problem, type ErrorStatus, type Reply } from '../reply.ts'
import { isSince, type ApiVersion } from '../version.ts'

/** Errors have their particulars in `detail` from here on. */
const DETAILS = { major: 2, minor: 0 }

/** What a client that is refused may go to, and what it speaks. */
export interface Refusal {
  readonly version: ApiVersion
  readonly failureUrl: string | undefined
}

/** One answer for whatever was wrong: a name, a password, a code, an account that is locked. */
export function loginFailure({ version, failureUrl = '' }: Refusal, message?: string): Reply {
  const isSecond = isSince(version, DETAILS)
  const about = problem(401, message ?? (isSecond ? 'Login failure' : 'Authentication Failed'))
  return withBody(about, isSecond ? { detail: { failureUrl } } : { failureUrl })
}

/** The login has taken too long, or was finished already. */
export function timedOut({ version }: Refusal): Reply {
  return coded(version, { status: 408, message: 'Session has timed out', errorCode: '110' })
}

/** What was to be approved waits no longer, or for somebody else. */
export function approvalOver({ version }: Refusal): Reply {
  return coded(version, { status: 401, message: 'Unable to read transaction.', errorCode: '128' })
}

export const NO_SUCH_SESSION = problem(400, 'sessionUpgradeSSOTokenId: no live session of this realm has this token')
export const NOT_IN_ADDRESS = problem(
  400,
  'sessionUpgradeSSOTokenId: a token must not stand in the address here: send it as the cookie, or in the header of that name',
)
export const NO_SUCH_LOGIN = problem(400, 'authId: begin the login again, this is none of ours')

export function throttled(seconds: number): Reply {
  return { ...problem(429, 'too many tries: wait, then try again'), headers: { 'retry-after': String(seconds) } }
}

export interface Success {
  /** `undefined` where the client is not to see it. */
  readonly token: SessionToken | undefined
  readonly successUrl: string | undefined
  readonly realm: string
}

export function success({ token, successUrl = '/', realm }: Success): Reply {
  return ok({ ...(token === undefined ? {} : { tokenId: token }), successUrl, realm })
}

/** `noSession=true`: it was proved who somebody is, and that is all. */
export function proved({ successUrl = '/', realm }: Omit<Success, 'token'>): Reply {
  return ok({ message: 'Authentication Successful', successUrl, realm })
}

function coded(
  version: ApiVersion,
  {
    status,
    message,
    errorCode,
  }: { readonly status: ErrorStatus; readonly message: string; readonly errorCode: string },
): Reply {
  return withBody(problem(status, message), isSince(version, DETAILS) ? { detail: { errorCode } } : { errorCode })
}

function withBody(reply: Reply, more: object): Reply {
  return { ...reply, body: { ...reply.body, ...more } }
}
