import { ResultCodeError } from 'ldapts'
import { fault, GatehouseError } from '../../errors.ts'

/** Result codes (RFC 4511 §4.1.9). */
export const RESULT = {
  sizeLimitExceeded: 4,
  constraintViolation: 19,
  noSuchObject: 32,
  inappropriateAuthentication: 48,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
} as const

/** The server did not answer, or said that it cannot now: another one may. */
export class ServerFailure extends Error {
  override readonly name = 'ServerFailure'
}

/** The result code of what was caught; `undefined` when no answer came at all. */
export function resultCode(caught: unknown): number | undefined {
  return caught instanceof ResultCodeError ? caught.code : undefined
}

/** What ended a conversation, told apart: no answer or a server that is out of order, or an answer that is a refusal. */
export function asFailure(caught: unknown, what: string): Error {
  const code = resultCode(caught)
  return answerFailure(code, `${what}: ${caught instanceof Error ? caught.message : String(caught)}`, caught)
}

/** An answer that is of no use: of a server that is out of order where it says so. */
export function answerFailure(code: number | undefined, detail: string, cause?: unknown): Error {
  if (code === undefined || code === RESULT.busy || code === RESULT.unavailable)
    return new ServerFailure(detail, { cause })
  return fault('GH_DIRECTORY_UNAVAILABLE', { cause, detail })
}

/** The directory cannot say: never an answer about a person. */
export function asDirectoryFault(caught: unknown): GatehouseError {
  if (caught instanceof GatehouseError) return caught
  return fault('GH_DIRECTORY_UNAVAILABLE', {
    cause: caught,
    detail: caught instanceof Error ? caught.message : String(caught),
  })
}
