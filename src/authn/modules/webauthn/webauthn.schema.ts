import { z } from 'zod'
import { duration } from '../../../base/duration.schema.ts'
import { pemCertificates } from '../../../base/pem.schema.ts'

export const webauthnSchema = z
  .strictObject({
    type: z
      .literal('webauthn')
      .describe('A passkey or a security key (WebAuthn). People may have several, each with a name.'),
    authLevel: z
      .number()
      .int()
      .min(0)
      .default(2)
      .describe('Level that a session reaches by it, also when the login begins with it.'),
    use: z
      .enum(['either', 'first', 'second'])
      .default('either')
      .describe(
        'With `either` and `first` a login may begin with it, and it always checks its owner by PIN, finger or face. `second`: only after another proof; keys without a PIN will do, see `userVerification`.',
      ),
    multiFactor: z
      .boolean()
      .default(false)
      .describe(
        'Whether a login that began with it has proved two factors: possession, and PIN, finger or face. Then it is not asked for again where a chain or an authentication policy names it as the second.',
      ),
    userVerification: z
      .enum(['required', 'preferred', 'discouraged'])
      .default('required')
      .describe('Whether a key with `use: second` has to check its owner; with any other use it always has to.'),
    algorithms: z
      .array(z.enum(['ES256', 'EdDSA', 'RS256']))
      .min(1)
      .default(['ES256', 'EdDSA', 'RS256'])
      .describe('Signature algorithms of keys that are set up, the preferred first.'),
    attestation: z
      .enum(['none', 'direct'])
      .default('none')
      .describe(
        '`direct`: only models that prove their make with a certificate of `attestationRoots` are set up, and no other key counts, whichever module set it up.',
      ),
    attestationRoots: z
      .array(pemCertificates)
      .default([])
      .describe('Certificates of makers, each in PEM, for `attestation: direct`.'),
    aaguids: z
      .array(z.guid().toLowerCase())
      .optional()
      .describe('Models that may be set up, by AAGUID, with `attestation: direct`. Any where absent.'),
    signCounter: z
      .enum(['refuse', 'ignore'])
      .default('refuse')
      .describe(
        'What happens to a key whose counter of signatures did not go up: there may be a copy of it. Passkeys that are synchronised do not count.',
      ),
    timeout: duration('5m').describe('How long a challenge is good for.'),
  })
  .refine(({ attestation, attestationRoots }) => attestation === 'none' || attestationRoots.length > 0, {
    path: ['attestationRoots'],
    message: 'attestation: direct needs the certificates of the makers that are trusted',
  })
  .refine(({ attestation, aaguids }) => attestation === 'direct' || aaguids === undefined, {
    path: ['aaguids'],
    message: 'without attestation: direct anybody may claim any model; set it, or leave aaguids away',
  })

export type WebauthnConfig = z.infer<typeof webauthnSchema>
