import { z } from 'zod'
import { duration } from '../../base/duration.schema.ts'

const YEAR_MS = 365 * 86_400_000

export const deviceSchema = z.strictObject({
  type: z
    .literal('device')
    .describe(
      'A browser that stands in for a second factor: whoever has just passed one may tick a box, and is not asked for it in this browser for a while. It is no new proof: where a login is forced, may not be too old or approves something, the factor itself is asked for.',
    ),
  authLevel: z
    .number()
    .int()
    .min(0)
    .default(1)
    .describe(
      'Level that a session reaches by it. With the default, what asks for the level of a second factor still gets that factor.',
    ),
  rememberFor: duration('30d')
    .refine((ms) => ms >= 60_000 && ms <= YEAR_MS, 'a minute at least and 365d at most')
    .describe('How long a browser is remembered, counted from the proof; using it prolongs nothing.'),
  most: z
    .number()
    .int()
    .min(1)
    .max(50)
    .default(10)
    .describe('Browsers that are remembered of one person; the one that was used least recently goes for a new one.'),
})

export type DeviceConfig = z.infer<typeof deviceSchema>
