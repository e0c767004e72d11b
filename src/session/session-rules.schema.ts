import { z } from 'zod'
import { duration } from '../base/duration.schema.ts'
import { PURPOSES } from '../crypto/purposes.ts'

const limit = z.int().min(1).max(1_000)

const quotaSchema = z.strictObject({
  limit: limit.describe('Sessions that one person may have at once in this realm.'),
  action: z
    .enum(['DENY_ACCESS', 'DESTROY_NEXT_EXPIRING', 'DESTROY_OLDEST_SESSION', 'DESTROY_OLD_SESSIONS'])
    .default('DESTROY_OLDEST_SESSION')
    .describe(
      'What one login more does: `DENY_ACCESS` shows the other sessions and asks which to end; `DESTROY_OLDEST_SESSION` ends the one that began first, `DESTROY_NEXT_EXPIRING` the one that would be over first, `DESTROY_OLD_SESSIONS` all others.',
    ),
})

const exceptionSchema = z.union([
  z.strictObject({
    user: z.string().min(1).describe('A username, in the spelling of the directory.'),
    limit: limit.describe('Sessions that this person may have at once.'),
  }),
  z.strictObject({
    group: z.string().min(1).describe('A group of the directory.'),
    limit: limit.describe('Sessions that each of its members may have at once.'),
  }),
])

export const sessionRulesSchema = z
  .strictObject({
    mode: z
      .enum(['cts', 'stateless'])
      .default('cts')
      .describe(
        'Where sessions live: `cts` in the store, or `stateless` in the cookie, encrypted; then no request of an application waits for the store, and the cookie has about a kilobyte. Ends and quotas hold for both.',
      ),
    maxIdle: duration('30m').describe('A session that is not used for this long ends.'),
    maxLife: duration('120m').describe('A session ends this long after login however much it is used.'),
    realmSwitch: z
      .enum(['end', 'keep'])
      .default('end')
      .describe(
        'What signing in to this realm does to a session of another realm in the same browser: `end` it after saying so, or `keep` it running.',
      ),
    endOnGroupChange: z
      .boolean()
      .default(false)
      .describe(
        "Whether a session ends when its user's groups are no longer those of the login. Without it, policies see the new groups and the session goes on.",
      ),
    quota: quotaSchema
      .optional()
      .describe(
        'A limit to the sessions of one person, exact under parallel logins. A step-up is no new session. By default the oldest of 1,000 makes room for one more.',
      ),
    quotas: z
      .array(exceptionSchema)
      .default([])
      .describe(
        'Other limits for users and groups, with the same action. A value for the user counts first, then the largest of their groups, then `quota`.',
      ),
  })
  .refine(({ quota, quotas }) => quota !== undefined || quotas.length === 0, {
    path: ['quotas'],
    error: 'these are exceptions from `quota`; set it as well',
  })
  .refine(({ mode, maxLife }) => mode === 'cts' || maxLife <= PURPOSES.session.longestLifeMs, {
    path: ['maxLife'],
    error: 'the keys of stateless sessions are kept for 30 days; set at most 30d, or `mode: cts`',
  })
  .prefault({})

export type SessionRules = z.infer<typeof sessionRulesSchema>
