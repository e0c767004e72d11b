import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'

const LIMIT = 16_384
/** How long a form may take to arrive, in milliseconds: a slow telephone needs seconds, a slow-body attack takes for ever. */
const ARRIVAL_MS = 20_000

type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void

export interface FormBodyOptions {
  /** For tests. */
  readonly arrivalMs?: number
  /** Bytes; a sealed authId and a few answers without it. */
  readonly limit?: number
}

/**
 * Reads a form, bounded in bytes and in time. The parser itself would read a body to its end before it says that it was too large,
 * and wait for that end as long as the client likes.
 */
export function formBody({ arrivalMs = ARRIVAL_MS, limit = LIMIT }: FormBodyOptions = {}): Middleware {
  // No browser compresses a form; what does is out to be unpacked.
  const parse = express.urlencoded({ extended: false, inflate: false, limit, parameterLimit: 40 }) as Middleware
  return (request, response, next) => {
    if (Number(request.headers['content-length'] ?? 0) > limit) {
      refuse(response, next, TOO_LARGE)
      return
    }
    let received = 0
    let refused = false
    const refuseOnce = (reason: Reason): void => {
      if (refused) return
      refused = true
      refuse(response, next, reason)
    }
    const timer = setTimeout(refuseOnce, arrivalMs, TOO_SLOW)
    const count = (chunk: Buffer): void => {
      received += chunk.length
      if (received > limit) refuseOnce(TOO_LARGE)
    }
    request.once('close', () => clearTimeout(timer))
    request.on('data', count)
    parse(request, response, (error) => {
      clearTimeout(timer)
      request.off('data', count)
      if (!refused) next(error)
    })
  }
}

interface Reason {
  readonly status: 408 | 413
  readonly what: string
}

const TOO_LARGE: Reason = { status: 413, what: 'a form was too large' }
const TOO_SLOW: Reason = { status: 408, what: 'a form did not arrive in time' }

/** What is still to come is not waited for, so the connection ends with the answer. */
function refuse(response: ServerResponse, next: (error: unknown) => void, { status, what }: Reason): void {
  response.shouldKeepAlive = false
  next(Object.assign(new Error(what), { status }))
}
