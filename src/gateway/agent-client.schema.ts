import { z } from 'zod'
import { hashedSecret } from '../http/program-credentials.schema.ts'

/** How a gateway elsewhere that stands in front of a site proves to its provider who it is. */
export const agentClientSchema = z
  .strictObject({
    secret: z
      .string()
      .min(16, 'write at least 16 characters; `openssl rand -base64 32` makes a good one')
      .max(512)
      .optional()
      .describe('Its secret, `${file:…}` or `${env:…}`.'),
    secretHash: hashedSecret.describe('Or the hash of its secret, from `gatehouse hash-password`.'),
    jwks: z
      .strictObject({
        keys: z
          .array(z.looseObject({ kty: z.enum(['RSA', 'EC', 'OKP']).describe('Kind of key.') }))
          .min(1)
          .max(20)
          .describe('Public keys.'),
      })
      .refine(({ keys }) => !keys.some((key) => 'd' in key), 'this is a private key; write its public half')
      .optional()
      .describe('Or its public keys (RFC 7517), for `private_key_jwt`.'),
  })
  .refine(
    (proofs) => Object.values(proofs).filter((each) => each !== undefined).length === 1,
    'set one of secret, secretHash and jwks',
  )
  .optional()
  .describe(
    'For `sso: oidc` without `upstream`: a gateway elsewhere stands in front of the site, and is a client of the realm’s provider by this profile. See docs/cdsso.md.',
  )
