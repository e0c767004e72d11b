import { z } from 'zod'
import { duration } from '../../base/duration.schema.ts'
import { entityId, metadataFields, sourceProblem } from '../saml/partner.schema.ts'

/** Where what a partner is told comes from. */
export const accountSource = z
  .string()
  .regex(
    /^(?:username|userId|groups|attribute:[A-Za-z][\w;-]{0,63})$/,
    'write username, userId, groups or attribute:NAME',
  )

const attributeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\x21-\x7e]{1,256}$/, 'write up to 256 characters without blanks')
    .describe('What the partner calls it (`Name`).'),
  friendlyName: z.string().min(1).max(128).optional().describe('For people (`FriendlyName`).'),
  format: z
    .enum(['basic', 'uri', 'unspecified'])
    .optional()
    .describe('`NameFormat`; without it `uri` for names that begin with `urn:` or `http`, `basic` for others.'),
  from: accountSource.describe(
    '`username`, `userId`, `groups`, or `attribute:NAME` of the directory. All its values are told.',
  ),
})

const serviceProviderSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'write up to 64 letters, digits, dots, hyphens and underscores')
      .describe('What it is called in policies, logs and addresses here.'),
    name: z.string().min(1).max(100).optional().describe('What people see it called; the id where absent.'),
    ...metadataFields,
    signedRequests: z
      .boolean()
      .optional()
      .describe(
        'Whether its requests have to be signed. Without it they have to be where its metadata says that they are (`AuthnRequestsSigned`).',
      ),
    sign: z
      .enum(['assertion', 'response', 'both'])
      .default('both')
      .describe('What is signed of an answer. Most partners look at one of the two, and take both.'),
    encrypt: z
      .boolean()
      .default(false)
      .describe(
        'Whether assertions are encrypted for it, and names in logouts that a browser takes to it; its metadata has to have a key for that.',
      ),
    nameId: z
      .strictObject({
        format: z
          .enum(['persistent', 'transient', 'email', 'unspecified'])
          .optional()
          .describe(
            'What people are called there where its request does not say: the first that its metadata names without it, `persistent` where that names none. `persistent`: a name that is good there alone, always the same; `transient`: another one each session; `email`: the address; `unspecified`: what `from` says.',
          ),
        from: accountSource.default('username').describe('What `unspecified` is.'),
      })
      .prefault({})
      .describe('How people are named (`NameID`).'),
    attributes: z
      .array(attributeSchema)
      .max(50)
      .optional()
      .describe(
        'What it is told of people. Without it `uid`, `mail`, `displayName`, `givenName`, `sn` and `groups`, as far as they are there; `[]` is nothing.',
      ),
    idpInitiated: z
      .boolean()
      .default(false)
      .describe(
        'Whether a link here may sign people in there without a request of its own. Then anybody can sign people in there by a link: a login that nobody asked for.',
      ),
    relayStates: z
      .array(z.string().min(1).max(80))
      .max(50)
      .default([])
      .describe(
        'What such a link may have in `RelayState`, letter for letter; where it goes there is for the partner to say.',
      ),
    assertionTTL: duration('5m')
      .refine((ms) => ms >= 30_000 && ms <= 3_600_000, 'between 30s and 1h')
      .describe('How long after it was made an assertion may be used.'),
    disabled: z.boolean().default(false).describe('A disabled partner is none.'),
  })
  .superRefine((partner, context) => {
    const wrong = sourceProblem(partner)
    if (wrong !== undefined) context.addIssue({ code: 'custom', path: [wrong.path], message: wrong.message })
    if (partner.relayStates.length > 0 && !partner.idpInitiated)
      context.addIssue({ code: 'custom', path: ['relayStates'], message: 'this is for links (idpInitiated: true)' })
  })

/** `saml` of clients.yaml. */
export const samlSchema = z.strictObject({
  entityId: entityId
    .optional()
    .describe('What partners call the realm. Without it the address of its metadata, `LOGIN/saml2/REALM/metadata`.'),
  serviceProviders: z
    .array(serviceProviderSchema)
    .max(1_000)
    .prefault([])
    .describe('Applications that sign people in by SAML 2.0.'),
})

export type SamlConfig = z.infer<typeof samlSchema>
export type ServiceProviderConfig = SamlConfig['serviceProviders'][number]
