import { z } from 'zod'

export const passwordSchema = z.strictObject({
  type: z.literal('password').describe("Name and password on one page, checked against the realm's directory."),
  authLevel: z.number().int().min(0).default(1).describe('Level that a session reaches by it.'),
})

export type PasswordConfig = z.infer<typeof passwordSchema>
