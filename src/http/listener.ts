import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createHttps, type Server as HttpsServer, type ServerOptions as HttpsOptions } from 'node:https'
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { compileCertificates, type CertificateSet } from './certificates.ts'
import { createConnectionWatch, limitLateUpload, refuseOnSocket, type ConnectionWatch } from './client-errors.ts'
import { listenFault } from './listen-fault.ts'
import type { ListenerConfig } from './listener.schema.ts'
import { createServer as createHttp } from './node-http.ts'
import { expectation, refusedAtOnce } from './request-limits.ts'

export interface ListenerHandlers {
  /** Must answer every request and never throw. A client that waits for `100 Continue` gets it by `response.writeContinue()`. */
  readonly request: (request: IncomingMessage, response: ServerResponse) => void
  /** Requests whose `Upgrade` names WebSocket; every other upgrade is treated as an ordinary request without it. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** A connection could not be accepted, for want of file descriptors say; the listener goes on. Told once a second at most. */
  readonly failed: (error: Error) => void
}

export interface Listener {
  readonly address: string
  readonly port: number
  /** New certificates for new connections; faults GH_CONFIG_INVALID and keeps the old ones when they do not work. */
  reload(config: ListenerConfig): void
  /** Stops accepting, lets what is under way finish for `drainMs`, then cuts it. */
  close(drainMs: number): Promise<void>
}

/** Milliseconds unless said otherwise. Bodies have no limit in time here: idle time-outs belong to the exchange. */
const LIMITS = {
  maxHeaderSize: 32 * 1_024,
  headersTimeout: 20_000,
  requestTimeout: 0,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
} as const

const MAX_CONNECTIONS = 20_000
/** Where accepting fails it fails at every turn of the loop. */
const TELL_EVERY_MS = 1_000

/** Only WebSocket is an upgrade; `h2c` and others are not spoken, so their request is an ordinary one (RFC 9110 §7.8). */
function asksForWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase().includes('websocket') === true
}

/** Opens one listener; settles when it accepts connections, rejects with GH_LISTENER_UNAVAILABLE when the address cannot be had. */
export async function openListener(config: ListenerConfig, handlers: ListenerHandlers): Promise<Listener> {
  const connections = new Set<Socket>()
  const certificates = { current: config.tls === undefined ? undefined : compileCertificates(config.tls) }
  const watch = createConnectionWatch()
  const server = createServer(config, certificates, watch)
  const drain = { draining: false }
  attach(server, { handlers, connections, watch, drain })
  await listen(server, config)
  survive(server, handlers)
  const { address, port } = server.address() as AddressInfo
  return {
    address,
    port,
    reload: (next) => reload(server, certificates, next),
    close: (drainMs) => {
      drain.draining = true
      return close(server, connections, drainMs)
    },
  }
}

/** Node ends the process over an `error` that nobody listens for: whoever can use up file descriptors could end it. */
function survive(server: Server | HttpsServer, { failed }: ListenerHandlers): void {
  let toldAt = -Infinity
  server.on('error', (error) => {
    const now = performance.now()
    if (now - toldAt < TELL_EVERY_MS) return
    toldAt = now
    failed(error)
  })
}

interface CurrentCertificates {
  current: CertificateSet | undefined
}

function createServer(
  config: ListenerConfig,
  certificates: CurrentCertificates,
  watch: ConnectionWatch,
): Server | HttpsServer {
  const options = {
    ...LIMITS,
    // A request without a body is over when its head is: nothing streams, and no events tell of it (a tenth of what Node takes for one).
    optimizeEmptyRequests: true,
    // Ours to refuse: Node would answer by itself, and then carry out what was sent behind it.
    requireHostHeader: false,
    // One that is sent behind an unanswered request is an ordinary request: its tunnel would run through that answer.
    shouldUpgradeCallback: (request: IncomingMessage) => asksForWebSocket(request) && !watch.isTaken(request.socket),
  }
  const server =
    config.tls === undefined
      ? createHttp(options)
      : createHttps({ ...options, ...tlsOptions(config.tls, certificates) } satisfies HttpsOptions)
  server.maxHeadersCount = 0
  server.maxConnections = MAX_CONNECTIONS
  server.timeout = 0
  return server
}

