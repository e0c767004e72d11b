import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

/** What an application answers: a way on, or a page. */
export interface PartnerAnswer {
  readonly to?: string
  readonly html?: string
}

/** A request to it. */
export interface PartnerRequest {
  readonly host: string
  /** Path and query. */
  readonly target: string
  readonly body: string
}

/** An application of somebody else's on this machine; what goes wrong in it, its page says. Returns its end. */
export function servePartner(
  port: number,
  answer: (request: PartnerRequest) => Promise<PartnerAnswer>,
): () => Promise<void> {
  const server = createServer((request, response) => {
    const { host = '' } = request.headers
    void text(request)
      .then((body) => answer({ host, target: request.url ?? '', body }))
      .catch((error: unknown): PartnerAnswer => ({ html: String(error) }))
      .then(({ to, html }) =>
        to === undefined
          ? response.setHeader('content-type', 'text/html').end(html)
          : response.writeHead(303, { location: to }).end(),
      )
  }).listen(port, '127.0.0.1')
  return async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}
