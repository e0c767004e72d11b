import type { ServerResponse } from 'node:http'

export type HeaderRecord = Readonly<Record<string, string | readonly string[]>>

/** No script at all, nothing from elsewhere, never inside a frame. Pages that need more say so themselves. */
export const STRICT_CSP =
  "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/**
 * On everything we write ourselves. Nothing of ours is ever stored (cache deception, back button after logout). The referrer
 * policy is `same-origin`, not `no-referrer`, because the latter has browsers send `Origin: null` with our own forms.
 */
export const OWN_HEADERS: HeaderRecord = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

export interface Page {
  readonly status: number
  readonly html: string
  readonly headers?: HeaderRecord
}

/** A page under the strict content security policy; `headers` go over ours. */
export function sendHtml(response: ServerResponse, page: Page): void {
  const headers = {
    ...OWN_HEADERS,
    'content-security-policy': STRICT_CSP,
    'content-type': 'text/html; charset=utf-8',
    vary: 'Cookie, Accept-Language',
    ...page.headers,
  }
  send(response, page.status, headers, page.html)
}

export interface JsonAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: HeaderRecord
}

export function sendJson(response: ServerResponse, answer: JsonAnswer): void {
  const headers = {
    ...OWN_HEADERS,
    'content-type': 'application/json; charset=utf-8',
    vary: 'Cookie',
    ...answer.headers,
  }
  send(response, answer.status, headers, `${JSON.stringify(answer.body)}\n`)
}

/** A document for programs. */
export function sendXml(
  response: ServerResponse,
  { type, xml }: { readonly type: string; readonly xml: string },
): void {
  send(response, 200, { ...OWN_HEADERS, 'content-type': `${type}; charset=utf-8` }, xml)
}

export interface Redirect {
  readonly status: 302 | 303 | 307 | 308
  /** Absolute or rooted; built by us, printable ASCII only. */
  readonly location: string
  readonly headers?: HeaderRecord
}

/** A redirect that nobody stores, without a body: a body would only repeat the address. */
export function sendRedirect(response: ServerResponse, redirect: Redirect): void {
  send(
    response,
    redirect.status,
    { ...OWN_HEADERS, vary: 'Cookie', ...redirect.headers, location: redirect.location },
    '',
  )
}

function send(response: ServerResponse, status: number, headers: HeaderRecord, body: string): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.setHeader('content-length', Buffer.byteLength(body))
  response.writeHead(status)
  response.end(body)
}
