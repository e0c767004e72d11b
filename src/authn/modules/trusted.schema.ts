import { z } from 'zod'
import { hashedSecret, ownCertificates, ownNetworks } from '../../http/program-credentials.schema.ts'

const party = z
  .strictObject({
    secret: hashedSecret.describe(
      'argon2id hash of its secret, which it sends as `Authorization: Basic NAME:SECRET` (RFC 7617).',
    ),
    certificates: ownCertificates,
    networks: ownNetworks.describe('Addresses and networks that it may call from. From everywhere where absent.'),
    groups: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('It speaks for members of one of these groups only. For everybody in the realm where absent.'),
  })
  .refine(
    ({ secret, certificates }) => (secret === undefined) !== (certificates === undefined),
    'give it either a secret or certificates',
  )

export const trustedSchema = z.strictObject({
  type: z
    .literal('trusted')
    .describe(
      'A server that is named here says who somebody is (DirX Access: Trusted), in the header `X-Asserted-User` of a request to the login page, and proves which server it is. Asks nothing: it passes or fails at once.',
    ),
  authLevel: z.number().int().min(0).default(1).describe('Level that a session reaches by it.'),
  parties: z
    .record(z.string().regex(/^[a-zA-Z][\w.-]{0,63}$/), party)
    .refine((all) => Object.keys(all).length > 0, 'name a server')
    .describe(
      'The servers whose word counts in this realm, by name. Whoever holds what one proves itself with is anybody here.',
    ),
  user: z
    .strictObject({
      is: z
        .string()
        .regex(/^[a-zA-Z][\w-]{0,63}$/)
        .default('username')
        .describe('What they name of the user: `id`, `username` or the name of an attribute, such as `mail`.'),
    })
    .prefault({})
    .describe('Whom they name. The values must be equal, and be those of one user alone.'),
})

export type TrustedConfig = z.infer<typeof trustedSchema>
export type PartyConfig = TrustedConfig['parties'][string]
