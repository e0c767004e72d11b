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

/** Whether the maker is one of those that the policy trusts. The library has checked the signature with the first certificate. */
export function isTrusted(
  { aaguid, attestationObject }: { readonly aaguid: string; readonly attestationObject: Uint8Array<ArrayBuffer> },
  { kind, roots, aaguids }: AttestationPolicy,
  now: Date,
): boolean {
  if (kind === 'none') return true
  if (aaguids?.has(aaguid) === false) return false
  const certificates = decodeAttestationObject(attestationObject).get('attStmt').get('x5c') ?? []
  if (certificates.length > LONGEST_CHAIN) return false
  try {
    return endsAtRoot(
      certificates.map((der) => new X509Certificate(der)),
      roots,
      now,
    )
  } catch {
    return false
  }
}

/** RFC 5280 §6.1, as far as chains of authenticators go: issued, signed and valid, step by step, by certificates of authorities. */
function endsAtRoot(chain: readonly X509Certificate[], roots: readonly X509Certificate[], now: Date): boolean {
  for (const [i, certificate] of chain.entries()) {
    if (!isValid(certificate, now)) return false
    if (roots.some((root) => isValid(root, now) && (root.raw.equals(certificate.raw) || isIssuer(root, certificate)))) {
      return true
    }
    const next = chain[i + 1]
    if (next === undefined || !isIssuer(next, certificate)) return false
  }
  return false
}

function isIssuer(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function isValid({ validFromDate, validToDate }: X509Certificate, now: Date): boolean {
  return validFromDate <= now && now <= validToDate
}
