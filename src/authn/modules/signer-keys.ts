import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose'
import { X509Certificate } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { fetchDocument } from '../../http/fetch-document.ts'
import type { SignerConfig } from './external-jwt.schema.ts'

export type SignerKeys = JWTVerifyGetKey

const LARGEST_SET = 262_144
const KEPT_MS = 600_000
/** A token can name any key: this is how often its name alone has us ask. */
const COOL_DOWN_MS = 30_000
/** An address that fails is left alone for this long. */
const REST_MS = 10_000

/** The keys of one signer. Rejects with what is no JOSEError when they cannot be had. */
export function signerKeys(
  { jwks, certificate }: Pick<SignerConfig, 'jwks' | 'certificate'>,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): SignerKeys {
  if (certificate !== undefined) return ofCertificate(certificate, clock)
  let failedAt = -Infinity
  const load = async (url: string): Promise<Response> => {
    if (clock() - failedAt < REST_MS) throw new Error('the keys could not be read a moment ago')
    try {
      const text = (await fetchDocument(url, { timeoutMs, maxBytes: LARGEST_SET })).toString('utf8')
      JSON.parse(text)
      return new Response(text, { status: 200 })
    } catch (error) {
      failedAt = clock()
      throw error
    }
  }
  return createRemoteJWKSet(new URL(jwks ?? ''), {
    cacheMaxAge: KEPT_MS,
    cooldownDuration: COOL_DOWN_MS,
    // Ours is the one that counts, and it reads no more than it may.
    timeoutDuration: timeoutMs + 1_000,
    [customFetch]: load,
  })
}

function ofCertificate(pem: string, clock: Clock): SignerKeys {
  const { publicKey, validFromDate, validToDate } = new X509Certificate(pem)
  return () => {
    const now = clock()
    if (now < validFromDate.getTime() || now > validToDate.getTime()) throw new errors.JWKSNoMatchingKey()
    return publicKey
  }
}
