// The baseline: node:http in front, undici behind, and nothing that checks, adds or removes anything but `Connection`.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool, type Dispatcher } from 'undici'

const pool = new Pool(`http://127.0.0.1:${process.argv[2] ?? ''}`, { connections: 128, pipelining: 1 })

function forward(request: IncomingMessage, response: ServerResponse): void {
  const headers = { ...request.headers }
  delete headers.connection
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: () => undefined,
    onResponseStart(_controller, status, answer) {
      delete answer['connection']
      delete answer['keep-alive']
      response.writeHead(status, answer)
    },
    onResponseData(controller, chunk) {
      // Whose client is gone never drains: waiting for it would keep a connection of the pool for ever.
      if (response.write(chunk) || response.destroyed) return
      controller.pause()
      response.once('drain', () => controller.resume())
    },
    onResponseEnd: () => void response.end(),
    onResponseError: () => void response.destroy(),
  }
  const method = request.method ?? 'GET'
  pool.dispatch({ path: request.url ?? '/', method, headers, body: method === 'GET' ? null : request }, handler)
}

const server = createServer({ keepAliveTimeout: 60_000 }, forward)
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
