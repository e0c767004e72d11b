import { request } from 'undici'

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
export async function fetchDocument(
  url: string,
  { timeoutMs, maxBytes }: FetchLimits,
  send?: FetchBody,
): Promise<Buffer> {
  const signal = AbortSignal.timeout(timeoutMs)
  const { statusCode, body } = await request(url, {
    signal,
    ...(send === undefined ? {} : { method: 'POST', body: send.bytes, headers: { 'content-type': send.type } }),
  })
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length
    if (statusCode !== 200 || length > maxBytes) break
    chunks.push(chunk)
  }
  body.destroy()
  if (statusCode !== 200) throw new Error(`${new URL(url).origin} answers ${statusCode}`)
  if (length > maxBytes) throw new Error(`${new URL(url).origin} sends more than ${maxBytes} bytes`)
  return Buffer.concat(chunks)
}
