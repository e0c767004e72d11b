import { z } from 'zod'
import { duration } from '../base/duration.schema.ts'

export const sessionRulesSchema = z
  .strictObject({
    maxIdle: duration('30m').describe('A session that is not used for this long ends.'),
    maxLife: duration('120m').describe('A session ends this long after login however much it is used.'),
    realmSwitch: z
      .enum(['end', 'keep'])
      .default('end')
      .describe(
        'What signing in to this realm does to a session of another realm in the same browser: `end` it after saying so, or `keep` it running.',
      ),
  })
  .prefault({})

export type SessionRules = z.infer<typeof sessionRulesSchema>
