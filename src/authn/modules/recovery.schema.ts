import { z } from 'zod'

export const recoverySchema = z.strictObject({
  type: z
    .literal('recovery')
    .describe(
      'Ten codes on paper, each of which works once, for the day the other second factor is lost. Name it in the `or` of a chain. Nobody can set them up as their only second factor.',
    ),
  authLevel: z.number().int().min(0).default(2).describe('Level that a session reaches by it.'),
  offer: z
    .boolean()
    .default(true)
    .describe(
      'Whether a login offers a set to who has just set up their first second factor, and a new set to who has few left.',
    ),
})

export type RecoveryConfig = z.infer<typeof recoverySchema>
