import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { parseHost, type RequestHost } from '../../http/host.ts'

/** Path of the listener under which proxies ask. Envoy puts the path of the request behind it. */
export const FORWARD_AUTH_PATH = '/.gatehouse/forward-auth'

/** The request that a proxy asks about, as far as the proxy says it. */
export interface OriginalRequest {
  /**
   * `relayed`: whatever is answered but 200 goes to the browser as it is (Traefik, Caddy, Envoy). `narrow`: the proxy knows 2xx, 401 and
   * 403 alone, and takes what it needs from their headers (nginx).
   */
  readonly answers: 'relayed' | 'narrow'
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly host: RequestHost
  /** Path and query, not read yet. */
  readonly target: string
}

/** Why nobody can say what is asked about; for the log. */
export type OriginalFault = 'no-such-path' | 'original-missing' | 'original-twice' | 'original-malformed'

/**
 * Reads it from where this kind of proxy writes it. The kinds are told apart by what is there, so a request that has the headers of two is
 * refused: one of them the proxy has passed on from its client, who must not choose what is decided about.
 */
export function readOriginal(raw: IncomingMessage): OriginalRequest | OriginalFault {
  const url = raw.url ?? ''
  const { headers } = raw
  const nginx = isGiven(headers, ['x-original-url', 'x-original-method', 'x-original-uri'])
  const others = isGiven(headers, ['x-forwarded-uri', 'x-forwarded-method'])
  if (url.startsWith(`${FORWARD_AUTH_PATH}/`)) return nginx || others ? 'original-twice' : ofRequestLine(raw, url)
  // Caddy leaves its client's query behind our path.
  if (url !== FORWARD_AUTH_PATH && !url.startsWith(`${FORWARD_AUTH_PATH}?`)) return 'no-such-path'
  if (nginx && others) return 'original-twice'
  return nginx ? ofOriginal(headers) : others ? ofForwarded(headers) : 'original-missing'
}

function isGiven(headers: IncomingHttpHeaders, names: readonly string[]): boolean {
  return names.some((name) => headers[name] !== undefined)
}

/** nginx: `X-Original-URL` and `X-Original-Method`. */
function ofOriginal(headers: IncomingHttpHeaders): OriginalRequest | OriginalFault {
  const [whole = '', scheme, authority] = ORIGIN.exec(one(headers, 'x-original-url') ?? '') ?? []
  const target = (one(headers, 'x-original-url') ?? '').slice(whole.length)
  return original('narrow', { method: one(headers, 'x-original-method'), scheme, authority, target })
}

const ORIGIN = /^(https?):\/\/([^/?#]*)/

/** Traefik and Caddy: `X-Forwarded-Method`, `-Proto`, `-Host`, `-Uri`. */
function ofForwarded(headers: IncomingHttpHeaders): OriginalRequest | OriginalFault {
  return original('relayed', {
    method: one(headers, 'x-forwarded-method'),
    scheme: one(headers, 'x-forwarded-proto'),
    authority: one(headers, 'x-forwarded-host'),
    target: one(headers, 'x-forwarded-uri'),
  })
}

/** Envoy: the request line and Host of the request itself, with our path before its own. */
function ofRequestLine({ method, headers }: IncomingMessage, url: string): OriginalRequest | OriginalFault {
  return original('relayed', {
    method,
    scheme: one(headers, 'x-forwarded-proto'),
    authority: headers.host,
    target: url.slice(FORWARD_AUTH_PATH.length),
  })
}

interface Said {
  readonly method: string | undefined
  readonly scheme: string | undefined
  readonly authority: string | undefined
  readonly target: string | undefined
}

/** For sockets Traefik says `ws` and `wss`. */
const SCHEMES: ReadonlyMap<string, 'http' | 'https'> = new Map([
  ['http', 'http'],
  ['ws', 'http'],
  ['https', 'https'],
  ['wss', 'https'],
])

/** RFC 9110 §9.1: a token, and case counts. */
const METHOD = /^[A-Z][A-Z-]{0,31}$/

function original(answers: OriginalRequest['answers'], said: Said): OriginalRequest | OriginalFault {
  const { method, authority, target } = said
  if (method === undefined || authority === undefined || target === undefined || said.scheme === undefined)
    return 'original-missing'
  const scheme = SCHEMES.get(said.scheme)
  const host = parseHost(authority)
  if (!METHOD.test(method) || scheme === undefined || host === undefined) return 'original-malformed'
  return { answers, method, scheme, host, target }
}

/** A header that came twice is joined by a comma, which nothing of this may have, but a target. */
function one(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
