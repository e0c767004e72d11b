import { z } from 'zod'
import { conditionSchema } from './conditions.schema.ts'
import { policyHeading } from './policy-heading.schema.ts'
import { subjectSchema } from './subjects.schema.ts'

/** Names every partner there is. */
export const EVERY_PARTNER = '*'

export const partnerPolicySchema = z.strictObject({
  ...policyHeading,
  partners: z
    .array(z.string().min(1).max(1_024))
    .min(1)
    .describe('Ids as in `clients.yaml`: of OpenID clients and of SAML partners. `*` is every partner.'),
  effect: z.enum(['allow', 'deny']).default('allow').describe('What it comes to for whom it is about.'),
  subject: subjectSchema.describe('Whom the policy is about.'),
  condition: conditionSchema
    .optional()
    .describe('What must hold besides. Where a login can bring it about, the person is sent there first.'),
})

export type PartnerPolicyConfig = z.infer<typeof partnerPolicySchema>
