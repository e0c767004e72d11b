import type { X509Config } from '../../authn/modules/x509/x509.schema.ts'
import type * as authority from '../../crypto/x509/authority.ts'
import { loadPart } from '../../errors.ts'
import type { ConfigProblem } from '../snapshot.ts'
import type { SourceDocument } from '../source-document.ts'
import { errorIn, warningIn, type Check } from './check.ts'

/** Authorities that are not verified yet, with the name that each has to issue a certificate for, and modules that refuse everybody. */
export const checkCertificates: Check = async ({ realms }) => {
  const modules = realms.flatMap(({ realm }) => {
    if (realm === undefined) return []
    return Object.entries(realm.value.authentication.modules).flatMap(([name, config]) =>
      config.type === 'x509' ? [{ source: realm.source, path: ['authentication', 'modules', name], config }] : [],
    )
  })
  if (modules.length === 0) return []
  const reader = await loadPart('certificates', () => import('../../crypto/x509/authority.ts'))
  return modules.flatMap((each) => problemsOf(each, reader))
}

type Reader = typeof authority

interface NamedModule {
  readonly source: SourceDocument
  readonly path: readonly string[]
  readonly config: X509Config
}

function problemsOf({ source, path, config }: NamedModule, reader: Reader): readonly ConfigProblem[] {
  const authorities = Object.entries(config.authorities).flatMap(([name, authority]) =>
    problemOf({ source, path: [...path, 'authorities', name] }, authority, reader),
  )
  const { crls, crlUrls, ocsp, ocspFromCertificate, unknown } = config.revocation
  const isKnown = crls.length + crlUrls.length + ocspFromCertificate.length > 0 || ocsp !== undefined
  if (isKnown || unknown === 'accept') return authorities
  const text =
    'nothing says which certificates were revoked, so none is accepted; name a list or a responder under revocation'
  return [...authorities, warningIn(source, path, text)]
}

function problemOf(
  { source, path }: Pick<NamedModule, 'source' | 'path'>,
  { certificate: pem, proof }: X509Config['authorities'][string],
  { authorityIn, provesUse, verificationName }: Reader,
): readonly ConfigProblem[] {
  try {
    const certificate = authorityIn(pem)
    if (proof !== undefined && provesUse(certificate, proof)) return []
    const name = verificationName(certificate)
    const text = `the authority is not verified, so no certificate of it is accepted; have it issue one for the common name ${name}, and give that as proof`
    return [warningIn(source, path, text)]
  } catch (error) {
    return [errorIn(source, path, error instanceof Error ? error.message : 'the certificate cannot be read')]
  }
}
