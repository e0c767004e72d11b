import { z } from 'zod'
import { duration } from '../base/duration.schema.ts'

const SECOND = 1_000
const DAY = 86_400_000

/** realm.yaml `tokens`. */
export const tokensSchema = z
  .strictObject({
    accessTTL: duration('10m')
      .refine((ms) => ms >= 10 * SECOND && ms <= DAY, 'write 10s to 1d')
      .describe('An access token opens sites for this long; then the refresh token gets the next.'),
    refreshTTL: duration('60m')
      .refine((ms) => ms <= 30 * DAY, 'write at most 30d')
      .describe(
        'A refresh token works for this long, once, and never beyond `session.maxLife`. A session that began with tokens may idle for as long, whatever `session.maxIdle` says.',
      ),
    algorithm: z
      .enum(['EdDSA', 'RS256'])
      .default('EdDSA')
      .describe('How tokens are signed: `EdDSA` (Ed25519), or `RS256` for clients that know nothing else.'),
  })
  .refine(({ accessTTL, refreshTTL }) => accessTTL <= refreshTTL, {
    path: ['refreshTTL'],
    error: 'a refresh token has to live at least as long as the access token (`accessTTL`)',
  })
  .prefault({})

export type TokenRules = z.infer<typeof tokensSchema>
