import { X509Certificate } from 'node:crypto'
import { decodeAttestationObject, isoCBOR } from '@simplewebauthn/server/helpers'

/** Which keys may be set up. */
export interface AttestationPolicy {
  readonly kind: 'none' | 'direct'
  /** Of makers; one of them has to end the chain. */
  readonly roots: readonly X509Certificate[]
  /** Models, lower case; any where `undefined`. */
  readonly aaguids: ReadonlySet<string> | undefined
}

/** Formats whose certificates end at a root that we are given; the others' would make the library ask the network for lists. */
const CERTIFIED = new Set(['packed', 'fido-u2f', 'tpm'])
const LONGEST_CHAIN = 5

/**
 * What the library shall look at at all: one CBOR item as CTAP2 §8 writes it (nothing cut off, nothing behind it, one spelling), of a
 * format that the policy takes. Browsers replace a maker's attestation by `none` when it is not wanted, except a key's own.
 */
export function isAcceptableFormat(attestationObject: Uint8Array<ArrayBuffer>, { kind }: AttestationPolicy): boolean {
  try {
    const decoded = decodeAttestationObject(attestationObject)
    const again = Buffer.from(isoCBOR.encode(isoCBOR.decodeFirst(attestationObject)))
    if (!again.equals(attestationObject)) return false
    const hasCertificates = decoded.get('attStmt').get('x5c') !== undefined
    const format = decoded.get('fmt')
    if (kind === 'direct') return hasCertificates && CERTIFIED.has(format)
    return !hasCertificates && (format === 'none' || format === 'packed')
  } catch {
    return false
  }
}

/**
 * The root of the maker, by its SHA-256 fingerprint, where the policy wants one and trusts this one; `undefined` else. The library has
 * checked the signature with the first certificate.
 */
export function makerOf(
  attestationObject: Uint8Array<ArrayBuffer>,
  { kind, roots }: AttestationPolicy,
  now: Date,
): string | undefined {
  if (kind === 'none') return undefined
  const certificates = decodeAttestationObject(attestationObject).get('attStmt').get('x5c') ?? []
  if (certificates.length > LONGEST_CHAIN) return undefined
  try {
    const chain = certificates.map((der) => new X509Certificate(der))
    return rootOf(chain, roots, now)?.fingerprint256
  } catch {
    return undefined
  }
}

/** What is known of a key's make since it was set up. */
export interface Make {
  /** Of `makerOf`. */
  readonly attestedBy?: string
  /** Model. */
  readonly aaguid: string
}

/** Whether a policy takes the key: a key that was set up under another one, too. */
export function isTrusted({ attestedBy, aaguid }: Make, { kind, roots, aaguids }: AttestationPolicy): boolean {
  if (kind === 'none') return true
  return roots.some(({ fingerprint256 }) => fingerprint256 === attestedBy) && aaguids?.has(aaguid) !== false
}

/** RFC 5280 §6.1, as far as chains of authenticators go: issued, signed and valid, step by step, by certificates of authorities. */
function rootOf(
  chain: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  now: Date,
): X509Certificate | undefined {
  for (const [i, certificate] of chain.entries()) {
    if (!isValid(certificate, now)) return undefined
    const found = roots.find(
      (root) => isValid(root, now) && (root.raw.equals(certificate.raw) || isIssuer(root, certificate)),
    )
    if (found !== undefined) return found
    const next = chain[i + 1]
    if (next === undefined || !isIssuer(next, certificate)) return undefined
  }
  return undefined
}

function isIssuer(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function isValid({ validFromDate, validToDate }: X509Certificate, now: Date): boolean {
  return validFromDate <= now && now <= validToDate
}
