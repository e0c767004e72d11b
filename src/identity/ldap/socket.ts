import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { ExtendedRequest, MessageParser, type MessageResponse } from 'ldapts'

/** How to reach one server. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  /** `tls`: from the first byte. `startTLS`: before anything else is said. `none`: loopback only. */
  readonly security: 'tls' | 'startTLS' | 'none'
  /** PEM; the system's authorities where absent. */
  readonly ca: string | undefined
}

const START_TLS = '1.3.6.1.4.1.1466.20037'

/**
 * A connection to the server, encrypted as configured, or a rejection; there is no way from one to the other (StartTLS stripping).
 * The certificate must be valid and carry the host's name.
 */
export async function openSocket(server: ServerAddress, timeoutMs: number): Promise<Socket> {
  const opened: Socket[] = []
  const timer = setTimeout(() => opened.at(-1)?.destroy(new Error('connecting took too long')), timeoutMs)
  try {
    const plain = server.security === 'tls' ? connectTls(tlsOptions(server)) : connect(server.port, server.host)
    opened.push(plain)
    await once(plain, server.security === 'tls' ? 'secureConnect' : 'connect')
    if (server.security !== 'startTLS') return plain
    await askForTls(plain)
    plain.on('error', () => undefined)
    const encrypted = connectTls({ ...tlsOptions(server), socket: plain })
    opened.push(encrypted)
    await once(encrypted, 'secureConnect')
    return encrypted
  } catch (error) {
    for (const socket of opened) socket.on('error', () => undefined).destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function tlsOptions({ host, port, ca }: ServerAddress): ConnectionOptions {
  return {
    host,
    port,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
  }
}

/**
 * StartTLS (RFC 4511 §4.14). The answer has a parser of its own, which is thrown away: what somebody wrote behind it in the clear
 * must not become the beginning of an answer after the handshake (response injection).
 */
async function askForTls(socket: Socket): Promise<void> {
  const parser = new MessageParser()
  const answers: MessageResponse[] = []
  parser.on('message', (message) => answers.push(message))
  parser.on('error', (error) => socket.destroy(error))
  const request = new ExtendedRequest({ messageId: 1, oid: START_TLS })
  socket.write(request.write())
  while (answers.length === 0) {
    const [bytes] = (await Promise.race([once(socket, 'data'), ended(socket)])) as [Buffer]
    parser.read(bytes, new Map())
  }
  socket.pause()
  const [answer] = answers
  if (answers.length > 1 || answer?.messageId !== 1 || answer.protocolOperation !== EXTENDED_RESPONSE) {
    throw new Error('the server answered StartTLS with something else')
  }
  if (answer.status !== 0) throw new Error(`the server refuses StartTLS with code ${answer.status}`)
}

const EXTENDED_RESPONSE = 0x78

async function ended(socket: Socket): Promise<never> {
  await once(socket, 'close')
  throw new Error('the server closed the connection')
}
