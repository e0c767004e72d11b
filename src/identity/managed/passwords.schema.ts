import { z } from 'zod'
import { parseDuration } from '../../base/duration.ts'

const age = z
  .string()
  .regex(/^\d{1,9}(ms|s|m|h|d)$/, 'write a whole number with its unit: 90d')
  .transform((text) => parseDuration(text) ?? 0)

/** `passwords:` of a realm: what a managed user may choose. */
export const passwordRulesSchema = z
  .strictObject({
    minLength: z
      .number()
      .int()
      .min(8)
      .max(64)
      .default(15)
      .describe(
        'Fewest characters of a new password; the user’s own name in it does not count. 15 is what NIST SP 800-63B asks of a password that is the only proof; 8 is enough beside a second factor.',
      ),
    maxLength: z
      .number()
      .int()
      .min(64)
      .max(1_024)
      .default(256)
      .describe('Most characters of a new password. Whatever this says, 1,024 bytes are the most.'),
    refuseCommon: z
      .boolean()
      .default(true)
      .describe(
        'Refuses the passwords that are tried first: some 50,000 that leaked most often, also with digits and signs after them, one piece over and over, and rows of the alphabet or of digits.',
      ),
    history: z
      .number()
      .int()
      .min(0)
      .max(24)
      .default(0)
      .describe('How many passwords before the present one may not come back. The present one never may.'),
    maxAge: age
      .optional()
      .describe(
        'Age at which a password has to be changed at the next login. None by default: NIST SP 800-63B advises against it, as people then choose worse ones.',
      ),
  })
  .prefault({})

export type PasswordRules = z.output<typeof passwordRulesSchema>
