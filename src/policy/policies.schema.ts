import { z } from 'zod'
import { conditionSchema } from './conditions.schema.ts'
import { partnerPolicySchema } from './partner-policies.schema.ts'
import { policyHeading } from './policy-heading.schema.ts'
import { checkPattern } from './pattern.ts'
import { typeProblems } from './resource-types.ts'
import { responseAttributeSchema } from './response-attributes.schema.ts'
import { subjectSchema } from './subjects.schema.ts'

const DEFAULT_SET = 'iPlanetAMWebAgentService'

const ACTION = /^[A-Za-z][A-Za-z-]{0,31}$/

function refusePattern(text: string, context: { addIssue(message: string): void }): void {
  const problem = checkPattern(text)
  if (problem !== undefined) context.addIssue(problem)
}

const actionName = z
  .string()
  .regex(ACTION, 'write the name in letters: GET')
  .refine((name) => name.toUpperCase() !== 'HEAD', 'HEAD is decided as GET; leave it out')

function isEachOnce(names: readonly string[]): boolean {
  return new Set(names.map((name) => name.toUpperCase())).size === names.length
}

const policySchema = z.strictObject({
  ...policyHeading,
  policySet: z.string().min(1).default(DEFAULT_SET).describe('The set that an agent profile names.'),
  resources: z
    .array(z.string().min(1).superRefine(refusePattern))
    .min(1)
    .describe(
      'URL patterns: `*` matches any characters across path segments, `-*-` within one segment; a wildcard never crosses from one part of the URL (scheme, host, port, path, query) into the next. A pattern without `?` allows no URL with a query, so write pairs: `*://app.example.com:*/*` and `*://app.example.com:*/*?*`.',
    ),
  actions: z
    .record(actionName, z.enum(['allow', 'deny']))
    .refine((actions) => isEachOnce(Object.keys(actions)), 'an action is named twice, in another letter case')
    .describe(
      'What each action comes to: HTTP methods, or other names that callers of the policy REST call use. Letter case does not count; HEAD is decided as GET. What no policy names is denied.',
    ),
  subject: subjectSchema.describe('Whom the policy is about.'),
  condition: conditionSchema
    .optional()
    .describe(
      'What must hold besides. Where a login can bring it about, nothing that other policies allow is allowed before.',
    ),
  responseAttributes: z
    .array(responseAttributeSchema)
    .default([])
    .describe('What the answer of the policy REST call says about the user where this policy allows it.'),
  resourceType: z
    .string()
    .min(1)
    .optional()
    .describe('One of `resourceTypes`, which then bounds the resources and actions that this policy may name.'),
})

const policySetSchema = z.strictObject({
  name: z.string().min(1).max(128).describe('As agent profiles and policies name it.'),
  description: z.string().max(1_024).optional().describe('For people.'),
  matching: z
    .enum(['component', 'classic'])
    .default('component')
    .describe(
      'How resources match. `component`: a wildcard stays within its part of the URL. `classic`: as in OpenAM, for policies that were written for it: without regard to case, over the whole URL, doubled slashes and the order of parameters not counting. A deny counts where either of the two would match.',
    ),
  resourceTypes: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Policies of the set name one of these; any, or none, where absent.'),
})

const resourceTypeSchema = z.strictObject({
  name: z.string().min(1).max(128).describe('As policies and policy sets name it.'),
  description: z.string().max(1_024).optional().describe('For people.'),
  patterns: z
    .array(z.string().min(1).superRefine(refusePattern))
    .min(1)
    .describe('Patterns that resources of this type must be covered by.'),
  actions: z.array(actionName).min(1).describe('Actions that its policies may name.'),
})

const policiesFile = z.strictObject({
  policySets: z
    .array(policySetSchema)
    .default([])
    .describe('What is said of policy sets. A set that is not listed here is there once a policy names it.'),
  resourceTypes: z.array(resourceTypeSchema).default([]).describe('Kinds of resources.'),
  policies: z
    .array(policySchema)
    .default([])
    .describe('The policies of this realm. Any deny wins; what no policy allows is denied.'),
  partnerPolicies: z
    .array(partnerPolicySchema)
    .default([])
    .describe(
      'Who may be signed in at which partners. A partner that none of them names is there for everybody of the realm; of the others any deny wins, and what no policy allows is denied.',
    ),
})

export type PolicyConfig = z.infer<typeof policySchema>
export type PolicySetConfig = z.infer<typeof policySetSchema>
export type ResourceTypeConfig = z.infer<typeof resourceTypeSchema>
export type PoliciesFile = z.infer<typeof policiesFile>

export const policiesFileSchema = policiesFile.superRefine((file, context) => {
  for (const { path, message } of typeProblems(file)) context.addIssue({ code: 'custom', path: [...path], message })
})
