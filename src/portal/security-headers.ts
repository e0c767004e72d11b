import type { IncomingMessage, ServerResponse } from 'node:http'
import helmet from 'helmet'

/** A header of more than this might meet a proxy's limit; origins beyond it are left out, the nearest were put first. */
const FORM_TARGETS_LIMIT = 4_000

/**
 * What a page of the login host may do: our own style sheets, script and pictures, nothing inline, nobody may frame it.
 * `formTargets`: origins that a form of the page may end up at, because browsers apply `form-action` to the redirects that
 * follow a POST as well.
 */
export function contentSecurityPolicy(formTargets: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    `form-action ${["'self'", ...withinLimit(formTargets)].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ')
}

function withinLimit(origins: readonly string[]): readonly string[] {
  let length = 0
  return origins.filter((origin) => (length += origin.length + 1) <= FORM_TARGETS_LIMIT)
}

type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void

/**
 * The headers every answer of the login host starts with. Referrer-Policy is `same-origin`, not `no-referrer`: under the
 * latter browsers send `Origin: null` with our own forms (Fetch §3.2), and the check against forged requests needs it.
 */
export function securityHeaders(https: boolean): Middleware {
  return helmet({
    contentSecurityPolicy: false,
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: https ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    xFrameOptions: { action: 'deny' },
  })
}

export function defaultHeaders(_request: IncomingMessage, response: ServerResponse, next: () => void): void {
  response.setHeader('Content-Security-Policy', contentSecurityPolicy([]))
  response.setHeader('Cache-Control', 'no-store')
  next()
}
