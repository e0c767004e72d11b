/** What one kind of key is for and how it grows old. All times in milliseconds. */
export interface KeyRule {
  /** `es256`: a key pair whose public half is in the JWKS; `secret`: 256 bits for AES-256-GCM that never leave the ring. */
  readonly kind: 'es256' | 'secret'
  /** A key that has signed for this long gets a successor. */
  readonly rotateAfterMs: number
  /** A successor is published this long before it signs, so that every process and every JWKS cache knows it by then. */
  readonly publishAheadMs: number
  /** Nothing made with the key is accepted for longer; a replaced key is kept this long for verification. */
  readonly longestLifeMs: number
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Everything the ring has a key for: one purpose, one key, so that nothing made for one can pass for another. */
export const PURPOSES = {
  /** `X-Gatehouse-Assertion`. Published well ahead: applications cache the JWKS. */
  assertion: { kind: 'es256', rotateAfterMs: 30 * DAY, publishAheadMs: HOUR, longestLifeMs: 5 * MINUTE },
  /** `authId`: one login in progress. */
  journey: { kind: 'secret', rotateAfterMs: 7 * DAY, publishAheadMs: 10 * MINUTE, longestLifeMs: DAY },
  /** Tokens in forms, against cross-site request forgery. */
  csrf: { kind: 'secret', rotateAfterMs: 7 * DAY, publishAheadMs: 10 * MINUTE, longestLifeMs: DAY },
  /** State of a handshake that the gateway gives the browser to keep. */
  handshake: { kind: 'secret', rotateAfterMs: 7 * DAY, publishAheadMs: 10 * MINUTE, longestLifeMs: HOUR },
} as const satisfies Record<string, KeyRule>

export type Purpose = keyof typeof PURPOSES

/** Purposes whose keys sign. */
export type SigningPurpose = 'assertion'

/** Purposes whose keys seal. */
export type SealPurpose = Exclude<Purpose, SigningPurpose>

export const ALL_PURPOSES = Object.keys(PURPOSES) as readonly Purpose[]
