import { z } from 'zod'
import { duration } from '../../base/duration.schema.ts'
import { clientKeyFields } from '../oidc-rp/client-key.schema.ts'
import { safeUrl } from '../oidc-rp/providers.schema.ts'
import { metadataFields, sourceProblem } from '../saml/partner.schema.ts'

const claimName = z.string().min(1).max(128)

const acrOf = (name: string) =>
  z
    .array(
      z.strictObject({
        name: claimName.describe(name),
        level: z.int().min(0).max(9_999).describe('The authLevel that it stands for.'),
      }),
    )
    .max(50)
    .default([])

const attributesOf = (usual: Readonly<Record<string, string>>) =>
  z.record(z.string().regex(/^[a-zA-Z][\w-]{0,63}$/), claimName).prefault(usual)

const openIdSchema = z
  .strictObject({
    type: z.literal('oidc').optional().describe('An OpenID provider; this is what one without a type is.'),
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
    ...clientKeyFields,
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
        attributes: attributesOf({ mail: 'email', displayName: 'name' }).describe('Claims that are attributes.'),
      })
      .prefault({})
      .describe('Who somebody is, by the claims of the ID token and of the userinfo endpoint. `sub` is the id.'),
    acr: acrOf('`acr`.').describe('What its `acr` stand for. A number stands for itself, and anything else for 0.'),
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

const samlSchema = z
  .strictObject({
    type: z.literal('saml').describe('A SAML 2.0 identity provider.'),
    ...metadataFields,
    nameIdFormat: z
      .enum(['persistent', 'email', 'unspecified'])
      .optional()
      .describe(
        'The form of name that it is asked for, and has to answer with, unless that is `unspecified` or `claims.id` is set; whichever it likes where absent.',
      ),
    signed: z
      .enum(['assertion', 'response', 'either', 'both'])
      .default('assertion')
      .describe('What of its answers has to be signed.'),
    claims: z
      .strictObject({
        id: claimName
          .optional()
          .describe(
            'The attribute that is the id: what it never gives to anybody else. The NameID where absent, which must not be transient then, and as a rule is another one at each site.',
          ),
        username: claimName.default('uid').describe('The attribute that is the name; the id where there is none.'),
        groups: claimName.default('groups').describe('The attribute with the groups.'),
        attributes: attributesOf({ mail: 'mail', displayName: 'displayName' }).describe(
          'Its attributes that are attributes here.',
        ),
      })
      .prefault({})
      .describe('Who somebody is, by the attributes of the assertion.'),
    acr: acrOf('`AuthnContextClassRef`.').describe(
      'What its classes of authentication contexts stand for, and what a level is asked for by. A class that is not here stands for 0.',
    ),
    recheck: duration('60m')
      .refine((ms) => ms >= 60_000, 'write 1m at least')
      .describe(
        'How long a session goes on at most until the browser is sent to the provider again, which asks nobody while its own session lives. A logout there counts at once; this is for when word of it is lost.',
      ),
    clockTolerance: duration('5s')
      .refine((ms) => ms <= 300_000, 'five minutes at most')
      .describe('How far its clock may be off, five minutes at most.'),
  })
  .superRefine((provider, context) => {
    const problem = sourceProblem(provider)
    if (problem !== undefined)
      context.addIssue({ code: 'custom', path: [problem.path], message: problem.message, input: provider })
  })

/** `ssoProvider` of realm.yaml: the people of the realm are those of a provider elsewhere. */
export const ssoProviderSchema = z.discriminatedUnion('type', [openIdSchema, samlSchema]).optional()

export type OpenIdSsoConfig = z.infer<typeof openIdSchema>
export type SamlSsoConfig = z.infer<typeof samlSchema>
