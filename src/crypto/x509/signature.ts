import { verify, type KeyObject } from 'node:crypto'

/** Signature algorithms that count, by OID. SHA-1 and MD5 can be forged. */
const ALGORITHMS: ReadonlyMap<string, { readonly hash: string | null; readonly key: string }> = new Map([
  ['1.2.840.113549.1.1.11', { hash: 'sha256', key: 'rsa' }],
  ['1.2.840.113549.1.1.12', { hash: 'sha384', key: 'rsa' }],
  ['1.2.840.113549.1.1.13', { hash: 'sha512', key: 'rsa' }],
  ['1.2.840.10045.4.3.2', { hash: 'sha256', key: 'ec' }],
  ['1.2.840.10045.4.3.3', { hash: 'sha384', key: 'ec' }],
  ['1.2.840.10045.4.3.4', { hash: 'sha512', key: 'ec' }],
  ['1.3.101.112', { hash: null, key: 'ed25519' }],
])

const CURVES: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
const SHORTEST_RSA_BITS = 2_048
/** Checking a signature by a key of 16384 bits takes as long as a hundred others. */
const LONGEST_RSA_BITS = 8_192

export interface Signed {
  /** Of the algorithm. */
  readonly oid: string
  readonly tbs: Uint8Array
  readonly signature: Uint8Array
}

export function isKnownAlgorithm(oid: string): boolean {
  return ALGORITHMS.has(oid)
}

export function isStrongKey(key: KeyObject): boolean {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {}
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return modulusLength >= SHORTEST_RSA_BITS && modulusLength <= LONGEST_RSA_BITS
    case 'ec':
      return CURVES.has(namedCurve)
    default:
      return key.asymmetricKeyType === 'ed25519'
  }
}

/** False for a wrong signature, and for every algorithm or key that does not count. */
export function isSignedBy({ oid, tbs, signature }: Signed, key: KeyObject): boolean {
  const algorithm = ALGORITHMS.get(oid)
  if (algorithm === undefined || algorithm.key !== key.asymmetricKeyType || !isStrongKey(key)) return false
  try {
    return verify(algorithm.hash, tbs, key, signature)
  } catch {
    return false
  }
}
