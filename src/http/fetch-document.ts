import { exchange } from './exchange.ts'

export interface FetchLimits {
  readonly timeoutMs: number
  readonly maxBytes: number
}

export interface FetchBody {
  readonly type: string
  readonly bytes: Uint8Array
}

/**
 * A small document from an address of the configuration. Follows no redirect, takes nothing but 200, waits and reads no longer than
 * it may; rejects for everything else. An address that somebody else has chosen must not come here.
 */
export async function fetchDocument(url: string, limits: FetchLimits, send?: FetchBody): Promise<Buffer> {
  const asked =
    send === undefined
      ? ({ method: 'GET' } as const)
      : ({ method: 'POST', body: send.bytes, headers: { 'content-type': send.type } } as const)
  const { status, bytes } = await exchange(url, asked, limits)
  if (status !== 200) throw new Error(`${new URL(url).origin} answers ${status}`)
  return bytes
}
