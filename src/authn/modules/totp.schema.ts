import { z } from 'zod'

export const totpSchema = z.strictObject({
  type: z
    .literal('totp')
    .describe('A code of six digits from an authenticator app (RFC 6238), as a second factor. Each works once.'),
  authLevel: z.number().int().min(0).default(2).describe('Level that a session reaches by it.'),
  issuer: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[^:%]*$/, 'write it without colons and percent signs')
    .optional()
    .describe("Name of the entry in the authenticator app; the realm's title where absent."),
  drift: z
    .number()
    .int()
    .min(0)
    .max(2)
    .default(1)
    .describe('How many periods of 30 seconds the clock of a telephone may be before or behind ours.'),
})

export type TotpConfig = z.infer<typeof totpSchema>
