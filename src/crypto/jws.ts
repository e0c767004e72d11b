import { sign, verify } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { decodeBase64url } from './base64url.ts'
import type { RingKey } from './key-document.ts'
import type { KeyRing } from './key-ring.ts'
import type { SigningPurpose } from './purposes.ts'

/*
 * Signed tokens that come back to us: JWS compact serialization (RFC 7515 §7.1) with EdDSA (RFC 8037 §3.1) or RS256 (RFC 7518
 * §3.3). A reader takes exactly the header that we write, and finds its key by purpose: there is no algorithm, key, address of a
 * key or extension that a header could talk it into (RFC 8725 §3.1).
 */

export type TokenAlgorithm = 'EdDSA' | 'RS256'

/** One kind of token: it has a key of its own for each algorithm, so that no other kind passes for it. */
export type TokenPurposes = Readonly<Record<TokenAlgorithm, SigningPurpose>>

const DIGESTS = { EdDSA: null, RS256: 'sha256' } as const
const HEADER = /^\{"alg":"(EdDSA|RS256)","kid":"([A-Za-z0-9_-]{16})","typ":"JWT"\}$/
/** Another process may have begun to sign with a key a moment before it is time here. */
const CLOCK_SKEW_MS = 60_000
const LONGEST = 4_096

/** The same claims, key and algorithm always give the same token: both kinds of signature are deterministic. */
export function signJws(alg: TokenAlgorithm, { kid, key }: RingKey, claims: object): string {
  const input = `${encode({ alg, kid, typ: 'JWT' })}.${encode(claims)}`
  return `${input}.${sign(DIGESTS[alg], Buffer.from(input), key).toString('base64url')}`
}

/**
 * The claims as they were signed; `undefined` for what no key of these purposes signed, or what is spelled in another way.
 * Throws GH_KEYS_UNAVAILABLE where nobody can say.
 */
export function verifyJws(
  text: string,
  purposes: TokenPurposes,
  { keyRing, clock }: { readonly keyRing: Pick<KeyRing, 'known'>; readonly clock: Clock },
): unknown {
  if (text.length > LONGEST) return undefined
  const [header = '', payload = '', signature = '', ...more] = text.split('.')
  const bytes = more.length > 0 ? [] : [header, payload, signature].map(decodeBase64url)
  const [headerBytes, payloadBytes, signatureBytes] = bytes
  if (headerBytes === undefined || payloadBytes === undefined || signatureBytes === undefined) return undefined
  const [, alg, kid] = HEADER.exec(headerBytes.toString('latin1')) ?? []
  if (alg === undefined || kid === undefined) return undefined
  const key = keyRing.known(purposes[alg as TokenAlgorithm], kid)
  if (key === undefined || key.notBefore > clock() + CLOCK_SKEW_MS) return undefined
  const input = Buffer.from(text.slice(0, header.length + 1 + payload.length))
  if (!verify(DIGESTS[alg as TokenAlgorithm], input, key.key, signatureBytes)) return undefined
  return parsed(payloadBytes)
}

function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'))
  } catch {
    // Nothing that `signJws` signed.
    return undefined
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
