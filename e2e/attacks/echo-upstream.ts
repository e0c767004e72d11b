import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'

/** One request as its bytes arrived. */
export interface Received {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
  /** Head and body, latin1. */
  readonly raw: string
}

/** Writes an answer by hand; whatever it leaves unanswered stays so. */
export type Behaviour = (socket: Socket, received: Received) => void

/** An application that notes every byte and believes everything: a lenient server behind the gateway. */
export interface EchoUpstream {
  readonly url: string
  readonly received: readonly Received[]
  /** Connections accepted so far. */
  readonly connections: () => number
  /** Bytes that came after a request was complete and are no request: what a smuggler would have got through. */
  readonly strays: readonly string[]
  /** Answers of its own for one exact path. */
  behave(path: string, behaviour: Behaviour): void
  close(): Promise<void>
}

const WEB_SOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export async function startEchoUpstream(): Promise<EchoUpstream> {
  const received: Received[] = []
  const strays: string[] = []
  const behaviours = new Map<string, Behaviour>()
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer({ noDelay: true }, (socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    let pending = ''
    let tunnel = false
    socket.on('data', (chunk: Buffer) => {
      if (tunnel) return
      pending += chunk.toString('latin1')
      for (let split = splitRequest(pending); split !== undefined; split = splitRequest(pending)) {
        pending = split.rest
        received.push(split.request)
        if (!/^[A-Z]+ \S+ HTTP\/1\.[01]\r\n/.test(split.request.raw)) strays.push(split.request.raw)
        const behaviour = behaviours.get(split.request.target.split('?', 1)[0] ?? '') ?? answer
        tunnel = isUpgrade(split.request) && behaviour === answer
        behaviour(socket, split.request)
        if (tunnel) echo(socket, pending)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    strays,
    connections: () => connections,
    behave(path, behaviour) {
      behaviours.set(path, behaviour)
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

function splitRequest(text: string): { readonly request: Received; readonly rest: string } | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [line = '', ...lines] = text.slice(0, end).split('\r\n')
  const [method = '', target = '', version = ''] = line.split(' ')
  const headers = lines.map((each): [string, string] => {
    const colon = each.indexOf(':')
    return [each.slice(0, colon), each.slice(colon + 1).trim()]
  })
  const body = bodyOf(headers, text.slice(end + 4))
  if (body === undefined) return undefined
  const size = end + 4 + body.size
  const request = { method, target, version, headers, body: body.text, raw: text.slice(0, size) }
  return { request, rest: text.slice(size) }
}

function bodyOf(
  headers: Received['headers'],
  after: string,
): { readonly text: string; readonly size: number } | undefined {
  const field = (name: string): string | undefined => headers.find(([each]) => each.toLowerCase() === name)?.[1]
  if (field('transfer-encoding') !== undefined) {
    const end = /(?:^|\r\n)0\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(after)
    return end === null ? undefined : { text: after.slice(0, end.index), size: end.index + end[0].length }
  }
  const length = Number(field('content-length') ?? 0)
  return after.length < length ? undefined : { text: after.slice(0, length), size: length }
}

function isUpgrade({ headers }: Received): boolean {
  return headers.some(([name, value]) => name.toLowerCase() === 'upgrade' && value.toLowerCase() === 'websocket')
}

function answer(socket: Socket, request: Received): void {
  if (isUpgrade(request)) {
    const key = request.headers.find(([name]) => name.toLowerCase() === 'sec-websocket-key')?.[1] ?? ''
    const accept = createHash('sha1')
      .update(key + WEB_SOCKET_GUID)
      .digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    return
  }
  const body = `${request.method} ${request.target}`
  const shown = request.method === 'HEAD' ? '' : body
  socket.write(
    `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nX-Echo: ${request.target.slice(0, 200)}\r\n\r\n${shown}`,
    'latin1',
  )
}

/** What comes through the tunnel goes back. */
function echo(socket: Socket, early: string): void {
  if (early !== '') socket.write(early, 'latin1')
  socket.on('data', (chunk: Buffer) => socket.write(chunk))
}