function tlsOptions(tls: NonNullable<ListenerConfig['tls']>, certificates: CurrentCertificates): HttpsOptions {
  return {
    ...certificates.current?.fallback,
    ALPNProtocols: ['http/1.1'],
    requestCert: tls.clientCertificates !== undefined,
    rejectUnauthorized: tls.clientCertificates?.required === true,
    // Never throws: an exception in here ends the process (CVE-2026-21637).
    SNICallback: (name, callback) => callback(null, certificates.current?.choose(name)),
  }
}

interface Attachment {
  readonly handlers: ListenerHandlers
  /** Whatever becomes of them: Node's own list has no tunnels, and no TLS connections before their handshake is done. */
  readonly connections: Set<Socket>
  readonly watch: ConnectionWatch
  readonly drain: { readonly draining: boolean }
}

/**
 * An error that nobody listens for ends the process. Node's own listener leaves with the HTTP parser, before `connect` and
 * `upgrade` are told, so every connection has one of ours for as long as it lives: one CONNECT and a reset would be enough.
 */
function guardConnections(server: Server | HttpsServer, connections: Set<Socket>): void {
  const guard = (socket: Duplex): void => void socket.on('error', ignore)
  server.on('connection', (socket: Socket) => {
    guard(socket)
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  // The TLS connection is another object than the one it runs over.
  server.on('secureConnection', guard)
}

function ignore(): void {
  // Always followed by close, which is what everybody waits for.
}

function attach(server: Server | HttpsServer, { handlers, connections, watch, drain }: Attachment): void {
  guardConnections(server, connections)
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (!watch.started(request, response)) return
    limitLateUpload(request, response)
    if (drain.draining) response.shouldKeepAlive = false
    const status = refusedAtOnce(request) ?? (expectation(request) === 'unknown' ? 417 : undefined)
    if (status === undefined) {
      handlers.request(request, response)
      return
    }
    response.shouldKeepAlive = false
    response.writeHead(status, { 'cache-control': 'no-store', 'content-length': 0 }).end()
  }
  server.on('request', onRequest)
  server.on('checkContinue', onRequest)
  server.on('checkExpectation', onRequest)
  server.on('clientError', (error: Error, socket: Duplex) => watch.clientError(error, socket))
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    if (watch.isTaken(socket)) socket.destroy()
    else refuseOnSocket(socket, 405)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const status = refusedAtOnce(request)
    if (status !== undefined) {
      refuseOnSocket(socket, status)
      return
    }
    handlers.upgrade(request, socket, head)
  })
}

function listen(server: Server | HttpsServer, config: ListenerConfig): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  const fail = (error: Error): void => reject(listenFault(error, config))
  server.once('error', fail)
  server.listen({ host: config.address, port: config.port, backlog: 1_024 }, () => {
    server.off('error', fail)
    resolve(undefined)
  })
  return promise
}

function reload(server: Server | HttpsServer, certificates: CurrentCertificates, next: ListenerConfig): void {
  if (next.tls === undefined || !('setSecureContext' in server)) return
  const compiled = compileCertificates(next.tls)
  server.setSecureContext(compiled.fallback)
  certificates.current = compiled
}

/** How long a kept connection may still bring a request, which is answered with `Connection: close` (RFC 9112 §9.6). */
const LAST_REQUEST_MS = 300

/**
 * Closing an idle connection in the moment its client sends a request on it loses that request. So nothing new is accepted first,
 * and kept connections have a moment to be told with their next answer; only those that stayed silent are closed.
 */
async function close(server: Server | HttpsServer, connections: ReadonlySet<Socket>, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    // Not the method of the HTTP server, which closes idle connections at once.
    NetServer.prototype.close.call(server, () => resolve())
  })
  const idle = setTimeout(
    () => {
      server.close()
      timers.push(setInterval(() => server.closeIdleConnections(), 100))
    },
    Math.min(LAST_REQUEST_MS, drainMs),
  )
  const deadline = setTimeout(() => {
    for (const socket of connections) socket.destroy()
  }, drainMs)
  const timers: NodeJS.Timeout[] = [idle, deadline]
  await closed
  for (const timer of timers) clearTimeout(timer)
}
