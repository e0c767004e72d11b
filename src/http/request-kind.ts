import type { IncomingHttpHeaders } from 'node:http'

/**
 * What made a request: a person's `navigation` of a whole tab, which may be redirected to a login page; a navigation inside a
 * `frame`, where a login page must never appear (clickjacking, and its cookies would be third-party); or a `script`, which
 * stands for everything else: fetch, images, API clients, curl.
 */
export type RequestKind = 'navigation' | 'frame' | 'script'

const FRAMES: ReadonlySet<string> = new Set(['iframe', 'frame', 'embed', 'object', 'fencedframe'])

/** By Sec-Fetch-Mode and -Dest where the browser sends them, else by X-Requested-With and Accept. */
export function requestKind(method: string, headers: IncomingHttpHeaders): RequestKind {
  const mode = headers['sec-fetch-mode']
  if (typeof mode === 'string') {
    if (mode !== 'navigate') return 'script'
    const destination = headers['sec-fetch-dest']
    return typeof destination === 'string' && FRAMES.has(destination) ? 'frame' : 'navigation'
  }
  if (headers['x-requested-with'] !== undefined) return 'script'
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') return 'script'
  return acceptsHtml(headers) ? 'navigation' : 'script'
}

/** Whether an answer as a page makes sense: the client names HTML, a wildcard is not enough. */
export function acceptsHtml(headers: IncomingHttpHeaders): boolean {
  const accept = headers.accept
  return accept !== undefined && (accept.includes('text/html') || accept.includes('application/xhtml+xml'))
}
