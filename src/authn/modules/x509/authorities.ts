import { sha256 } from '../../../crypto/sha256.ts'
import { readPem, type Certificate } from './certificate.ts'
import { nameIn } from './names.ts'
import { isSignedBy } from './signature.ts'
import type { X509Config } from './x509.schema.ts'

export interface Authority {
  readonly certificate: Certificate
  /** Domains of the addresses in its certificates; all where absent. */
  readonly domains: ReadonlySet<string> | undefined
}

/** The common name of the certificate that an authority issues to be verified: whoever has it issued may use the authority. */
export function verificationName({ fingerprint }: Certificate): string {
  return `gatehouse-${sha256(`authority ${fingerprint}`)}`
}

/** The authorities that have been verified; throws for a text that cannot be read. */
export function verifiedAuthorities(config: X509Config['authorities']): readonly Authority[] {
  return Object.values(config).flatMap(({ certificate: pem, proof, domains }) => {
    const certificate = authorityIn(pem)
    const isVerified = proof !== undefined && provesUse(certificate, proof)
    return isVerified ? [{ certificate, domains: domains && new Set(domains) }] : []
  })
}

export function authorityIn(pem: string): Certificate {
  const [certificate, ...more] = readPem(pem)
  if (certificate === undefined || more.length > 0) throw new Error('give one certificate an authority')
  if (!certificate.isAuthority) throw new Error('the certificate is not one of an authority')
  return certificate
}

/** Age and purpose do not matter: it is no certificate to sign in with. */
export function provesUse(authority: Certificate, proof: string): boolean {
  const [certificate] = readPem(proof)
  return (
    certificate !== undefined &&
    certificate.issuer === authority.subject &&
    isSignedBy(certificate.signed, authority.key) &&
    nameIn(certificate, 'subject:CN') === verificationName(authority)
  )
}
