import { z } from 'zod'

/** What every policy says of itself, whatever it is about. */
export const policyHeading = {
  name: z
    .string()
    .min(1)
    .max(128)
    .describe('Unique in the realm; named in the audit log and on the page of a refusal.'),
  description: z.string().max(1_024).optional().describe('For people.'),
  active: z.boolean().default(true).describe('An inactive policy takes no part.'),
}
