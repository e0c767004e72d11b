import { z } from 'zod'
import { duration } from '../base/duration.schema.ts'

/** Twice the second in which every process has read the ring anew. */
const SHORTEST_LEAD_MS = 2_000

export const keysSchema = z
  .strictObject({
    rotateAfter: duration('90d').describe(
      'A key that has signed or sealed for this long gets a successor; what the old one made stays valid to its end.',
    ),
    publishAhead: duration('1h')
      .refine((ms) => ms >= SHORTEST_LEAD_MS, 'at least 2s, so that every process knows a key before it is used')
      .describe(
        'A successor is published (JWKS) this long before it signs: longer than applications cache the key set.',
      ),
    samlPublishAhead: duration('14d')
      .refine((ms) => ms >= SHORTEST_LEAD_MS, 'at least 2s, so that every process knows a key before it is used')
      .describe(
        "A successor of a realm's SAML key stands in its metadata this long before it signs: longer than partners keep metadata. These keys are replaced by `gatehouse keys rotate --realm` alone, because partners may have them by hand.",
      ),
  })
  .refine(({ rotateAfter, publishAhead }) => rotateAfter > publishAhead, {
    path: ['rotateAfter'],
    message: 'write more than publishAhead: a key has to be in use for some time',
  })
  .prefault({})

export type KeysConfig = z.infer<typeof keysSchema>
