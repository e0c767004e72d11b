import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

/** One request as the application received it. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly bytes: number
}

/** An application that says back what it was asked, and keeps it. */
export interface EchoApp {
  readonly url: string
  /** Everything that reached it, in order. */
  readonly seen: readonly Seen[]
  /** How many requests, whole or not, have begun to arrive. */
  arrived(): number
  /** Answers those that were asked with `?held` so far. */
  release(): void
  close(): Promise<void>
}

const TICK_MS = 25

/** `/events` is an event stream, `/clock` a WebSocket that repeats what it is told, the rest is echoed, with `?ms=` after so long and with `?held` when it is released. */
export async function startEchoApp(
  answerHeaders: Readonly<Record<string, string | readonly string[]>> = {},
): Promise<EchoApp> {
  const seen: Seen[] = []
  let held = Promise.withResolvers<void>()
  let arrived = 0
  const server = createServer((request, response) => {
    arrived++
    void answer(request, response, { seen, answerHeaders, released: held.promise })
  })
  const sockets = new WebSocketServer({ server, path: '/clock' })
  sockets.on('connection', (socket, { url, headers }: IncomingMessage) => {
    seen.push({ method: 'GET', url: url ?? '', headers, bytes: 0 })
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    socket.on('error', () => socket.terminate())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // Tests that could not be set up and do not come to close it end all the same.
  server.unref()
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    arrived: () => arrived,
    release() {
      held.resolve()
      held = Promise.withResolvers<void>()
    },
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

interface Answering {
  readonly seen: Seen[]
  readonly answerHeaders: Readonly<Record<string, string | readonly string[]>>
  readonly released: Promise<void>
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { seen, answerHeaders, released }: Answering,
): Promise<void> {
  const { pathname, searchParams } = new URL(`http://app${request.url ?? '/'}`)
  if (pathname === '/events') {
    streamEvents(response)
    return
  }
  let bytes = 0
  for await (const chunk of request) bytes += (chunk as Buffer).length
  const echo: Seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, bytes }
  seen.push(echo)
  await new Promise((resolve) => setTimeout(resolve, Number(searchParams.get('ms') ?? 0)))
  if (searchParams.has('held')) await released
  response.writeHead(200, { 'content-type': 'application/json', ...answerHeaders } as OutgoingHttpHeaders)
  response.end(JSON.stringify(echo))
}

function streamEvents(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const timer = setInterval(() => response.write('data: tick\n\n'), TICK_MS)
  response.on('close', () => clearInterval(timer))
  response.write('data: first\n\n')
}
