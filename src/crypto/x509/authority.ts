import { sha256 } from '../sha256.ts'
import { readPem, type Certificate } from './certificate.ts'
import { isSignedBy } from './signature.ts'
import { subjectValues } from './subject.ts'

const COMMON_NAME = '2.5.4.3'

/** The common name of the certificate that an authority issues to be verified: whoever has it issued may use the authority. */
export function verificationName({ fingerprint }: Certificate): string {
  return `gatehouse-${sha256(`authority ${fingerprint}`)}`
}

/** Throws, with what is wrong, for a text that is not one certificate of an authority. */
export function authorityIn(pem: string): Certificate {
  const [certificate, ...more] = readPem(pem)
  if (certificate === undefined || more.length > 0) throw new Error('give one certificate an authority')
  if (!certificate.isAuthority) throw new Error('the certificate is not one of an authority')
  return certificate
}

/** Age and purpose do not matter: it is no certificate to sign in with. */
export function provesUse(authority: Certificate, proof: string): boolean {
  const [certificate] = readPem(proof)
  if (certificate?.issuer !== authority.subject || !isSignedBy(certificate.signed, authority.key)) return false
  const names = subjectValues(certificate, COMMON_NAME)
  return names?.length === 1 && names[0] === verificationName(authority)
}
