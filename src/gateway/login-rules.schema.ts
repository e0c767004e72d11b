import { z } from 'zod'

const name = z.string().regex(/^[a-zA-Z][\w-]{0,63}$/, 'write the name of a chain')

const loginRuleSchema = z
  .strictObject({
    path: z
      .string()
      .regex(/^\/[^?#\s]*$/, 'start the path with /, without query or spaces')
      .default('/*')
      .describe('`/admin/*`: the path, or with a `*` at the end everything below it; everywhere where absent.'),
    query: z
      .record(z.string().min(1), z.string())
      .optional()
      .describe('Only where the address has all of these parameters, each once: `{ tenant: blue }`.'),
    chain: name.optional().describe('The chain of the realm that people sign in by.'),
    authLevel: z.number().int().min(0).max(9_999).optional().describe('Or the level that they have to reach.'),
  })
  .refine(
    ({ chain, authLevel }) => (chain === undefined) !== (authLevel === undefined),
    'write either chain or authLevel',
  )

export const loginRulesSchema = z
  .array(loginRuleSchema)
  .max(256)
  .default([])
  .describe(
    "How people sign in who come without a session, by where they want to go: the first rule that fits counts, and without one the realm's default chain. This chooses a page and enforces nothing, since anybody may sign in by another: what has to be proved, policies say (AuthLevel, AuthenticateToService).",
  )

export type LoginRuleConfig = z.infer<typeof loginRuleSchema>
