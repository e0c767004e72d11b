import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { fault } from '../../errors.ts'
import type { UpstreamConfig } from '../agent-profile.schema.ts'
import { buildConnector } from '../../http/undici.ts'

export interface ServerAddress {
  /** As configured; what log and health call it. */
  readonly name: string
  /** Scheme, host and port for the pool; a socket's is made up. */
  readonly origin: string
  /** Host header of the server's own name. */
  readonly host: string
  readonly socketPath: string | undefined
}

/** Connects to one server. `callback` gets the socket after the TLS handshake, or the reason why there is none. */
export type Connect = ReturnType<typeof buildConnector>

export interface Connectors {
  readonly pooled: Connect
  /** For WebSockets: each side may end before the other. */
  readonly tunnel: Connect
  /** Bytes read on the connection before it failed with this error; more than 0: an earlier answer came over it. */
  bytesReadBefore(error: unknown): number
}

/** Reads `http://host:port`, `https://host:port` or `unix:/path`. */
export function parseAddress(server: string): ServerAddress {
  if (server.startsWith('unix:')) {
    return { name: server, origin: 'http://localhost', host: 'localhost', socketPath: server.slice('unix:'.length) }
  }
  const url = new URL(server)
  return { name: server, origin: url.origin, host: url.host, socketPath: undefined }
}

/**
 * Builds what opens connections to a server. Verification of its certificate is always on. Name asked for and name
 * checked come from configuration: undici and node:https alike would take them from the request's Host header.
 * @throws GH_CONFIG_INVALID when a certificate or key cannot be read.
 */
export function createConnectors(address: ServerAddress, config: UpstreamConfig): Connectors {
  const { tls } = config
  const base = {
    timeout: config.connectTimeout,
    allowH2: false,
    socketPath: address.socketPath ?? null,
    rejectUnauthorized: true,
    ...(address.origin.startsWith('https:') ? { secureContext: secureContext(address, tls) } : {}),
    ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
  }
  const readBefore = new WeakMap<object, number>()
  const watch = (socket: Socket): void => {
    socket.on('error', (error) => readBefore.set(error, socket.bytesRead))
  }
  return {
    pooled: withFixedName(buildConnector(base), watch),
    tunnel: withFixedName(buildConnector({ ...base, allowHalfOpen: true }), () => undefined),
    bytesReadBefore: (error) => (error instanceof Error ? (readBefore.get(error) ?? 0) : 0),
  }
}

function withFixedName(connect: Connect, onSocket: (socket: Socket) => void): Connect {
  return ({ servername: _fromHostHeader, ...options }, callback) => {
    connect(options, (...result) => {
      if (result[0] === null) onSocket(result[1])
      callback(...result)
    })
  }
}

function secureContext(address: ServerAddress, tls: UpstreamConfig['tls']): SecureContext {
  try {
    return createSecureContext({ ca: tls?.ca, cert: tls?.cert, key: tls?.key, minVersion: 'TLSv1.2' })
  } catch (error) {
    throw fault('GH_CONFIG_INVALID', { cause: error, detail: `the TLS settings for ${address.name} cannot be used` })
  }
}
