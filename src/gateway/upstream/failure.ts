import { type ErrorCode, fault, GatehouseError } from '../../errors.ts'
import { SocketError } from '../../http/undici.ts'

/** How far an attempt had come when it failed. */
export type Phase = 'connecting' | 'waiting' | 'answering'

const CODES: Readonly<Record<string, ErrorCode>> = {
  UND_ERR_CONNECT_TIMEOUT: 'GH_UPSTREAM_TIMEOUT',
  UND_ERR_HEADERS_TIMEOUT: 'GH_UPSTREAM_TIMEOUT',
  UND_ERR_BODY_TIMEOUT: 'GH_UPSTREAM_TIMEOUT',
  ETIMEDOUT: 'GH_UPSTREAM_TIMEOUT',
  UND_ERR_HEADERS_OVERFLOW: 'GH_UPSTREAM_PROTOCOL',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'GH_UPSTREAM_PROTOCOL',
  ERR_INVALID_CHAR: 'GH_UPSTREAM_PROTOCOL',
  ERR_INVALID_HTTP_TOKEN: 'GH_UPSTREAM_PROTOCOL',
  ERR_HTTP_INVALID_STATUS_CODE: 'GH_UPSTREAM_PROTOCOL',
  UND_ERR_INVALID_ARG: 'GH_INTERNAL',
  UND_ERR_NOT_SUPPORTED: 'GH_INTERNAL',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'GH_INTERNAL',
}

const RESETS = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET'])

/** The connection ended under us, as opposed to a time-out or an answer that makes no sense. */
export function isReset(error: unknown): boolean {
  return RESETS.has(codeOf(error) ?? '')
}

/**
 * What went wrong with an attempt, as a fault. Bytes that are not HTTP, and an answer cut off inside its head, are
 * the application's doing (GH_UPSTREAM_PROTOCOL); a connection that gave no byte is an application that is not there.
 */
export function upstreamFault(error: unknown, phase: Phase, server: string): GatehouseError {
  if (error instanceof GatehouseError) return error
  const code = codeOf(error) ?? ''
  const detail = `${server}: ${code === '' ? '' : `${code} `}${error instanceof Error ? error.message : String(error)}`
  return fault(CODES[code] ?? faultOfPhase(code, phase), { cause: error, detail })
}

/** A fault for an answer that was refused here, with the reason for log and audit trail. */
export function protocolFault(detail: string): GatehouseError {
  return fault('GH_UPSTREAM_PROTOCOL', { detail })
}

/** Bytes read on the connection before it failed, where the error itself knows. */
export function bytesReadBefore(error: unknown): number {
  return error instanceof SocketError ? (error.socket?.bytesRead ?? 0) : 0
}

function faultOfPhase(code: string, phase: Phase): ErrorCode {
  if (phase === 'answering' || code.startsWith('HPE_')) return 'GH_UPSTREAM_PROTOCOL'
  return 'GH_UPSTREAM_UNREACHABLE'
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
