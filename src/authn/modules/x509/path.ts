import type { PathFault } from './certificate-fault.ts'
import type { Certificate, KeyUsage } from '../../../crypto/x509/certificate.ts'
import { mayName } from '../../../crypto/x509/name-constraints.ts'
import { isSignedBy, isStrongKey } from '../../../crypto/x509/signature.ts'

/** From the person's certificate to one of an authority. */
export interface CertificatePath {
  /** The leaf first; without the authority. */
  readonly certificates: readonly [Certificate, ...Certificate[]]
  readonly authority: Certificate
}

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const ANY_PURPOSE = '2.5.29.37.0'
/** Signatures checked for one login: cross-signed authorities would have us try every way through them. */
const MOST_SIGNATURES = 30

export interface PathInput {
  readonly leaf: Certificate
  /** Sent along, in any order. */
  readonly others: readonly Certificate[]
  readonly authorities: readonly Certificate[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

/**
 * Builds the paths from the leaf to an authority and validates each by RFC 5280 §6.1: the first that holds counts, else the fault of
 * the first that there is.
 */
export function findPath({ leaf, others, authorities, now }: PathInput): CertificatePath | PathFault {
  let fault: PathFault | undefined
  for (const path of paths(leaf, others, authorities)) {
    const found = faultIn(path, now)
    if (found === undefined) return path
    fault ??= found
  }
  return fault ?? 'certificate-untrusted'
}

function* paths(
  leaf: Certificate,
  others: readonly Certificate[],
  authorities: readonly Certificate[],
): Generator<CertificatePath> {
  let signatures = 0
  const issued = (by: Certificate, child: Certificate): boolean =>
    by.subject === child.issuer && signatures++ < MOST_SIGNATURES && isSignedBy(child.signed, by.key)
  const open: (readonly [Certificate, ...Certificate[]])[] = [[leaf]]
  for (let path = open.shift(); path !== undefined; path = open.shift()) {
    const last = path.at(-1) ?? leaf
    for (const authority of authorities) if (issued(authority, last)) yield { certificates: path, authority }
    for (const other of others) {
      if (!path.includes(other) && issued(other, last)) open.push([...path, other])
    }
  }
}

function faultIn({ certificates, authority }: CertificatePath, now: number): PathFault | undefined {
  const all = [...certificates, authority]
  if (all.some(({ notBefore }) => now < notBefore)) return 'certificate-not-yet-valid'
  if (all.some(({ notAfter }) => now > notAfter)) return 'certificate-expired'
  const isFit =
    all.every(({ key }) => isStrongKey(key)) &&
    isForSigningIn(certificates[0]) &&
    all.slice(1).every((issuer, i) => mayIssue(issuer, authoritiesBelow(all.slice(1, i + 1))))
  if (!isFit) return 'certificate-unfit'
  const isNamed = all.every((issuer, i) => all.slice(0, i).every((certificate) => mayName(issuer, certificate)))
  return isNamed ? undefined : 'certificate-name-not-permitted'
}

/** One that issued itself counts for nothing in a path's length (RFC 5280 §6.1.4 (l)). */
function authoritiesBelow(issuers: readonly Certificate[]): number {
  return issuers.filter(({ subject, issuer }) => subject !== issuer).length
}

/** RFC 5280 §6.1.4 (k) to (n). An authority that names purposes lends itself to no other. */
function mayIssue({ isAuthority, pathLength, keyUsage, purposes }: Certificate, below: number): boolean {
  const isForClients = purposes === undefined || purposes.has(CLIENT_AUTH) || purposes.has(ANY_PURPOSE)
  return isAuthority && below <= pathLength && allows(keyUsage, 'keyCertSign') && isForClients
}

/** A certificate that says nothing of its purpose may be one for mail or for a server: it has to say this one. */
function isForSigningIn({ isAuthority, keyUsage, purposes }: Certificate): boolean {
  const signs = allows(keyUsage, 'digitalSignature') || allows(keyUsage, 'keyAgreement')
  return !isAuthority && signs && purposes?.has(CLIENT_AUTH) === true
}

export function allows(keyUsage: Certificate['keyUsage'], usage: KeyUsage): boolean {
  return keyUsage?.has(usage) ?? true
}
