import { z } from 'zod'

const texts = z.array(z.string())

/** What a case in `cases/` says of a query, whichever language asks it. */
export const caseQuery = {
  action: z.string().default('GET'),
  username: z.string().default('alice'),
  groups: texts.default(['staff']),
  attributes: z.record(z.string(), texts).default({}),
  authLevel: z.number().default(1),
  authModules: texts.default(['password']),
  properties: z.record(z.string(), z.string()).default({}),
  anonymous: z.boolean().default(false),
  /** Minutes since the last proof, and since the session began. */
  age: z.number().default(0),
  sessionAge: z.number().optional(),
  at: z.string().default('2026-03-01T00:00:00Z'),
  ip: z.string().default('127.0.0.1'),
  names: texts.optional(),
  scopes: texts.optional(),
}
