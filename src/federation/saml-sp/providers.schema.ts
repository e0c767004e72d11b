import { z } from 'zod'
import { duration } from '../../base/duration.schema.ts'
import { accountFields, claimName, isSomebody, NOBODY } from '../account-rules.schema.ts'
import { metadataFields, sourceProblem } from '../saml/partner.schema.ts'

export const samlProviderSchema = z
  .strictObject({
    type: z.literal('saml').describe('A SAML 2.0 identity provider.'),
    ...metadataFields,
    ...accountFields,
    binding: z
      .enum(['redirect', 'post'])
      .default('redirect')
      .describe('How people take requests there, where its metadata has both: in an address, or in a form.'),
    nameIdFormat: z
      .enum(['persistent', 'email', 'transient', 'unspecified'])
      .optional()
      .describe(
        'The form of name that it is asked for, and has to answer with, unless that is `unspecified` or `subject` is set; whichever it likes where absent.',
      ),
    subject: claimName
      .optional()
      .describe(
        'The attribute that is `sub`: what it never gives to anybody else. The NameID where absent, which must not be transient then.',
      ),
    signed: z
      .enum(['assertion', 'response', 'either', 'both'])
      .default('assertion')
      .describe('What of its answers has to be signed.'),
    unsolicited: z
      .boolean()
      .default(false)
      .describe(
        'Whether people may come from a page of its own, without having asked here (IdP-initiated). Whoever can sign in there can then sign in the browsers of others as themselves.',
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
  .refine(isSomebody, NOBODY)

export type SamlProviderConfig = z.infer<typeof samlProviderSchema>
