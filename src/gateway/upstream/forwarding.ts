import type { ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import { monotonicMs } from '../../base/clock.ts'
import { fault, type GatehouseError } from '../../errors.ts'
import type { Balance } from './balance.ts'
import { type BodyRate, BodyRateWatch } from './body-rate.ts'
import { type CheckedOptions, headLines } from './checked-lines.ts'
import { ClientAnswer } from './client-answer.ts'
import { bytesReadBefore, isReset, type Phase, protocolFault, upstreamFault } from './failure.ts'
import { IdleTimer } from './idle.ts'
import { type Framed, type RequestBody, requestBody, storedBody } from './request-body.ts'
import { isConnectionBound, requestHead } from './request-head.ts'
import { endToEnd, valuesOf } from './response-head.ts'
import type { Exchange, ExchangeEnding, ExchangeResult } from './upstream.ts'
import type { UpstreamServer } from './upstream-server.ts'

/** Most 1xx answers before the real one; an endless row of them holds a connection without ever timing out. */
export const MAX_INTERIM_ANSWERS = 16

/** RFC 9110 §9.2.2: may be sent a second time by anyone. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** `servername` is no name that anybody is asked for (see connector.ts): it only keeps undici from reading each Host for one. */
type PoolOptions = CheckedOptions & { readonly servername: string; reset?: boolean }

const GONE = new Error('nobody waits for this exchange any more')

export interface ForwardingDeps {
  readonly balance: Balance
  /** Milliseconds. */
  readonly responseTimeout: number
  readonly idleTimeout: number
  readonly bodyRate: BodyRate
  readonly misbehaved: (reason: string) => void
}

/** What one forwarding is about. */
interface ForwardingParts {
  readonly exchange: Exchange
  readonly response: ServerResponse
  readonly ending: ExchangeEnding
}

/** Sends a request to the upstream and its answer to the client. See {@link Upstream.forward}. */
export function forward(deps: ForwardingDeps, parts: ForwardingParts): void {
  const forwarding = new Forwarding(deps, parts)
  try {
    forwarding.start()
  } catch (error) {
    forwarding.giveUp(error)
  }
}

/** One exchange: undici's handler on the upstream's side, a listener on the client's, one end for both. */
class Forwarding implements Dispatcher.DispatchHandler {
  readonly #deps: ForwardingDeps
  readonly #exchange: Exchange
  readonly #response: ServerResponse
  readonly #answer: ClientAnswer
  readonly #ending: ExchangeEnding
  readonly #startedAt: number
  #server: UpstreamServer | undefined
  #controller: Dispatcher.DispatchController | undefined
  #body: RequestBody | undefined
  #bodyRate: BodyRateWatch | undefined
  #length: number | undefined
  #phase: Phase = 'connecting'
  #retried = false
  #counted = false
  #settled = false
  #interim = 0
  #upstreamMs = 0
  #idle: IdleTimer | undefined
  #queueTimer: NodeJS.Timeout | undefined
  #awaitsDrain = false
  // Made where one is listened for: most exchanges need none of these.
  #onAbort: (() => void) | undefined
  #onDrain: (() => void) | undefined

  constructor(deps: ForwardingDeps, { exchange, response, ending }: ForwardingParts) {
    this.#deps = deps
    this.#exchange = exchange
    this.#response = response
    this.#answer = new ClientAnswer(exchange, response)
    this.#ending = ending
    this.#startedAt = monotonicMs()
  }

  start(): void {
    const { request, signal, body } = this.#exchange
    if (signal?.aborted === true) {
      this.#finish('by-session-end')
      return
    }
    if (this.#answer.gone) {
      this.#finish('by-client')
      return
    }
    if (signal !== undefined) {
      this.#onAbort = () => this.#finish('by-session-end')
      signal.addEventListener('abort', this.#onAbort)
    }
    this.#response.on('close', this.#onClose)
    this.#takeBody(body === undefined ? requestBody(request) : storedBody(body))
    this.#attempt(this.#deps.balance.pick())
  }

  #takeBody(framed: Framed | undefined): void {
    if (framed === undefined) return
    this.#body = framed.body
    this.#length = framed.length
    this.#body.onChunk = () => this.#idle?.touch()
    this.#idleTimer().touch()
    this.#bodyRate = new BodyRateWatch(framed.body, this.#deps.bodyRate, () => this.#onSlowBody())
  }

  #attempt(server: UpstreamServer): void {
    const { outgoing, request } = this.#exchange
    if (!outgoing.target.startsWith('/')) {
      this.#fail(fault('GH_INTERNAL', { detail: 'the target is not a path' }))
      return
    }
    if (server.overrun) {
      this.#fail(this.#busy(server))
      return
    }
    if (!server.hasRoom) {
      this.#queueTimer = setTimeout(() => this.#fail(this.#busy(server)), this.#deps.responseTimeout)
    }
    this.#server = server
    this.#phase = 'connecting'
    this.#controller = undefined
    server.inFlight++
    this.#counted = true
    const options: PoolOptions = {
      path: outgoing.target,
      method: outgoing.method,
      // Only read; undici's type does not say so.
      headers: requestHead(outgoing.headers, this.#length, server.hostOverride) as string[],
      checked: outgoing.checked,
      body: this.#body ?? null,
      servername: server.address.name,
    }
    if (request.headers.authorization !== undefined && isConnectionBound(outgoing.headers)) options.reset = true
    server.pool.dispatch(options, this)
  }

  // What undici calls, in this order.

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#queueTimer !== undefined) clearTimeout(this.#queueTimer)
    // Thrown rather than aborted: the request is dropped and the connection that just became free stays open.
    if (this.#settled) throw GONE
    this.#controller = controller
    this.#phase = 'waiting'
  }

  onResponseStarted(): void {
    this.#phase = 'answering'
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) {
      this.#onInterim(status, headLines(controller))
      return
    }
    this.#upstreamMs = monotonicMs() - this.#startedAt
    if (this.#answer.gone) throw GONE
    this.#answer.start(status, endToEnd(status, headLines(controller)))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return
    const writable = this.#answer.write(chunk)
    if (this.#body !== undefined) this.#idle?.touch()
    if (writable) return
    controller.pause()
    // undici counts no time while paused: a client that takes nothing would hold the connection for ever.
    this.#idleTimer().touch()
    if (this.#awaitsDrain) return
    this.#awaitsDrain = true
    this.#onDrain ??= () => this.#drained()
    this.#response.once('drain', this.#onDrain)
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#release()
    if (!this.#settled) this.#answer.end(rawTrailers(controller))
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#release()
    if (this.#settled) return
    const next = this.#retryOn(error)
    if (next !== undefined) {
      this.#attempt(next)
      return
    }
    this.#fail(upstreamFault(error, this.#phase, this.#server?.address.name ?? ''))
  }

  #release(): void {
    if (this.#queueTimer !== undefined) clearTimeout(this.#queueTimer)
    // Once for each attempt: undici tells an error after an end that threw.
    if (!this.#counted || this.#server === undefined) return
    this.#counted = false
    this.#server.inFlight--
  }

  #onInterim(status: number, head: readonly Buffer[]): void {
    if (++this.#interim > MAX_INTERIM_ANSWERS) throw protocolFault('too many interim answers')
    if (status === 103) this.#answer.earlyHints(valuesOf(head, 'link'))
  }

  /** The server of a second attempt, if there may be one: it must be certain that the first had no effect that a second adds to. */
  #retryOn(error: Error): UpstreamServer | undefined {
    const server = this.#server
    if (server === undefined) return undefined
    if (this.#phase === 'connecting') server.connectFailed(error)
    if (this.#retried || this.#answer.started || this.#body !== undefined) return undefined
    if (!IDEMPOTENT.has(this.#exchange.outgoing.method)) return undefined
    this.#retried = true
    if (this.#phase === 'connecting') return this.#deps.balance.pickOther(server)
    const reused = Math.max(server.connectors.bytesReadBefore(error), bytesReadBefore(error)) > 0
    return this.#phase === 'waiting' && isReset(error) && reused ? this.#deps.balance.pick() : undefined
  }

  // What the client's side calls.

  #drained(): void {
    this.#awaitsDrain = false
    if (this.#body === undefined) this.#idle?.stop()
    this.#controller?.resume()
  }

  readonly #onClose = (): void => {
    this.#finish(this.#answer.delivered ? undefined : 'by-client')
  }

  #onIdle(): void {
    // Held up by the upstream's own slowness in reading: its response time-out is counting.
    if (!this.#awaitsDrain && this.#body?.hungry === false) return this.#idle?.touch()
    this.#finish('by-client')
  }

  #onSlowBody(): void {
    if (this.#answer.started) this.#finish('by-client')
    else this.#fail(fault('GH_REQUEST_TIMEOUT', { detail: 'the request body came too slowly' }))
  }

  // The one end.

  #fail(caught: GatehouseError): void {
    if (caught.code === 'GH_UPSTREAM_PROTOCOL' || this.#answer.started) {
      this.#deps.misbehaved(caught.detail ?? caught.code)
    }
    if (this.#answer.started) {
      this.#finish('by-upstream')
      return
    }
    if (this.#cleanUp()) this.#ending.failed(caught)
  }

  /** What went wrong before the pool had the request is our own fault. */
  giveUp(error: unknown): void {
    if (!this.#cleanUp()) throw error
    this.#ending.failed(error)
  }

  #finish(aborted: ExchangeResult['aborted']): void {
    const status = this.#answer.status
    if (!this.#cleanUp()) return
    if (aborted !== undefined) this.#answer.destroy()
    this.#ending.ended({ status, upstreamMs: this.#upstreamMs, aborted })
  }

  #cleanUp(): boolean {
    if (this.#settled) return false
    this.#settled = true
    if (this.#onAbort !== undefined) this.#exchange.signal?.removeEventListener('abort', this.#onAbort)
    // A response that has closed will not say so again.
    if (!this.#response.closed) this.#response.off('close', this.#onClose)
    if (this.#awaitsDrain && this.#onDrain !== undefined) this.#response.off('drain', this.#onDrain)
    this.#idle?.stop()
    this.#bodyRate?.stop()
    if (this.#queueTimer !== undefined) clearTimeout(this.#queueTimer)
    if (!this.#answer.ended) this.#controller?.abort(GONE)
    this.#body?.destroy()
    return true
  }

  #idleTimer(): IdleTimer {
    this.#idle ??= new IdleTimer(this.#deps.idleTimeout, () => this.#onIdle())
    return this.#idle
  }

  #busy(server: UpstreamServer): GatehouseError {
    return fault('GH_BUSY', { detail: `${server.address.name}: every connection is in use` })
  }
}

function rawTrailers(controller: Dispatcher.DispatchController): readonly (Buffer | string)[] {
  return Array.isArray(controller.rawTrailers) ? controller.rawTrailers : []
}
