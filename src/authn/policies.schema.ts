import { z } from 'zod'

const names = z.array(z.string().min(1)).min(1)

const authPolicySchema = z.strictObject({
  name: z.string().min(1).max(128).describe('Unique in the realm.'),
  users: names.optional().describe('Usernames that it is for, in the spelling of the directory.'),
  groups: names.optional().describe('Groups that it is for. Without `users` and `groups` it is for everybody.'),
  firstFactors: names
    .optional()
    .describe('Modules that these people may begin a login with. Any that a chain has, where absent.'),
  secondFactors: names
    .optional()
    .describe('Modules one of which they have to pass at every login, whatever the chain. None where absent.'),
  everyRequest: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Module of type `externalJwt` whose token these people have to send at the login and, as `Authorization: Bearer` beside their session, with every request to a site that needs a session: for programs, as browsers send none. Who has one module for each signer demands the tokens of that signer alone.',
    ),
})

export const authPoliciesSchema = z
  .array(authPolicySchema)
  .prefault([])
  .describe(
    'Which factors people may begin with and which they need besides. The first that is for a person counts: for a user before for a group, for a group before for everybody.',
  )

export type AuthPolicy = z.infer<typeof authPolicySchema>
