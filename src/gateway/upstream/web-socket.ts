import { createHash } from 'node:crypto'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { fault, type GatehouseError } from '../../errors.ts'
import { request as httpRequest, ServerResponse } from '../../http/node-http.ts'
import { ClientAnswer } from './client-answer.ts'
import { type Phase, protocolFault, upstreamFault } from './failure.ts'
import { type ForwardingDeps, MAX_INTERIM_ANSWERS } from './forwarding.ts'
import { relayAnswer } from './relay-answer.ts'
import { requestHead, singleHeader } from './request-head.ts'
import { endToEndAsSpelt } from './response-head.ts'
import { tunnel } from './tunnel.ts'
import type { Exchange, ExchangeResult, HeaderList } from './upstream.ts'
import { MAX_HEAD_BYTES, type UpstreamServer } from './upstream-server.ts'

/** RFC 6455 §1.3 */
const HANDSHAKE_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** Most bytes a client may send before the upstream agreed; RFC 6455 §4.1 allows it none. */
const MAX_EARLY_BYTES = 65_536
const NOT_IN_A_HEADER = /[^\t\x20-\x7e\x80-\xff]/
const SWITCH = ['connection', 'Upgrade', 'upgrade', 'websocket']
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'

interface Settle {
  readonly resolve: (result: ExchangeResult) => void
  readonly reject: (fault: GatehouseError) => void
}

/** Opens a WebSocket through the gateway. See {@link Upstream.upgrade}. */
export function openWebSocket(
  deps: ForwardingDeps,
  exchange: Exchange,
  client: { readonly socket: Duplex; readonly head: Buffer },
): Promise<ExchangeResult> {
  return new Promise((resolve, reject) => {
    new Handshake(deps, exchange, client, { resolve, reject }).start()
  })
}

/** From the client's request to the upstream's 101, or whatever else it says. */
class Handshake {
  readonly #deps: ForwardingDeps
  readonly #exchange: Exchange
  readonly #socket: Duplex
  readonly #settle: Settle
  #early: Buffer[] = []
  readonly #startedAt: number
  #earlyBytes = 0
  #request: ClientRequest | undefined
  #phase: Phase = 'connecting'
  #retried = false
  #interim = 0
  #over = false

  constructor(
    deps: ForwardingDeps,
    exchange: Exchange,
    { socket, head }: { readonly socket: Duplex; readonly head: Buffer },
    settle: Settle,
  ) {
    this.#deps = deps
    this.#exchange = exchange
    this.#socket = socket
    this.#settle = settle
    this.#startedAt = performance.now()
    if (head.length > 0) this.#onEarly(head)
  }

