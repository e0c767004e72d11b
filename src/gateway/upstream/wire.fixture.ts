import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  createServer as createNetServer,
  connect,
  type AddressInfo,
  type Server as NetServer,
  type Socket,
} from 'node:net'
import type { TestContext } from 'node:test'
import type { EpochMs } from '../../base/brand.ts'
import { asFault, type GatehouseError } from '../../errors.ts'
import { isHopByHop } from '../../http/hop-by-hop.ts'
import type { Log } from '../../telemetry/log.ts'
import type { UpstreamConfig } from '../agent-profile.schema.ts'
import { createUpstream } from './create-upstream.ts'
import type { Exchange, ExchangeResult, HeaderList, RewriteResponseHead, Upstream } from './upstream.ts'

/** One end of a connection, read as text and never parsed by anything but the test. */
export class Wire {
  readonly socket: Socket
  /** Everything that arrived, as latin1. */
  text = ''
  readonly #waiting = new Set<() => void>()
  #over = false

  constructor(socket: Socket) {
    this.socket = socket
    const wake = (): void => {
      for (const check of [...this.#waiting]) check()
    }
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1')
      wake()
    })
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      this.#over = true
      wake()
    })
  }

  get over(): boolean {
    return this.#over
  }

  write(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  /** Settles with all text so far once it contains `marker`; fails when the connection ends before. */
  until(marker: string, from = 0): Promise<string> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (this.text.includes(marker, from)) resolve(this.text)
        else if (this.#over) reject(new Error(`closed before ${JSON.stringify(marker)}: ${JSON.stringify(this.text)}`))
        else return
        this.#waiting.delete(check)
      }
      this.#waiting.add(check)
      check()
    })
  }

  /** Settles with everything that came once the connection is closed. */
  closed(): Promise<string> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.#over) resolve(this.text)
      }
      this.#waiting.add(check)
      check()
    })
  }
}

/** A raw TCP server: `serve` writes whatever bytes it likes. */
export async function rawUpstream(
  t: TestContext,
  serve: (wire: Wire, nth: number) => void | Promise<void>,
): Promise<RawUpstream> {
  const wires: Wire[] = []
  const waiting: ((wire: Wire) => void)[][] = []
  const server = createNetServer({ allowHalfOpen: true }, (socket) => {
    const wire = new Wire(socket)
    wires.push(wire)
    for (const resolve of waiting[wires.length] ?? []) resolve(wire)
    void serve(wire, wires.length)
  })
  const port = await listenNet(t, server)
  t.after(() => wires.forEach((wire) => wire.socket.destroy()))
  const wire = (nth: number): Promise<Wire> =>
    new Promise((resolve) => {
      const there = wires[nth - 1]
      if (there === undefined) (waiting[nth] ??= []).push(resolve)
      else resolve(there)
    })
  return { url: `http://127.0.0.1:${port}`, wires, wire }
}

export interface RawUpstream {
  readonly url: string
  readonly wires: readonly Wire[]
  /** The connection of that number, once it is there; the first is 1. */
  wire(nth: number): Promise<Wire>
}

/** Answers each head it finds with `answer`, request bodies being none of its business. */
export function answering(answer: string): (wire: Wire) => void {
  return (wire) => {
    let answered = 0
    wire.socket.on('data', () => {
      const heads = wire.text.split('\r\n\r\n').length - 1
      for (; answered < heads; answered++) wire.write(answer)
    })
  }
}

/** A node:http server as the application. */
export async function httpUpstream(
  t: TestContext,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly url: string; readonly server: Server; readonly connections: () => number }> {
  let connections = 0
  const server = createHttpServer(handle)
  server.on('connection', () => connections++)
  server.on('clientError', (_error, socket) => socket.destroy())
  const port = await listenHttp(t, server)
  return { url: `http://127.0.0.1:${port}`, server, connections: () => connections }
}

/** The end of a forwarded exchange as a promise. */
export function forwarded(upstream: Upstream, exchange: Exchange, response: ServerResponse): Promise<ExchangeResult> {
  return new Promise((ended, failed) => upstream.forward(exchange, response, { ended, failed }))
}

export interface Gateway {
  readonly port: number
  readonly server: Server
  readonly upstream: Upstream
  /** In the order in which the exchanges settled. */
  readonly results: ExchangeResult[]
  readonly faults: GatehouseError[]
  readonly misbehaviour: string[]
  readonly log: { readonly level: string; readonly message: string }[]
  /** Aborts every exchange, as the end of a session does. */
  readonly session: AbortController
  now: number
  /** Settles once `count` exchanges have settled, one way or the other. */
  settled(count: number): Promise<void>
}

