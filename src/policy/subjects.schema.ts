import { z } from 'zod'

export type SubjectConfig =
  | { readonly type: 'AuthenticatedUsers' }
  | { readonly type: 'AnonymousUsers' }
  | { readonly type: 'NONE' }
  | { readonly type: 'User'; readonly users: readonly string[] }
  | { readonly type: 'Group'; readonly groups: readonly string[] }
  | { readonly type: 'Attribute'; readonly name: string; readonly values: readonly string[] }
  | { readonly type: 'JwtClaim'; readonly claimName: string; readonly claimValue: string }
  | { readonly type: 'AND' | 'OR'; readonly subjects: readonly SubjectConfig[] }
  | { readonly type: 'NOT'; readonly subject: SubjectConfig }

const names = z.array(z.string().min(1)).min(1)

export const subjectSchema: z.ZodType<SubjectConfig> = z.lazy(() =>
  z.discriminatedUnion('type', [
    z
      .strictObject({ type: z.literal('AuthenticatedUsers') })
      .describe('Everyone who is signed in to this realm, and has proved who they are.'),
    z
      .strictObject({ type: z.literal('AnonymousUsers') })
      .describe(
        'Everyone whose session is one without proof (module `anonymous`). What no policy with this subject allows them sends them to the login.',
      ),
    z.strictObject({ type: z.literal('NONE') }).describe('Nobody, as in OpenAM: the policy takes no part.'),
    z.strictObject({ type: z.literal('User'), users: names }).describe('These usernames.'),
    z.strictObject({ type: z.literal('Group'), groups: names }).describe('Members of any of these groups.'),
    z
      .strictObject({ type: z.literal('Attribute'), name: z.string().min(1), values: names })
      .describe('Users one of whose values of this attribute is listed.'),
    z
      .strictObject({
        type: z.literal('JwtClaim'),
        claimName: z.string().min(1).max(128),
        claimValue: z.string().max(1_024),
      })
      .describe(
        'The token that the question was asked about has this claim, with this value or with it in a list. For callers of the policy REST call: a browser at a protected site has no such token, so there it holds for nobody.',
      ),
    z.strictObject({ type: z.literal('AND'), subjects: z.array(subjectSchema).min(1) }).describe('All of them hold.'),
    z.strictObject({ type: z.literal('OR'), subjects: z.array(subjectSchema).min(1) }).describe('Any of them holds.'),
    z.strictObject({ type: z.literal('NOT'), subject: subjectSchema }).describe('It does not hold.'),
  ]),
)
