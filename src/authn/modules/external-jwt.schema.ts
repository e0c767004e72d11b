import { z } from 'zod'
import { duration } from '../../base/duration.schema.ts'
import { pemCertificates } from '../../base/pem.schema.ts'

/** Signatures by public keys alone: with a secret, whoever can check a token can make one. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

const signer = z
  .strictObject({
    issuer: z.string().min(1).max(512).describe('The `iss` of its tokens, exactly.'),
    jwks: z
      .url({ protocol: /^https?$/ })
      .refine(isSafe, 'write an https address; http is for this machine only')
      .optional()
      .describe(
        'Address of its keys (RFC 7517), kept for ten minutes; a key that is not there has them read again, twice a minute at most.',
      ),
    certificate: pemCertificates.optional().describe('Or the PEM certificate of its key, good until it expires.'),
    audience: z
      .string()
      .min(1)
      .max(512)
      .describe('What has to be the `aud`: a name for this realm that no other service has.'),
    algorithms: z.array(z.enum(ALGORITHMS)).min(1).default(['RS256', 'ES256']).describe('The `alg` that are accepted.'),
    user: z
      .strictObject({
        claim: z.string().min(1).max(64).default('sub').describe('The claim that names the user, a text.'),
        is: z
          .string()
          .regex(/^[a-zA-Z][\w-]{0,63}$/)
          .default('id')
          .describe('What it is of the user: `id`, `username` or the name of an attribute, such as `externalId`.'),
      })
      .prefault({})
      .describe('Whose token it is. The values must be equal, and be those of one user alone.'),
  })
  .refine(
    ({ jwks, certificate }) => (jwks === undefined) !== (certificate === undefined),
    'name either its keys (`jwks`) or its certificate',
  )

export const externalJwtSchema = z.strictObject({
  type: z
    .literal('externalJwt')
    .describe(
      'A token of another issuer (RFC 7519), sent as `Authorization: Bearer` to the login page. Asks nothing: it passes or fails at once.',
    ),
  authLevel: z.number().int().min(0).default(1).describe('Level that a session reaches by it.'),
  multiFactor: z
    .boolean()
    .default(false)
    .describe(
      'Whether its signers have asked for two factors. Else who began a login with it has to pass another module where a chain or an authentication policy wants a second factor.',
    ),
  signers: z.array(signer).min(1).max(20).describe('Whose tokens are accepted; each has an issuer of its own.'),
  clockTolerance: duration('5s')
    .refine((ms) => ms <= 300_000, 'five minutes at most')
    .describe('How far the clocks of signers may be off, five minutes at most.'),
  timeout: duration('5s').describe('Longest wait for the keys of a signer.'),
})

/** Keys that anybody on the way can exchange are nobody's. */
function isSafe(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

export type ExternalJwtConfig = z.infer<typeof externalJwtSchema>
export type SignerConfig = ExternalJwtConfig['signers'][number]
