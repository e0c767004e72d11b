import { OWN_HEADERS } from '../../http/respond.ts'
import type { Api } from '../ports.ts'

export interface AliveDeps {
  /** Why no traffic should come here; none when it may. */
  readonly readiness: { report(): Promise<{ readonly problems: readonly unknown[] }> }
}

const PATH = /^(?:\/am|\/openam)?\/isAlive\.jsp(?:\?|$)/

/** `/isAlive.jsp`, which load balancers in front of OpenAM ask: the words that they look for, and the answer of `/readyz`. */
export function createAlive({ readiness }: AliveDeps): Api {
  return (request, response) => {
    if (!PATH.test(request.url ?? '') || (request.method !== 'GET' && request.method !== 'HEAD')) return false
    const answer = (isReady: boolean): void => {
      for (const [name, value] of Object.entries(OWN_HEADERS)) response.setHeader(name, value)
      response.writeHead(isReady ? 200 : 503, { 'content-type': 'text/html; charset=utf-8' })
      response.end(isReady ? '<!doctype html><h1>Server is ALIVE</h1>\n' : '<!doctype html><h1>Server is DOWN</h1>\n')
    }
    readiness.report().then(
      ({ problems }) => answer(problems.length === 0),
      () => answer(false),
    )
    return true
  }
}
