import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether a state-changing request came from a page of `origin` itself. `Sec-Fetch-Site` decides where the browser sends it,
 * since no page can set it; otherwise `Origin` must be equal; with neither the answer is no. Same-site is not enough: another
 * application under the same domain is a stranger (cross-site request forgery from a sibling host).
 */
export function isSameOrigin(headers: IncomingHttpHeaders, origin: string): boolean {
  const site = headers['sec-fetch-site']
  const from = headers.origin
  if (site !== undefined) {
    // With a referrer policy of no-referrer browsers send `Origin: null` from the very same page.
    return site === 'same-origin' && (from === undefined || from === 'null' || from === origin)
  }
  return from === origin
}
