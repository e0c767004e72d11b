import { InfoAccess } from 'pkijs'
import type { Clock } from '../../../base/clock.ts'
import { parsed, type Certificate } from '../../../crypto/x509/certificate.ts'
import type { CertificatePath } from './path.ts'
import { askResponder } from './responder.ts'
import { createRevocationLists, type Revocation } from './revocation-list.ts'
import type { RevocationConfig } from './x509.schema.ts'

const INFO_ACCESS = '1.3.6.1.5.5.7.1.1'
const OCSP = '1.3.6.1.5.5.7.48.1'
const URI = 6

/** Whether any certificate of a validated path was revoked. Never rejects: what cannot be learned is `unknown`. */
export function createRevocationCheck(
  config: RevocationConfig,
  clock: Clock,
): (path: CertificatePath) => Promise<Revocation> {
  const limits = { timeoutMs: config.timeout, maxBytes: config.maxBytes }
  const lists = createRevocationLists(config.crls, config.crlUrls, { clock, limits })
  const origins = new Set(config.ocspFromCertificate.map((url) => new URL(url).origin))

  const statusOf = async (certificate: Certificate, issuer: Certificate): Promise<Revocation> => {
    const listed = await lists.statusOf(certificate, issuer)
    const url = config.ocsp ?? responderOf(certificate, origins)
    if (listed === 'revoked' || url === undefined) return listed
    const { requireNonce } = config
    const answered = await askResponder({ certificate, issuer, url, requireNonce, limits, now: clock() })
    return answered === 'unknown' ? listed : answered
  }
  return async ({ certificates, authority }) => {
    const issuers = [...certificates.slice(1), authority]
    const all = await Promise.all(certificates.map((each, i) => statusOf(each, issuers[i] ?? authority)))
    if (all.includes('revoked')) return 'revoked'
    return all.includes('unknown') ? 'unknown' : 'good'
  }
}

/** Only at an origin that the configuration names: whoever can have a certificate issued would choose what we connect to (SSRF). */
function responderOf({ asn1 }: Certificate, origins: ReadonlySet<string>): string | undefined {
  if (origins.size === 0) return undefined
  const named = parsed(asn1, INFO_ACCESS, InfoAccess)?.accessDescriptions.find(
    ({ accessMethod }) => accessMethod === OCSP,
  )
  const location = named?.accessLocation
  const value: unknown = location?.value
  if (location?.type !== URI || typeof value !== 'string' || !URL.canParse(value)) return undefined
  return origins.has(new URL(value).origin) ? value : undefined
}