export interface GatewayOptions extends Omit<Partial<UpstreamConfig>, 'servers'> {
  readonly rewrite?: RewriteResponseHead
  readonly onLog?: (message: string) => void
  readonly bodyAllowanceMs?: number
}

/** A server that does nothing but hand each request to an upstream, scrubbed as the gateway would. */
export async function gatewayTo(
  t: TestContext,
  servers: string | string[],
  options: GatewayOptions = {},
): Promise<Gateway> {
  const {
    rewrite = (_status: number, headers: HeaderList) => headers,
    onLog,
    bodyAllowanceMs = 30_000,
    ...config
  } = options
  const waiting = new Set<() => void>()
  const settled = (): void => waiting.forEach((check) => check())
  const server = createHttpServer()
  const write = (level: string) => (_fields: unknown, message: string) => {
    gateway.log.push({ level, message })
    onLog?.(message)
  }
  const log: Log = { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') }
  const gateway: Gateway = {
    port: 0,
    server,
    results: [],
    faults: [],
    misbehaviour: [],
    log: [],
    session: new AbortController(),
    now: 1_000_000,
    upstream: createUpstream(configFor([servers].flat(), config), {
      name: 'app',
      siteHost: 'app.example.test',
      log,
      clock: () => gateway.now as EpochMs,
      bodyAllowanceMs,
      onMisbehaviour: (reason) => gateway.misbehaviour.push(reason),
    }),
    settled: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (gateway.results.length + gateway.faults.length < count) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      }),
  }
  const exchange = (request: IncomingMessage): Exchange => ({
    request,
    outgoing: { method: request.method ?? 'GET', target: request.url ?? '/', headers: scrubbed(request.rawHeaders) },
    rewrite,
    signal: gateway.session.signal,
  })
  const fail = (error: unknown): GatehouseError => {
    const caught = asFault(error)
    gateway.faults.push(caught)
    return caught
  }
  server.on('request', (request, response) => {
    forwarded(gateway.upstream, exchange(request), response)
      .then((result) => gateway.results.push(result))
      .catch((error: unknown) => {
        const { status, code } = fail(error)
        response.writeHead(status, { 'content-length': code.length }).end(code)
      })
      .finally(settled)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    gateway.upstream
      .upgrade(exchange(request), socket, head)
      .then((result) => gateway.results.push(result))
      .catch((error: unknown) => {
        const { status, code } = fail(error)
        socket.end(`HTTP/1.1 ${status} Fault\r\nConnection: close\r\nContent-Length: ${code.length}\r\n\r\n${code}`)
      })
      .finally(settled)
  })
  const port = await listenHttp(t, server)
  t.after(() => {
    // Not awaited: an exchange that a test leaves open would keep it for ever.
    void gateway.upstream.close()
    gateway.session.abort()
  })
  return Object.assign(gateway, { port })
}

/** What a profile without a word about its upstream but the servers comes to. */
export function configFor(servers: string[], overrides: Omit<Partial<UpstreamConfig>, 'servers'> = {}): UpstreamConfig {
  return {
    servers,
    hostHeader: 'site',
    connections: 128,
    connectTimeout: 5_000,
    responseTimeout: 60_000,
    idleTimeout: 300_000,
    minBodyRate: 1_024,
    ...overrides,
  }
}

/** Opens a raw connection to a gateway and sends `text`. */
export function send(t: TestContext, port: number, text: string): Wire {
  const wire = new Wire(connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
  t.after(() => wire.socket.destroy())
  return wire.write(text)
}

/** One request of its own connection, answered until the connection closes. */
export async function ask(t: TestContext, port: number, target = '/', method = 'GET', headers = ''): Promise<string> {
  const wire = send(
    t,
    port,
    `${method} ${target} HTTP/1.1\r\nHost: app.example.test\r\nConnection: close\r\n${headers}\r\n`,
  )
  return wire.closed()
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)
}

export function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf('\r\n\r\n') + 4)
}

function scrubbed(raw: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]?.toLowerCase() ?? ''
    if (!isHopByHop(name) && name !== 'content-length' && name !== 'expect') kept.push(raw[at] ?? '', raw[at + 1] ?? '')
  }
  return kept
}

async function listenHttp(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

async function listenNet(t: TestContext, server: NetServer): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}
