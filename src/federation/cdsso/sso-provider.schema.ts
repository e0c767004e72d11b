import { z } from 'zod'
import { duration } from '../../base/duration.schema.ts'
import { safeUrl } from '../oidc-rp/providers.schema.ts'

const claimName = z.string().min(1).max(128)

/** `ssoProvider` of realm.yaml: the people of the realm are those of a provider elsewhere. */
export const ssoProviderSchema = z
  .strictObject({
    issuer: safeUrl.describe(
      'Its issuer, exactly as it writes it, such as `https://login.example.com/oauth2/realms/root/realms/employees`. It needs discovery and an introspection endpoint.',
    ),
    authorization: safeUrl
      .optional()
      .describe('Where people sign in; `/authorize` below the issuer where absent, as Gatehouse has it.'),
    clientId: z
      .string()
      .min(1)
      .max(512)
      .optional()
      .describe('What it calls this gateway. Where absent each agent is a client of its own, called by its id.'),
    clientSecret: z
      .string()
      .min(16)
      .optional()
      .describe(
        'The secret of that client, or of all these: `${env:NAME}` or `${file:PATH}`. Either this or `clientKey`.',
      ),
    clientKey: z
      .string()
      .startsWith('-----BEGIN PRIVATE KEY-----', 'write a PKCS#8 key in PEM: `${file:PATH}`')
      .optional()
      .describe('Or a private key, PKCS#8 in PEM, by which the gateway proves itself (`private_key_jwt`).'),
    clientKeyId: z.string().min(1).max(128).optional().describe('The `kid` under which it knows that key.'),
    clientKeyAlgorithm: z
      .enum(['RS256', 'PS256', 'ES256', 'EdDSA'])
      .default('ES256')
      .describe('What the key signs with.'),
    algorithm: z
      .enum(['RS256', 'PS256', 'ES256', 'EdDSA'])
      .default('ES256')
      .describe('The `alg` of its tokens; any other is refused. Agents of Gatehouse get `ES256`.'),
    hosts: z
      .array(z.string().regex(/^[a-z0-9.-]{1,253}$/))
      .max(16)
      .prefault([])
      .describe('Hosts besides the issuer’s that its endpoints may have inside this network.'),
    scopes: z
      .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/))
      .max(32)
      .prefault(['openid', 'profile', 'email', 'groups'])
      .refine((scopes) => scopes.includes('openid'), 'openid has to be among them')
      .describe('What it is asked for.'),
    claims: z
      .strictObject({
        username: claimName.default('preferred_username').describe('The claim that is the name.'),
        groups: claimName.default('groups').describe('The claim with the groups: a list of texts.'),
        attributes: z
          .record(z.string().regex(/^[a-zA-Z][\w-]{0,63}$/), claimName)
          .prefault({ mail: 'email', displayName: 'name' })
          .describe('Claims that are attributes.'),
      })
      .prefault({})
      .describe('Who somebody is, by the claims of the ID token and of the userinfo endpoint. `sub` is the id.'),
    acr: z
      .array(
        z.strictObject({
          name: claimName.describe('`acr`.'),
          level: z.int().min(0).max(9_999).describe('The authLevel that it stands for.'),
        }),
      )
      .max(50)
      .default([])
      .describe('What its `acr` stand for. A number stands for itself, and anything else for 0.'),
    recheck: duration('10s')
      .refine((ms) => ms >= 1_000 && ms <= 600_000, 'write between 1s and 10m')
      .describe(
        'How long a session is taken for good without asking the provider. Its logout counts at once; this is for when word of it is lost.',
      ),
    grace: duration('15s')
      .refine((ms) => ms <= 600_000, 'write 10m at most')
      .describe('How much longer, while the provider cannot be asked. After that requests are answered with 503.'),
    timeout: duration('5s').describe('Longest wait for an answer of it.'),
    clockTolerance: duration('5s')
      .refine((ms) => ms <= 300_000, 'five minutes at most')
      .describe('How far its clock may be off, five minutes at most.'),
  })
  .refine(
    ({ clientSecret, clientKey }) => (clientSecret === undefined) !== (clientKey === undefined),
    'give either `clientSecret` or a `clientKey`',
  )
  .optional()

export type SsoProviderConfig = NonNullable<z.infer<typeof ssoProviderSchema>>
