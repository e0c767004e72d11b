import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
// Node looks for a global of its own at every use.
import process from 'node:process'
import { asFault } from '../../errors.ts'
import { passableTrailers, takesTrailers } from './trailers.ts'
import type { Exchange, HeaderList } from './upstream.ts'

/** Bytes of a body that are worth copying to have them in one write with the head. */
const SMALL_BODY = 4_096

/** The client's side of an exchange: where the upstream's answer is written. */
export class ClientAnswer {
  /** Status that was written; 0 before that. */
  status = 0
  ended = false
  #wrote = false
  /** The head was made in this turn of the loop and nobody has been told to send it. */
  #headWaits = false
  /** A small first chunk that waits with it: if it is the whole body, all goes out in one piece. */
  #held: Buffer | undefined
  readonly #exchange: Exchange
  readonly #response: ServerResponse

  constructor(exchange: Exchange, response: ServerResponse) {
    this.#exchange = exchange
    this.#response = response
  }

  get started(): boolean {
    return this.status !== 0
  }

  /** Nobody waits for this answer any more: the client left, or the gateway has answered itself because the session ended. */
  get gone(): boolean {
    return this.#response.destroyed || this.#response.closed || this.#answeredElsewhere
  }

  get #answeredElsewhere(): boolean {
    return this.status === 0 && this.#response.headersSent
  }

  /** Everything was handed to the operating system. */
  get delivered(): boolean {
    return this.ended && this.#response.writableFinished
  }

  /** Writes the head. @throws when the answer cannot be passed on; nothing was written then. */
  start(status: number, endToEnd: HeaderList): void {
    this.#response.writeHead(status, this.#rewritten(status, endToEnd) as string[])
    this.status = status
    this.#headWaits = true
    process.nextTick(flush, this)
  }

  /** Sends what the end of the answer did not follow at once: an event stream must open before its first event. */
  flush(): void {
    this.#headWaits = false
    if (this.ended || this.#response.destroyed) return
    if (this.#held !== undefined) this.#writeHeld(this.#held)
    else if (!this.#wrote) this.#response.flushHeaders()
  }

  /** `false`: wait for the response's `drain`. */
  write(chunk: Buffer): boolean {
    if (this.#headWaits && !this.#wrote && chunk.length <= SMALL_BODY) {
      this.#wrote = true
      this.#held = chunk
      return true
    }
    this.#wrote = true
    if (this.#held !== undefined) this.#writeHeld(this.#held)
    return this.#response.write(chunk)
  }

  #writeHeld(chunk: Buffer): void {
    this.#held = undefined
    this.#response.write(chunk)
  }

  /** Ends the body; its trailers follow where the client takes them and the body is in chunks (RFC 9112 §7.1.2). */
  end(trailers: readonly (Buffer | string)[] = []): void {
    this.ended = true
    if (trailers.length > 0 && takesTrailers(this.#exchange.request.headers['te'])) this.#addTrailers(trailers)
    if (this.#held === undefined) this.#response.end()
    else this.#response.end(this.#held.toString('latin1'), 'latin1')
    this.#held = undefined
  }

  #addTrailers(raw: readonly (Buffer | string)[]): void {
    const passable = passableTrailers(raw)
    const pairs = passable.flatMap((name, at) =>
      at % 2 === 0 ? [[name, passable[at + 1] ?? ''] as [string, string]] : [],
    )
    try {
      if (pairs.length > 0) this.#response.addTrailers(this.#overHttp2 ? byName(pairs) : pairs)
    } catch {
      // A field that node refuses as malformed: the body before it is whole, so the answer stands without its trailers.
    }
  }

  /** Passes a 103 on (RFC 8297), only its links, and only to clients that understand 1xx. */
  earlyHints(lines: readonly string[]): void {
    if (lines.length === 0 || this.started || isHttp10(this.#exchange.request)) return
    try {
      // Node takes one link at a time; a line may have several.
      this.#response.writeEarlyHints({ link: lines.flatMap((line) => line.split(/,\s*(?=<)/)) })
    } catch {
      // A hint that node refuses as malformed is left out: the answer itself does not depend on it.
    }
  }

  /**
   * Ends the client's connection so that it cannot take what it has for the whole answer: HTTP/1.1 misses the last chunk or
   * length, HTTP/2 gets RST_STREAM, HTTP/1.0, for which the end of the connection is the end of the body, a TCP reset.
   */
  destroy(): void {
    if (this.#answeredElsewhere) return
    tearDown(this.#exchange.request, this.#response)
  }

  get #overHttp2(): boolean {
    return this.#exchange.request.httpVersionMajor === 2
  }

  /** What goes wrong in there is our own fault, not the application's. */
  #rewritten(status: number, headers: HeaderList): HeaderList {
    try {
      return this.#exchange.rewrite(status, headers)
    } catch (error) {
      throw asFault(error)
    }
  }
}

/**
 * Ends an answer on its connection, wherever it stands: one that waits behind another answer (pipelining) has no connection of its
 * own yet and would never end. What was delivered whole is left alone.
 */
export function tearDown(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = response
  if (request.httpVersionMajor === 2) response.destroy(new Error('the exchange was torn down'))
  else if (socket === null) {
    if (!response.writableFinished) request.socket.destroy()
  } else if (isHttp10(request) && socket.constructor === Socket) socket.resetAndDestroy()
  else response.destroy()
}

function flush(answer: ClientAnswer): void {
  answer.flush()
}

function isHttp10(request: IncomingMessage): boolean {
  return request.httpVersionMajor === 1 && request.httpVersionMinor === 0
}

/** Node's HTTP/2 takes no list of pairs. */
function byName(pairs: readonly (readonly [string, string])[]): Record<string, string[]> {
  const grouped = Map.groupBy(pairs, ([name]) => name.toLowerCase())
  return Object.fromEntries([...grouped].map(([name, same]) => [name, same.map(([, value]) => value)]))
}
