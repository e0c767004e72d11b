import { fault, type GatehouseError } from '../errors.ts'
import type { ListenerConfig } from './listener.schema.ts'

/** What an operator can do about it, by the system's code. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program',
  EADDRNOTAVAIL: 'is no address of this machine',
  ENOTFOUND: 'is no address of this machine',
  EACCES: 'may not be listened on by this user (ports below 1024 need the right to)',
}

/** Why a listener could not be opened, with the address it was to have. */
export function listenFault(cause: Error, { address, port }: ListenerConfig): GatehouseError {
  const reason = 'code' in cause ? REASONS[String(cause.code)] : undefined
  const host = address.includes(':') ? `[${address}]` : address
  return fault('GH_LISTENER_UNAVAILABLE', { cause, detail: `${host}:${port} ${reason ?? `failed: ${cause.message}`}` })
}
