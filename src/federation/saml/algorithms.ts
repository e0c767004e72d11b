import { constants, createHash, verify, type KeyObject } from 'node:crypto'

/** How a signature algorithm is done; what is not in the table does not exist. No SHA-1, no MD5, nothing with a shared secret. */
export interface SignatureAlgorithm {
  readonly key: 'rsa' | 'ec'
  readonly hash: 'sha256' | 'sha384' | 'sha512'
  readonly isPss?: true
}

const MORE = 'http://www.w3.org/2001/04/xmldsig-more#'

/** RFC 9231 §2.3; for XML and for the query of the redirect binding alike. */
export const SIGNATURE_ALGORITHMS: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  [`${MORE}rsa-sha256`, { key: 'rsa', hash: 'sha256' }],
  [`${MORE}rsa-sha384`, { key: 'rsa', hash: 'sha384' }],
  [`${MORE}rsa-sha512`, { key: 'rsa', hash: 'sha512' }],
  ['http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1', { key: 'rsa', hash: 'sha256', isPss: true }],
  [`${MORE}ecdsa-sha256`, { key: 'ec', hash: 'sha256' }],
  [`${MORE}ecdsa-sha384`, { key: 'ec', hash: 'sha384' }],
  [`${MORE}ecdsa-sha512`, { key: 'ec', hash: 'sha512' }],
])

export const DIGEST_ALGORITHMS: ReadonlyMap<string, 'sha256' | 'sha384' | 'sha512'> = new Map([
  ['http://www.w3.org/2001/04/xmlenc#sha256', 'sha256'],
  [`${MORE}sha384`, 'sha384'],
  ['http://www.w3.org/2001/04/xmlenc#sha512', 'sha512'],
])

export const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'
export const EXCLUSIVE_C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#'

export function digestOf(hash: string, data: string): string {
  return createHash(hash).update(data, 'utf8').digest('base64')
}

/** Whether it is the signature of these octets. False for a key of another type than the algorithm's: nothing falls back. */
export function isSignatureOf(
  data: string,
  signature: Buffer,
  { algorithm, key }: { readonly algorithm: SignatureAlgorithm; readonly key: KeyObject },
): boolean {
  if (key.asymmetricKeyType !== algorithm.key) return false
  const octets = Buffer.from(data, 'utf8')
  // RFC 9231 §2.3.6: r and s, one after the other.
  if (algorithm.key === 'ec') return verify(algorithm.hash, octets, { key, dsaEncoding: 'ieee-p1363' }, signature)
  if (algorithm.isPss !== true) return verify(algorithm.hash, octets, key, signature)
  return verify(algorithm.hash, octets, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, signature)
}
