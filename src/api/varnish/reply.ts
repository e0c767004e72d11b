import type { HeaderRecord } from '../../http/respond.ts'

/** What goes back to a client; no body with 204. */
export interface Reply {
  readonly status: number
  readonly body?: object
  readonly headers?: HeaderRecord
}

const ERRORS = {
  credentials_missing: [401, 'Send a name and a password as HTTP Basic'],
  credentials_invalid: [401, 'The name or the password is wrong'],
  throttled: [429, 'Too many tries; wait a moment'],
  more_than_a_password: [403, 'This realm asks for more than a name and a password; sign in with a browser'],
  quota_reached: [403, 'As many sessions are running as the realm allows'],
  token_missing: [401, 'Send a token as Authorization'],
  token_invalid: [401, 'The token is not valid, or not any more'],
  not_found: [404, 'There is no such thing here'],
  method_not_allowed: [405, 'This method is not used here'],
} as const satisfies Record<string, readonly [status: number, message: string]>

export type ErrorName = keyof typeof ERRORS

/** `{error, message}`: programs read the one, people the other. */
export function problem(error: ErrorName, headers: HeaderRecord = {}): Reply {
  const [status, message] = ERRORS[error]
  return { status, body: { error, message }, headers }
}
