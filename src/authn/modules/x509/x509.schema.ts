import { z } from 'zod'
import { duration } from '../../../base/duration.schema.ts'
import { pemCertificates } from '../../../base/pem.schema.ts'

const webAddress = z.url({ protocol: /^https?$/ })
const domain = z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, 'write a domain in small letters')

const authority = z.strictObject({
  certificate: pemCertificates.describe('PEM certificate of the authority; usually `${file:…}`.'),
  proof: pemCertificates
    .optional()
    .describe(
      'PEM certificate that the authority has issued for the common name that `check` prints: it shows that who configures the authority may use it. Until then no certificate of it is accepted.',
    ),
  domains: z
    .array(domain)
    .min(1)
    .optional()
    .describe('The only domains that e-mail addresses and UPNs in its certificates may have.'),
})

const revocation = z.strictObject({
  crls: z
    .array(z.string().includes('-----BEGIN X509 CRL-----'))
    .default([])
    .describe('Revocation lists (CRL) in PEM; usually `${file:…}`.'),
  crlUrls: z
    .array(webAddress)
    .default([])
    .describe('Addresses of revocation lists; read again after an hour, and kept until their `nextUpdate`.'),
  ocsp: webAddress.optional().describe('Address of the OCSP responder (RFC 6960) that is asked for every certificate.'),
  ocspFromCertificate: z
    .array(webAddress)
    .default([])
    .describe(
      'Origins of responders that a certificate may name itself (AIA), such as `http://ocsp.example.com`. All other addresses in certificates are never asked.',
    ),
  requireNonce: z
    .boolean()
    .default(true)
    .describe('Whether a responder has to repeat our nonce; without it an old answer counts until its `nextUpdate`.'),
  unknown: z
    .enum(['refuse', 'accept'])
    .default('refuse')
    .describe('What becomes of a certificate of which no list and no responder can say whether it is revoked.'),
  timeout: duration('5s').describe('Longest wait for a list or a responder.'),
  maxBytes: z
    .number()
    .int()
    .min(1_024)
    .max(67_108_864)
    .default(4_194_304)
    .describe('Largest list or answer that is read.'),
})

export const x509Schema = z.strictObject({
  type: z
    .literal('x509')
    .describe(
      'A client certificate (RFC 5280), shown to a listener with `clientCertificates` or named by a trusted proxy (`clientCertificateHeader`). Asks nothing: it passes or fails at once.',
    ),
  authLevel: z.number().int().min(0).default(2).describe('Level that a session reaches by it.'),
  multiFactor: z
    .boolean()
    .default(false)
    .describe(
      'Whether it proves two factors, as a card does that asks for its PIN. Else who began a login with it has to pass another module where a chain or an authentication policy wants a second factor.',
    ),
  authorities: z
    .record(z.string().regex(/^[a-zA-Z][\w-]{0,63}$/), authority)
    .refine((all) => Object.keys(all).length > 0, 'name an authority')
    .describe('The authorities whose certificates are accepted, by name.'),
  revocation: revocation.prefault({}).describe('How it is known that a certificate was revoked.'),
  expired: z
    .enum(['refuse', 'accept'])
    .default('refuse')
    .describe('Whether a certificate that has expired is still accepted. It is judged as of its last second then.'),
  user: z
    .strictObject({
      from: z
        .enum([
          'subject:CN',
          'subject:UID',
          'subject:emailAddress',
          'subject:serialNumber',
          'email',
          'upn',
          'uri',
          'fingerprint',
        ])
        .describe(
          'What of the certificate names the user: an attribute of the subject, the one e-mail address, UPN or URI of its alternative names, or its SHA-256 fingerprint in small hexadecimal letters.',
        ),
      is: z
        .string()
        .regex(/^[a-zA-Z][\w-]{0,63}$/)
        .default('username')
        .describe(
          'What it is of the user: `id`, `username` or the name of an attribute, such as `mail` or `externalId`.',
        ),
    })
    .describe('Whose certificate it is. The values must be equal, and be those of one user alone.'),
})

export type X509Config = z.infer<typeof x509Schema>
export type RevocationConfig = X509Config['revocation']
