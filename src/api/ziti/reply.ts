import type { HeaderRecord } from '../../http/respond.ts'

/** What goes back to a client: JSON, or a text or picture as it is. */
export type Reply =
  | { readonly status: number; readonly body: object; readonly headers?: HeaderRecord }
  | { readonly status: 200; readonly text: string; readonly type: string }

/** The codes of Ziti's controller, with its words. */
const ERRORS = {
  UNAUTHORIZED: [
    401,
    'The request could not be completed. The session is not authorized or the credentials are invalid',
  ],
  INVALID_AUTH: [401, 'The authentication request failed'],
  INVALID_AUTH_METHOD: [400, 'The supplied authentication method is not valid'],
  COULD_NOT_VALIDATE: [
    400,
    'The supplied request contains an invalid document or no valid accept content were available, see cause',
  ],
  COULD_NOT_PARSE_BODY: [400, 'The body of the request could not be parsed'],
  INVALID_CONTENT_TYPE: [400, 'The content type supplied is not acceptable'],
  INVALID_FILTER: [400, 'The filter query supplied is invalid'],
  INVALID_PAGINATION: [400, 'The pagination properties provided are invalid'],
  INVALID_SORT: [400, 'The sort order supplied is invalid'],
  BODY_TOO_LARGE: [413, 'The body of the request is too large'],
  NOT_FOUND: [404, 'The resource requested was not found or is no longer available'],
  METHOD_NOT_ALLOWED: [405, 'The resource requested does not support this HTTP verb'],
  RATE_LIMITED: [
    429,
    'The requested operation is rate limited and the rate limit has been exceeded. Please try again later',
  ],
  MFA_EXISTS: [409, 'An MFA record already exists, try removing it'],
  MFA_INVALID_TOKEN: [400, 'An invalid token/code was provided'],
  MFA_NOT_ENROLLED: [409, 'The current identity is not enrolled in MFA'],
  /** Ours: the realm's quota denies one more. */
  SESSION_QUOTA_REACHED: [409, 'As many sessions are running as the realm allows'],
  UNHANDLED: [500, 'An unhandled error occurred'],
  UNAVAILABLE: [503, 'The service is not available right now. Please try again later'],
} as const satisfies Record<string, readonly [status: number, message: string]>

export type ErrorCode = keyof typeof ERRORS

/** An error without the id of its request, which `withRequestId` adds. */
export interface Problem {
  readonly problem: ErrorCode
  /** What is wrong in particular, and what to do. */
  readonly cause?: string
  readonly headers?: HeaderRecord
}

export function problem(code: ErrorCode, cause?: string, headers?: HeaderRecord): Problem {
  return { problem: code, ...(cause === undefined ? {} : { cause }), ...(headers === undefined ? {} : { headers }) }
}

/** The envelope of Ziti's `apiError`. */
export function errorReply({ problem: code, cause, headers = {} }: Problem, requestId: string): Reply {
  const [status, message] = ERRORS[code]
  const reason = cause === undefined ? {} : { cause: { code, message: cause, requestId }, causeMessage: cause }
  const error = { code, message, requestId, args: { urlVars: {} }, ...reason }
  return { status, body: { error, meta: { apiEnrollmentVersion: '0.0.1', apiVersion: '0.0.1' } }, headers }
}

export function ok(data: object, status: 200 | 201 = 200): Reply {
  return { status, body: { data, meta: {} } }
}

/** One part of a list. */
export interface Page {
  readonly limit: number
  readonly offset: number
  readonly totalCount: number
}

export function okList(data: readonly object[], pagination: Page, filterableFields: readonly string[] = []): Reply {
  return { status: 200, body: { data, meta: { filterableFields, pagination } } }
}

/** A list that is short enough to be given whole. */
export function okAll(data: readonly object[]): Reply {
  return okList(data, { limit: data.length, offset: 0, totalCount: data.length })
}

export function iso(at: number): string {
  return new Date(at).toISOString()
}
