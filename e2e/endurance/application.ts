import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { drainChecked, pump, type Pace } from './body.ts'

/** An application that takes and gives as much as it is told to, and says what it took. */
export interface Application {
  readonly url: string
  /** WebSockets that are open now. */
  readonly webSockets: () => number
  close(): Promise<void>
}

/** `/upload?pace=` reads and answers with the bytes it read; `/download?bytes=&pace=` writes; `/ws` repeats what it is told. */
export async function startApplication(): Promise<Application> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined)
    })
  })
  const sockets = new WebSocketServer({ server, path: '/ws', perMessageDeflate: false })
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    socket.on('error', () => socket.terminate())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // Tests that could not be set up and do not come to close it end all the same.
  server.unref()
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    webSockets: () => sockets.clients.size,
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(`http://app${request.url ?? '/'}`)
  const pace = (searchParams.get('pace') ?? 'steady') as Pace
  if (pathname === '/download') {
    const bytes = Number(searchParams.get('bytes'))
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes })
    await pump(response, bytes, pace)
    return
  }
  const { bytes, sound } = await drainChecked(request, pace)
  const user = request.headers['x-remote-user']
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ bytes, sound, user }))
}
