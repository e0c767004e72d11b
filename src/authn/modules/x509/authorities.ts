import { authorityIn, provesUse } from '../../../crypto/x509/authority.ts'
import type { Certificate } from '../../../crypto/x509/certificate.ts'
import type { X509Config } from './x509.schema.ts'

export interface Authority {
  readonly certificate: Certificate
  /** Domains of the addresses in its certificates; all where absent. */
  readonly domains: ReadonlySet<string> | undefined
}

/** The authorities that have been verified; throws for a text that cannot be read. */
export function verifiedAuthorities(config: X509Config['authorities']): readonly Authority[] {
  return Object.values(config).flatMap(({ certificate: pem, proof, domains }) => {
    const certificate = authorityIn(pem)
    const isVerified = proof !== undefined && provesUse(certificate, proof)
    return isVerified ? [{ certificate, domains: domains && new Set(domains) }] : []
  })
}
