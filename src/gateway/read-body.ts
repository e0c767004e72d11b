import type { IncomingMessage } from 'node:http'
import { fault } from '../errors.ts'

/** How long a body may take to arrive that is kept in memory, in milliseconds. */
const ARRIVAL_MS = 60_000

/**
 * The whole body of a request that announced its length, which is the most that is read.
 * @throws GH_REQUEST_TIMEOUT when it does not arrive in time, or not at all
 */
export function readBody(request: IncomingMessage, length: number, arrivalMs = ARRIVAL_MS): Promise<Buffer> {
  // Without a body there are no events either (`optimizeEmptyRequests` of the listener).
  if (request.readableEnded) return Promise.resolve(Buffer.alloc(0))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let received = 0
    const onData = (chunk: Buffer): void => {
      received += chunk.length
      if (received > length) lost('a body is longer than was announced')
      else chunks.push(chunk)
    }
    const settle = (): void => {
      clearTimeout(timer)
      request.off('data', onData).off('end', onEnd).off('error', onClose).off('close', onClose)
    }
    const lost = (detail: string): void => {
      settle()
      request.on('error', ignore).resume()
      reject(fault('GH_REQUEST_TIMEOUT', { detail }))
    }
    const onEnd = (): void => {
      settle()
      resolve(Buffer.concat(chunks))
    }
    const onClose = (): void => lost('the client left during its request')
    const timer = setTimeout(lost, arrivalMs, 'the request body came too slowly')
    request.on('data', onData).on('end', onEnd).on('error', onClose).on('close', onClose)
  })
}

/** The length that a request's body was announced with; `undefined` for one in chunks, or none. */
export function announcedLength({ headers }: IncomingMessage): number | undefined {
  const text = headers['content-length']
  return headers['transfer-encoding'] === undefined && text !== undefined ? Number(text) : undefined
}

function ignore(): void {
  // The client is gone, which the response's own close event reports.
}
