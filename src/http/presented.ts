import { X509Certificate } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { basicCredentials, type Credentials } from './basic-credentials.ts'
import { AMBIGUOUS, findCookie } from './cookies.ts'
import { createAddressSet } from './forwarded.ts'
import { readForwardedClientCert } from './forwarded-client-cert.ts'
import { peerAddress } from './peer-address.ts'
import type { ClientCertificateHeader } from './listener.schema.ts'

/** DER of what a client has shown. It has proved that it holds the key of `leaf`, and nothing else is checked. */
export interface PresentedCertificate {
  readonly leaf: Buffer
  /** Sent with it, in any order. */
  readonly others: readonly Buffer[]
}

/** What a request itself brings to prove who sent it. */
export interface Presented {
  /** `unreadable`: there is one, and nothing can be said of it. */
  certificate(): PresentedCertificate | 'unreadable' | undefined
  /** RFC 6750 §2.1. */
  readonly bearer: string | undefined
  /** RFC 7617: a program that says which one it is. */
  readonly basic: Credentials | undefined
  /** Whom a program speaks for, by its own account (`X-Asserted-User`). Proved by nothing. */
  readonly assertedUser: string | undefined
  /** The value of the cookie of exactly this name; `undefined` where there is none, or two different ones. */
  cookie(name: string): string | undefined
}

export const NOTHING_PRESENTED: Presented = {
  certificate: () => undefined,
  bearer: undefined,
  basic: undefined,
  assertedUser: undefined,
  cookie: () => undefined,
}

/** More are an attack; TLS itself takes no more than 100 KB. */
export const MOST_CERTIFICATES = 10
const LONGEST_HEADER = 24_000
const LONGEST_BEARER = 16_000
/** No browser sends it across sites unasked (CORS), and no form sends it at all. */
const ASSERTED_USER = 'x-asserted-user'

/**
 * Reads what requests bring. A trusted proxy in front has the TLS connection with the client: what counts then is the header that it
 * sets, and never the certificate by which it shows itself. From everybody else the header is nothing.
 */
export function createPresentedReader(
  trustedProxies: readonly string[],
  header: ClientCertificateHeader | undefined,
): (request: IncomingMessage) => Presented {
  const trusted = createAddressSet(trustedProxies)
  return (request) => ({
    certificate: () => {
      if (!trusted.has(peerAddress(request.socket))) return ofConnection(request.socket as Partial<TLSSocket>)
      return header === undefined ? undefined : ofHeaders(request.headers, header)
    },
    bearer: bearerOf(request.headers.authorization),
    basic: basicCredentials(request.headers.authorization),
    assertedUser: assertedUserOf(request.headers[ASSERTED_USER]),
    cookie: (name) => cookieOf(request.headers.cookie, name),
  })
}

/** The token of an `Authorization: Bearer` header; `undefined` for anything else. */
export function bearerOf(authorization: string | undefined): string | undefined {
  const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1]
  return token !== undefined && token.length <= LONGEST_BEARER ? token : undefined
}

/** Node gives bytes as Latin-1; programs send UTF-8. Repeated, its values are joined with a comma, and that is nobody's name. */
function assertedUserOf(header: string | readonly string[] | undefined): string | undefined {
  if (typeof header !== 'string' || header === '') return undefined
  const text = Buffer.from(header, 'latin1').toString('utf8')
  return text.includes('\u{FFFD}') ? undefined : text
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  const found = findCookie(header, name)
  return found === AMBIGUOUS ? undefined : found
}

function ofConnection(socket: Partial<TLSSocket>): PresentedCertificate | undefined {
  const found: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate?.(true)
  if (found?.raw === undefined) return undefined
  const others: Buffer[] = []
  const seen = new Set([found.fingerprint256])
  let next: DetailedPeerCertificate | undefined = found.issuerCertificate
  while (next?.raw !== undefined && !seen.has(next.fingerprint256) && others.length < MOST_CERTIFICATES) {
    seen.add(next.fingerprint256)
    others.push(next.raw)
    next = next.issuerCertificate
  }
  return { leaf: found.raw, others }
}

function ofHeaders(
  headers: IncomingHttpHeaders,
  { format, name }: ClientCertificateHeader,
): PresentedCertificate | 'unreadable' | undefined {
  const text = headers[name ?? DEFAULT_NAMES[format]]
  if (text === undefined || text === '') return undefined
  const chain = format === 'rfc9440' ? headers['client-cert-chain'] : ''
  if (typeof text !== 'string' || typeof chain === 'object' || text.length + (chain?.length ?? 0) > LONGEST_HEADER)
    return 'unreadable'
  try {
    switch (format) {
      case 'rfc9440':
        return ofRfc9440(text, chain ?? '')
      case 'nginx':
        return ofEscapedPem(text)
      case 'xfcc':
        return ofXfcc(text)
    }
  } catch {
    return 'unreadable'
  }
}

const DEFAULT_NAMES = {
  rfc9440: 'client-cert',
  nginx: 'x-ssl-client-cert',
  xfcc: 'x-forwarded-client-cert',
} as const

function ofXfcc(text: string): PresentedCertificate | 'unreadable' {
  const [leaf, ...others] = readForwardedClientCert(text)
  return others.length > MOST_CERTIFICATES ? 'unreadable' : { leaf, others }
}

/** RFC 9440 §2: a byte sequence of RFC 8941 each. Repeated, a header becomes a list, which the leaf's must not be. */
function ofRfc9440(leaf: string, chain: string): PresentedCertificate | 'unreadable' {
  const others = chain.trim() === '' ? [] : chain.split(',').map((item) => byteSequence(item.trim()))
  if (others.length > MOST_CERTIFICATES) return 'unreadable'
  return { leaf: byteSequence(leaf.trim()), others }
}

function byteSequence(item: string): Buffer {
  const encoded = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(item)?.[1]
  if (encoded === undefined) throw new Error('no byte sequence')
  return Buffer.from(encoded, 'base64')
}

/**
 * nginx's `$ssl_client_escaped_cert`: PEM, percent-encoded; others write their chain behind the leaf. Repeated, the header has a comma,
 * which nothing escaped has: the first may be the client's own, in front of what the proxy has added.
 */
function ofEscapedPem(text: string): PresentedCertificate | 'unreadable' {
  if (text.includes(',')) return 'unreadable'
  const blocks = decodeURIComponent(text).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const [leaf, ...others] = blocks.map((pem) => new X509Certificate(pem).raw)
  return leaf === undefined || others.length > MOST_CERTIFICATES ? 'unreadable' : { leaf, others }
}
