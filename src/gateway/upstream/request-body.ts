import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

const HIGH_WATER_MARK = 65_536

export interface Framed {
  readonly body: RequestBody
  /** Bytes that the client announced; `undefined` for a body in chunks, which stays in chunks. */
  readonly length: number | undefined
}

/**
 * The body of a client's request and how to frame it towards the upstream; `undefined` where there is none. The method
 * plays no part: node:http leaves a chunked DELETE, OPTIONS or GET body unframed, and what the proxy takes for a body the
 * upstream then reads as its next request (request smuggling, nodejs/node#27880, CVE-2026-29057).
 */
export function requestBody(request: IncomingMessage): Framed | undefined {
  const length = announcedLength(request)
  if (length === 0) return undefined
  return { body: new RequestBody(request), length }
}

/** A body that has been read already. */
export function storedBody(bytes: Buffer): Framed {
  const source = new Readable({ read: ignore })
  source.push(bytes)
  source.push(null)
  return { body: new RequestBody(source), length: bytes.length }
}

/** 0: no body; `undefined`: a body whose length only its end tells. */
function announcedLength(request: IncomingMessage): number | undefined {
  const { headers } = request
  if (headers['transfer-encoding'] !== undefined) return undefined
  const text = headers['content-length']
  if (text !== undefined) return Number(text)
  return hasHttp2Body(request) ? undefined : 0
}

/** RFC 9113 §8.1: over HTTP/2 a body needs no header at all; only the end of the stream tells. */
function hasHttp2Body(request: IncomingMessage): boolean {
  if (request.httpVersionMajor !== 2) return false
  const { stream } = request as unknown as { readonly stream: { readonly endAfterHeaders: boolean } }
  return !stream.endAfterHeaders
}

/**
 * Passes a request's body on with back-pressure. undici destroys the body it was given when an answer overtakes it;
 * this stands between, so that the client's connection survives and the rest of the upload is discarded.
 */
export class RequestBody extends Readable {
  readonly #request: Readable
  /** Told of each chunk, for the idle time-out. */
  onChunk: (() => void) | undefined
  /** Bytes that came from the client. */
  received = 0
  /** The client has sent all of it. */
  arrived = false
  readonly #startedAt = performance.now()
  #heldUpMs = 0
  #heldUpSince: number | undefined

  constructor(request: Readable) {
    super({ highWaterMark: HIGH_WATER_MARK })
    this.#request = request
    request.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onLost).on('close', this.#onLost)
  }

  /** Waiting for the client rather than for the upstream. */
  get hungry(): boolean {
    return !this.readableEnded && !this.destroyed && !this.#request.isPaused()
  }

  /** Milliseconds that were spent waiting for the client rather than for the upstream. */
  get waitedMs(): number {
    const now = this.#heldUpSince ?? performance.now()
    return now - this.#startedAt - this.#heldUpMs
  }

  override _read(): void {
    if (this.#heldUpSince !== undefined) this.#heldUpMs += performance.now() - this.#heldUpSince
    this.#heldUpSince = undefined
    this.#request.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const request = this.#request
    request.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onLost).off('close', this.#onLost)
    request.on('error', ignore).resume()
    callback(error)
  }

  readonly #onData = (chunk: Buffer): void => {
    this.received += chunk.length
    this.onChunk?.()
    if (this.push(chunk)) return
    this.#heldUpSince ??= performance.now()
    this.#request.pause()
  }

  readonly #onEnd = (): void => {
    this.arrived = true
    this.push(null)
  }

  readonly #onLost = (): void => {
    if (!this.#request.readableEnded) this.destroy(new Error('the client left during its request'))
  }
}

function ignore(): void {
  // The client is gone, which the response's own close event reports.
}