  start(): void {
    const { signal } = this.#exchange
    this.#socket.on('error', ignore)
    if (signal?.aborted === true) {
      this.#leave('by-session-end')
      return
    }
    if (this.#socket.destroyed) {
      this.#leave('by-client')
      return
    }
    signal?.addEventListener('abort', this.#onSessionEnd)
    // Read while waiting, or the client's leaving would go unnoticed.
    this.#socket.on('data', this.#onEarly).on('end', this.#onLeft).on('close', this.#onLeft)
    this.#attempt(this.#deps.balance.pick())
  }

  #attempt(server: UpstreamServer): void {
    const { outgoing } = this.#exchange
    const headers = [...requestHead(outgoing.headers, undefined, server.hostOverride), ...SWITCH]
    const request = httpRequest({
      method: outgoing.method,
      path: outgoing.target,
      headers,
      maxHeaderSize: MAX_HEAD_BYTES,
      insecureHTTPParser: false,
      createConnection: (_options, oncreate) => {
        this.#connect(server, oncreate)
        return undefined
      },
    })
    this.#request = request
    request
      .on('upgrade', (answer, upstream: Socket, head) => this.#onUpgrade(answer, { upstream, head, server }))
      .on('response', (answer) => this.#onOtherAnswer(answer, server))
      .on('information', () => this.#onInterim(server))
      .on('error', (error) => this.#onError(error, server))
      .end()
  }

  #connect(server: UpstreamServer, oncreate: (error: Error | null, socket: Duplex) => void): void {
    const url = new URL(server.address.origin)
    server.connectors.tunnel(
      { hostname: url.hostname.replace(/^\[|\]$/g, ''), host: url.host, protocol: url.protocol, port: url.port },
      (...[error, socket]) => {
        if (error !== null) {
          this.#onError(error, server)
        } else if (this.#over) {
          socket.destroy()
        } else {
          this.#phase = 'waiting'
          this.#limitWait(socket)
          oncreate(null, socket)
        }
      },
    )
  }

  #limitWait(socket: Socket): void {
    socket.setTimeout(this.#deps.responseTimeout, () => {
      this.#fail(fault('GH_UPSTREAM_TIMEOUT', { detail: 'no answer to the WebSocket handshake' }))
    })
  }

  #onInterim(server: UpstreamServer): void {
    if (++this.#interim > MAX_INTERIM_ANSWERS)
      this.#fail(protocolFault(`${server.address.name}: too many interim answers`))
  }

  #onUpgrade(
    answer: IncomingMessage,
    { upstream, head, server }: { readonly upstream: Socket; readonly head: Buffer; readonly server: UpstreamServer },
  ): void {
    upstream.on('error', ignore)
    const complaint = this.#over ? 'too late' : complaintAbout(answer, this.#exchange.outgoing.headers)
    if (complaint !== undefined) {
      upstream.destroy()
      this.#fail(protocolFault(`${server.address.name}: ${complaint}`))
      return
    }
    let text: string
    try {
      text = switchingHead(this.#exchange, answer)
    } catch (error) {
      upstream.destroy()
      this.#fail(upstreamFault(error, 'answering', server.address.name))
      return
    }
    const early = this.#early
    this.#handOver()
    this.#socket.write(text, 'latin1')
    if (head.length > 0) upstream.unshift(head)
    for (const chunk of early) upstream.write(chunk)
    const upstreamMs = performance.now() - this.#startedAt
    upstream.setTimeout(0).removeAllListeners('timeout')
    const ends = { client: this.#socket, upstream, idleTimeout: this.#deps.idleTimeout, signal: this.#exchange.signal }
    // Holds on to nothing of the handshake: tunnels live for hours and there are thousands.
    const { resolve } = this.#settle
    void server.track(tunnel(ends)).then((aborted) => resolve({ status: 101, upstreamMs, aborted }))
  }

  /** RFC 6455 §4.1: anything but a proper 101 is an ordinary answer, and no byte the client sent meanwhile goes anywhere. */
  #onOtherAnswer(answer: IncomingMessage, server: UpstreamServer): void {
    if (this.#over) {
      answer.destroy()
      return
    }
    const status = answer.statusCode ?? 0
    if (status < 200) {
      this.#fail(protocolFault(`${server.address.name}: status ${status} without Upgrade`))
      return
    }
    const socket = this.#socket
    if (!(socket instanceof Socket)) {
      this.#fail(fault('GH_INTERNAL', { detail: 'a WebSocket needs a network socket' }))
      return
    }
    const upstreamMs = performance.now() - this.#startedAt
    const response = new ServerResponse(this.#exchange.request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    const client = new ClientAnswer(this.#exchange, response)
    try {
      client.start(status, endToEndAsSpelt(status, answer.rawHeaders))
    } catch (error) {
      response.detachSocket(socket)
      this.#fail(upstreamFault(error, 'answering', server.address.name))
      return
    }
    this.#handOver()
    socket.resume()
    const { idleTimeout } = this.#deps
    void relayAnswer({
      answer,
      client,
      response,
      socket,
      idleTimeout,
      signal: this.#exchange.signal,
    }).then((aborted) => {
      if (aborted === 'by-upstream') this.#deps.misbehaved(`${server.address.name}: the answer was cut off`)
      this.#settle.resolve({ status: client.status, upstreamMs, aborted })
    })
  }

  #onError(error: Error, server: UpstreamServer): void {
    if (this.#over) return
    if (this.#phase === 'connecting') {
      server.connectFailed(error)
      const next = this.#retried ? undefined : this.#deps.balance.pickOther(server)
      this.#retried = true
      if (next !== undefined) {
        this.#attempt(next)
        return
      }
    }
    this.#fail(upstreamFault(error, this.#phase, server.address.name))
  }

  readonly #onEarly = (chunk: Buffer): void => {
    this.#early.push(chunk)
    this.#earlyBytes += chunk.length
    if (this.#earlyBytes > MAX_EARLY_BYTES) this.#socket.pause()
  }

  readonly #onLeft = (): void => {
    this.#leave('by-client')
  }

  readonly #onSessionEnd = (): void => {
    this.#leave('by-session-end')
  }

  #leave(aborted: 'by-client' | 'by-session-end'): void {
    if (this.#over) return
    this.#handOver()?.destroy()
    this.#socket.destroy()
    this.#settle.resolve({ status: 0, upstreamMs: 0, aborted })
  }

  #fail(caught: GatehouseError): void {
    if (this.#over) return
    this.#handOver()?.destroy()
    if (caught.code === 'GH_UPSTREAM_PROTOCOL') this.#deps.misbehaved(caught.detail ?? caught.code)
    this.#settle.reject(caught)
  }

  /** The handshake is over; whoever comes next listens to the client's socket. */
  #handOver(): ClientRequest | undefined {
    this.#over = true
    this.#early = []
    this.#exchange.signal?.removeEventListener('abort', this.#onSessionEnd)
    this.#socket.off('data', this.#onEarly).off('end', this.#onLeft).off('close', this.#onLeft)
    this.#socket.pause()
    // node keeps the request as long as its socket; without listeners it keeps nothing of ours.
    return this.#request?.removeAllListeners().on('error', ignore)
  }
}

/** A tunnel opens only for an upstream that proves it read our handshake (RFC 6455 §4.1; WebSocket smuggling). */
function complaintAbout(answer: IncomingMessage, sent: HeaderList): string | undefined {
  const key = singleHeader(sent, 'sec-websocket-key')
  if (key === undefined) return 'there is no single Sec-WebSocket-Key'
  const { upgrade } = answer.headers
  if (upgrade?.toLowerCase() !== 'websocket') return 'the upgrade is not to websocket'
  const expected = createHash('sha1').update(`${key}${HANDSHAKE_GUID}`).digest('base64')
  return answer.headers['sec-websocket-accept'] === expected ? undefined : 'Sec-WebSocket-Accept is wrong'
}

function switchingHead({ rewrite }: Exchange, answer: IncomingMessage): string {
  const headers = rewrite(101, endToEndAsSpelt(101, answer.rawHeaders))
  let text = SWITCHING
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const line = `${headers[at] ?? ''}: ${headers[at + 1] ?? ''}`
    if (NOT_IN_A_HEADER.test(line)) throw protocolFault('the 101 has a header that cannot be passed on')
    text += `${line}\r\n`
  }
  return `${text}\r\n`
}

function ignore(): void {
  // An error is always followed by close, which is what ends the exchange.
}
