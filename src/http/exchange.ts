import type { Dispatcher } from 'undici'
import { Agent, request } from './undici.ts'

export interface ExchangeLimits {
  readonly timeoutMs: number
  readonly maxBytes: number
  /** Where connections come from, and with it who may be dialled; whoever the address names where absent. */
  readonly dispatcher?: Dispatcher
}

export interface ExchangeRequest {
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

export interface ExchangeAnswer {
  readonly status: number
  readonly type: string
  readonly bytes: Buffer
}

const anybody = new Agent()

/** One bounded request: no redirect is followed, and what is larger or slower than it may be is given up. Rejects then. */
export async function exchange(
  url: string,
  { method, headers = {}, body: sent }: ExchangeRequest,
  { timeoutMs, maxBytes, dispatcher = anybody }: ExchangeLimits,
): Promise<ExchangeAnswer> {
  const { origin, pathname, search } = new URL(url)
  const {
    statusCode,
    headers: answered,
    body,
  } = await request.call(dispatcher, {
    origin,
    path: pathname + search,
    method,
    headers,
    signal: AbortSignal.timeout(timeoutMs),
    ...(sent === undefined ? {} : { body: sent }),
  })
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) break
    chunks.push(chunk)
  }
  body.destroy()
  if (length > maxBytes) throw new Error(`${origin} sends more than ${maxBytes} bytes`)
  const type = answered['content-type']
  return { status: statusCode, type: typeof type === 'string' ? type : '', bytes: Buffer.concat(chunks) }
}
