import type { HeaderRecord } from '../../http/respond.ts'

/** What goes back to a client: 200 and a body, or an error in the form of OpenAM's common REST. */
export interface Reply {
  readonly status: number
  readonly body: object
  readonly headers?: HeaderRecord
  /** The browser is told to forget its SSO cookie. */
  readonly forgetCookie?: boolean
}

const REASONS = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const

export type ErrorStatus = keyof typeof REASONS

export function ok(body: object): Reply {
  return { status: 200, body }
}

export function problem(status: ErrorStatus, message: string = REASONS[status]): Reply {
  return { status, body: { code: status, reason: REASONS[status], message } }
}

/** Nobody is signed in. */
export const UNAUTHORIZED = problem(401, 'Access Denied')

/** One answer for what is another person's and for what is not there. */
export const FORBIDDEN = problem(403, 'Forbidden')
