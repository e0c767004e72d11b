import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** One request as it arrived at the application, byte for byte as far as node tells. */
export interface Arrived {
  readonly method: string
  readonly target: string
  readonly headers: readonly string[]
  readonly body: string
}

export interface EchoApp {
  readonly url: string
  readonly seen: Arrived[]
  readonly server: Server
  /** Replaces the answer. */
  answer: (request: IncomingMessage, response: ServerResponse) => void
}

export async function echoApp(t: TestContext): Promise<EchoApp> {
  const seen: Arrived[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    const arrive = (): void => {
      const body = Buffer.concat(chunks).toString('latin1')
      seen.push({ method: request.method ?? '', target: request.url ?? '', headers: request.rawHeaders, body })
      app.answer(request, response)
    }
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', arrive)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const app: EchoApp = {
    url: `http://127.0.0.1:${port}`,
    seen,
    server,
    answer: (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('application'),
  }
  return app
}

/** The values that an arrived request has under a name, spelt exactly so. */
export function headerValues(headers: readonly string[], name: string): readonly string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name.toLowerCase())
}
