import type { ServerResponse } from 'node:http'

/** A login is fetched from the address in `Location`; where there is none, the client gets the 401. */
const LOGIN: ReadonlySet<number> = new Set([302, 303, 307, 308])

/** A form is answered with a page that goes on by itself. nginx shows pages of its own, so it gets the address instead. */
const AFTER_FORM = /^0;url=(.*)$/

/**
 * For nginx, which takes 2xx for yes, 401 and 403 for no, and everything else for a fault of ours that its client is told as 500: a
 * redirect becomes 401 with `Location`, a refusal 403. A fault stays one. Of several challenges it passes on the first header, so that they stand
 * in one (RFC 9110 §11.6.1).
 */
export function narrowStatuses(response: ServerResponse): void {
  const writeHead = response.writeHead.bind(response)
  response.writeHead = (status: number): ServerResponse => {
    const challenges = response.getHeader('www-authenticate')
    if (Array.isArray(challenges)) response.setHeader('www-authenticate', challenges.join(', '))
    const next = AFTER_FORM.exec(String(response.getHeader('refresh')))?.[1]
    if (next !== undefined) response.setHeader('location', next)
    return writeHead(narrowed(status))
  }
}

function narrowed(status: number): number {
  if (LOGIN.has(status)) return 401
  return status >= 400 && status < 500 && status !== 401 ? 403 : status
}
