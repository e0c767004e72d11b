import { parseDuration } from '../base/duration.ts'

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

function rule(
  kind: KeyRule['kind'],
  times: { rotateAfter: string; publishAhead: string; longestLife: string },
): KeyRule {
  const ms = (text: string): number => parseDuration(text) ?? 0
  return {
    kind,
    rotateAfterMs: ms(times.rotateAfter),
    publishAheadMs: ms(times.publishAhead),
    longestLifeMs: ms(times.longestLife),
  }
}

/** Everything the ring has a key for: one purpose, one key, so that nothing made for one can pass for another. */
export const PURPOSES = {
  /** `X-Gatehouse-Assertion`. Published well ahead: applications cache the JWKS. */
  assertion: rule('es256', { rotateAfter: '30d', publishAhead: '1h', longestLife: '5m' }),
  /** `authId`: one login in progress. */
  journey: rule('secret', { rotateAfter: '7d', publishAhead: '10m', longestLife: '24h' }),
  /** Tokens in forms, against cross-site request forgery. */
  csrf: rule('secret', { rotateAfter: '7d', publishAhead: '10m', longestLife: '24h' }),
  /** State of a handshake that the gateway gives the browser to keep. */
  handshake: rule('secret', { rotateAfter: '7d', publishAhead: '10m', longestLife: '1h' }),
} as const satisfies Record<string, KeyRule>

export type Purpose = keyof typeof PURPOSES

/** Purposes whose keys sign. */
export type SigningPurpose = 'assertion'

/** Purposes whose keys seal. */
export type SealPurpose = Exclude<Purpose, SigningPurpose>

export const ALL_PURPOSES = Object.keys(PURPOSES) as readonly Purpose[]
