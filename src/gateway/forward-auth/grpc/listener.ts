import { once } from 'node:events'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js'
import { fault } from '../../../errors.ts'
import type { Listener } from '../../../http/listener.ts'
import type { ListenerConfig } from '../../../http/listener.schema.ts'
import type { ForwardAuth } from '../forward-auth.ts'
import { SECRET_HEADER } from '../rules.ts'
import { Answer, questionOf } from './exchange.ts'
import { authorizationService, type CheckRequest, type CheckResponse } from './protocol.ts'

/**
 * A question has the headers of a request, and no body. Who may ask is known when one is read: until then a connection that says nothing, or
 * begins very many questions and ends none, must not cost much. Envoy opens another connection where it has more to ask.
 */
const LIMITS = {
  'grpc.max_receive_message_length': 128 * 1_024,
  'grpc.max_concurrent_streams': 1_000,
  'grpc.max_connection_idle_ms': 300_000,
}

/** Each may have a thousand questions under way; Envoy has one connection a thread. */
const MAX_CONNECTIONS = 1_000

/** Opens the listener at which Envoy asks by gRPC; rejects with GH_LISTENER_UNAVAILABLE. Certificates are read at the start alone. */
export async function openGrpcListener(config: ListenerConfig, { request: handle }: ForwardAuth): Promise<Listener> {
  const server = new Server(LIMITS)
  server.addService(authorizationService(), {
    Check(call: ServerUnaryCall<CheckRequest, CheckResponse>, callback: sendUnaryData<CheckResponse>) {
      const [shown] = call.metadata.get(SECRET_HEADER)
      const secret = typeof shown === 'string' ? shown : undefined
      const question = questionOf(call.request, { address: addressOf(call.getPeer()), secret })
      handle(question, new Answer(question, (answer) => callback(null, answer)))
    },
  })
  const injector = server.createConnectionInjector(credentials(config))
  const sockets = new Set<Socket>()
  // The library would take as many connections as come.
  const listening = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket))
    injector.injectConnection(socket)
  })
  listening.maxConnections = MAX_CONNECTIONS
  const { address } = config
  const port = await portOf(listening, config)
  return {
    ...{ address, port },
    reload: () => undefined,
    async close(drainMs) {
      listening.close()
      await close(server, drainMs)
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Listens, and rejects where that is not possible. */
async function portOf(listening: NetServer, { address: host, port }: ListenerConfig): Promise<number> {
  try {
    await once(listening.listen({ host, port }), 'listening')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : ''
    throw fault('GH_LISTENER_UNAVAILABLE', { detail: `${host} port ${port}: ${why}`, cause })
  }
  const bound = listening.address()
  return typeof bound === 'object' && bound !== null ? bound.port : port
}

function credentials({ tls }: ListenerConfig): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure()
  const pairs = tls.certificates.map(({ cert, key }) => ({
    cert_chain: Buffer.from(cert),
    private_key: Buffer.from(key),
  }))
  const ca = tls.clientCertificates?.ca
  return ServerCredentials.createSsl(
    ca === undefined ? null : Buffer.from(ca),
    pairs,
    tls.clientCertificates?.required === true,
  )
}

/** `127.0.0.1:1234` or `[::1]:1234`. */
function addressOf(peer: string): string {
  const bare = peer.slice(0, peer.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  return bare.startsWith('::ffff:') && bare.includes('.') ? bare.slice(7) : bare
}

async function close(server: Server, drainMs: number): Promise<void> {
  const timer = setTimeout(() => server.forceShutdown(), drainMs)
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
  clearTimeout(timer)
}
