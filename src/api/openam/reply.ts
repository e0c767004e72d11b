import type { GatehouseError } from '../../errors.ts'
import type { HeaderRecord } from '../../http/respond.ts'
import type { Log } from '../../telemetry/log.ts'

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
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
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

/** A fault is logged with what it was, and told with what it means. */
export function replyToFault(log: Log, { requestId }: { readonly requestId: string }, fault: GatehouseError): Reply {
  const { code, status, message, detail, cause } = fault
  const level = code === 'GH_INTERNAL' ? 'error' : 'warn'
  log[level]({ requestId, code, detail, err: cause }, message)
  return status === 503
    ? { ...problem(503, message), headers: { 'retry-after': '1' } }
    : problem(500, `${message} (request ${requestId})`)
}
