import type { IncomingMessage } from 'node:http'

/** Bytes, where nobody says how many. */
const LIMIT = 16_384
/** How long a body may take to arrive, in milliseconds (slow-body attack). */
const ARRIVAL_MS = 20_000

/** A body as UTF-8, bounded in bytes (`most`) and time. What is still to come after a refusal is not waited for. */
export function readText(request: IncomingMessage, most = LIMIT): Promise<string | 408 | 413> {
  // Without a body there are no events either (`optimizeEmptyRequests` of the listener).
  if (request.readableEnded) return Promise.resolve('')
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (answer: string | 408 | 413): void => {
      clearTimeout(timer)
      request.off('data', take).off('end', finish).off('close', broke)
      resolve(answer)
    }
    const timer = setTimeout(() => settle(408), ARRIVAL_MS)
    const take = (chunk: Buffer): void => {
      size += chunk.length
      if (size > most) settle(413)
      else chunks.push(chunk)
    }
    const finish = (): void => settle(Buffer.concat(chunks).toString('utf8'))
    const broke = (): void => {
      clearTimeout(timer)
      reject(new Error('the connection broke before the request was there'))
    }
    request.on('data', take).once('end', finish).once('close', broke)
  })
}
