/** Every fault the product can raise: HTTP status and the sentence a person may read. Documented in docs/errors.md. */
export const ERRORS = {
  GH_INTERNAL: [500, 'something went wrong on our side'],
  GH_CONFIG_INVALID: [500, 'the configuration is not valid'],
  GH_LISTENER_UNAVAILABLE: [503, 'a listener cannot be opened'],
  GH_STORE_UNAVAILABLE: [503, 'sessions cannot be checked right now'],
  GH_KEYS_UNAVAILABLE: [503, 'signing keys cannot be read right now'],
  GH_DIRECTORY_UNAVAILABLE: [503, 'the user directory cannot be reached right now'],
  GH_SESSION_TOO_LARGE: [500, 'this account has more to carry than a cookie can hold; an administrator can help'],
  GH_UPSTREAM_UNREACHABLE: [502, 'the application cannot be reached'],
  GH_UPSTREAM_PROTOCOL: [502, 'the application gave an answer that cannot be passed on'],
  GH_UPSTREAM_TIMEOUT: [504, 'the application did not answer in time'],
  GH_REQUEST_TIMEOUT: [408, 'the request did not arrive in time'],
  GH_BUSY: [503, 'too much is going on at once'],
} as const satisfies Record<`GH_${string}`, readonly [status: number, message: string]>

export type ErrorCode = keyof typeof ERRORS

export interface FaultOptions extends ErrorOptions {
  /** For the log only; never sent to a browser or a partner. */
  readonly detail?: string
}

/** A fault: something the caller could not have expected and cannot answer with an ordinary outcome. */
export class GatehouseError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly detail: string | undefined

  constructor(code: ErrorCode, options: FaultOptions = {}) {
    const [status, message] = ERRORS[code]
    super(message, options)
    this.name = code
    this.code = code
    this.status = status
    this.detail = options.detail
  }
}

export function fault(code: ErrorCode, options?: FaultOptions): GatehouseError {
  return new GatehouseError(code, options)
}

/**
 * Loads a part of the product that not every configuration uses, when one begins to.
 * @throws GH_CONFIG_INVALID where it cannot be loaded, so that the configuration is refused instead of the requests that need it
 */
export async function loadPart<T>(what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    throw notLoaded(what, error)
  }
}

/** The same where nobody can wait. */
export function loadNow<T>(what: string, load: () => T): T {
  try {
    return load()
  } catch (error) {
    throw notLoaded(what, error)
  }
}

function notLoaded(what: string, cause: unknown): GatehouseError {
  const detail = `${what} cannot be loaded, the installation is not complete: install it anew`
  return fault('GH_CONFIG_INVALID', { cause, detail })
}

/** What was caught, as a fault: an unknown throw becomes `GH_INTERNAL` with itself as the cause. */
export function asFault(caught: unknown): GatehouseError {
  return caught instanceof GatehouseError ? caught : fault('GH_INTERNAL', { cause: caught })
}
