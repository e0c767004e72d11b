import { z } from 'zod'
import { duration } from '../base/duration.schema.ts'
import { realmName } from '../base/realm-name.schema.ts'
import { checkPattern } from './pattern.ts'
import { TRANSACTION_STRATEGIES, type TransactionStrategy } from './transaction-advice.ts'

export interface SubjectConfigAnd {
  readonly type: 'AND' | 'OR'
  readonly subjects: readonly SubjectConfig[]
}
export interface SubjectConfigNot {
  readonly type: 'NOT'
  readonly subject: SubjectConfig
}
export type SubjectConfig =
  | { readonly type: 'AuthenticatedUsers' }
  | { readonly type: 'AnonymousUsers' }
  | { readonly type: 'User'; readonly users: readonly string[] }
  | { readonly type: 'Group'; readonly groups: readonly string[] }
  | { readonly type: 'Attribute'; readonly name: string; readonly values: readonly string[] }
  | SubjectConfigAnd
  | SubjectConfigNot

const names = z.array(z.string().min(1)).min(1)

const subjectSchema: z.ZodType<SubjectConfig> = z.lazy(() =>
  z.discriminatedUnion('type', [
    z
      .strictObject({ type: z.literal('AuthenticatedUsers') })
      .describe('Everyone who is signed in to this realm, and has proved who they are.'),
    z
      .strictObject({ type: z.literal('AnonymousUsers') })
      .describe(
        'Everyone whose session is one without proof (module `anonymous`). What no policy with this subject allows them sends them to the login.',
      ),
    z.strictObject({ type: z.literal('User'), users: names }).describe('These usernames.'),
    z.strictObject({ type: z.literal('Group'), groups: names }).describe('Members of any of these groups.'),
    z
      .strictObject({ type: z.literal('Attribute'), name: z.string().min(1), values: names })
      .describe('Users one of whose values of this attribute is listed.'),
    z.strictObject({ type: z.literal('AND'), subjects: z.array(subjectSchema).min(1) }).describe('All of them hold.'),
    z.strictObject({ type: z.literal('OR'), subjects: z.array(subjectSchema).min(1) }).describe('Any of them holds.'),
    z.strictObject({ type: z.literal('NOT'), subject: subjectSchema }).describe('It does not hold.'),
  ]),
)

export type ConditionConfig =
  | { readonly type: 'AuthLevel'; readonly authLevel: number }
  | { readonly type: 'AuthScheme'; readonly authScheme: readonly string[] }
  | { readonly type: 'AuthAge'; readonly maxAge: number }
  | { readonly type: 'AuthenticateToService'; readonly authenticateToService: string }
  | { readonly type: 'AuthenticateToRealm'; readonly authenticateToRealm: string }
  | {
      readonly type: 'Transaction'
      readonly authenticationStrategy: TransactionStrategy
      readonly strategySpecifier: string
    }
  | { readonly type: 'AND' | 'OR'; readonly conditions: readonly ConditionConfig[] }
  | { readonly type: 'NOT'; readonly condition: ConditionConfig }

const transactionSchema = z
  .strictObject({
    type: z.literal('Transaction'),
    authenticationStrategy: z
      .enum(TRANSACTION_STRATEGIES)
      .describe('What an approval takes: a level, a module, or a chain, proved anew each time.'),
    strategySpecifier: z
      .string()
      .regex(/^[\w-]{1,64}$/, 'write a level, or the name of a module or chain')
      .describe('The level, or the name of the module or chain.'),
  })
  .refine(
    ({ authenticationStrategy, strategySpecifier }) =>
      authenticationStrategy !== 'AuthLevel' || /^\d{1,4}$/.test(strategySpecifier),
    { path: ['strategySpecifier'], message: 'a level is a number, 9999 at most' },
  )
  .describe(
    'The person has approved exactly this request (method, address, body) within three minutes, by proving anew who they are; it passes once, and the next one asks again.',
  )

const conditionSchema: z.ZodType<ConditionConfig> = z.lazy(() =>
  z.discriminatedUnion('type', [
    z
      .strictObject({ type: z.literal('AuthLevel'), authLevel: z.number().int().min(0) })
      .describe('The session has reached at least this level; otherwise the advice asks for it.'),
    z
      .strictObject({ type: z.literal('AuthScheme'), authScheme: names })
      .describe('The session has passed all of these modules; otherwise the advice asks for them.'),
    z
      .strictObject({ type: z.literal('AuthAge'), maxAge: duration('5m') })
      .describe('The person has proved who they are within this time; otherwise the advice asks them to do so again.'),
    z
      .strictObject({
        type: z.literal('AuthenticateToService'),
        authenticateToService: z.string().regex(/^[a-zA-Z][\w-]{0,63}$/),
      })
      .describe('The session has passed this chain of its realm; otherwise the advice asks for it.'),
    z
      .strictObject({ type: z.literal('AuthenticateToRealm'), authenticateToRealm: realmName })
      .describe('The session is one of this realm. No login at a site of another realm brings that about.'),
    transactionSchema,
    z
      .strictObject({ type: z.literal('AND'), conditions: z.array(conditionSchema).min(1) })
      .describe('All of them hold.'),
    z
      .strictObject({ type: z.literal('OR'), conditions: z.array(conditionSchema).min(1) })
      .describe('Any of them holds.'),
    z.strictObject({ type: z.literal('NOT'), condition: conditionSchema }).describe('It does not hold.'),
  ]),
)

const METHOD = /^[A-Z][A-Z-]{0,31}$/

function refusePattern(text: string, context: { addIssue(message: string): void }): void {
  const problem = checkPattern(text)
  if (problem !== undefined) context.addIssue(problem)
}

const policySchema = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(128)
    .describe('Unique in the realm; named in the audit log and on the page of a refusal.'),
  active: z.boolean().default(true).describe('An inactive policy takes no part.'),
  policySet: z.string().min(1).default('iPlanetAMWebAgentService').describe('The set that an agent profile names.'),
  resources: z
    .array(z.string().min(1).superRefine(refusePattern))
    .min(1)
    .describe(
      'URL patterns: `*` matches any characters across path segments, `-*-` within one segment; a wildcard never crosses from one part of the URL (scheme, host, port, path, query) into the next. A pattern without `?` allows no URL with a query, so write pairs: `*://app.example.com:*/*` and `*://app.example.com:*/*?*`.',
    ),
  actions: z
    .record(
      z
        .string()
        .regex(METHOD, 'write the method in capitals: GET')
        .refine((method) => method !== 'HEAD', 'HEAD is decided as GET; leave it out'),
      z.enum(['allow', 'deny']),
    )
    .describe('What each HTTP method comes to; HEAD is decided as GET. A method that no policy names is denied.'),
  subject: subjectSchema.describe('Whom the policy is about.'),
  condition: conditionSchema
    .optional()
    .describe(
      'What must hold besides. Where a login can bring it about, nothing that other policies allow is allowed before.',
    ),
})

export const policiesFileSchema = z.strictObject({
  policies: z
    .array(policySchema)
    .default([])
    .describe('The policies of this realm. Any deny wins; what no policy allows is denied.'),
})

export type PolicyConfig = z.infer<typeof policySchema>
