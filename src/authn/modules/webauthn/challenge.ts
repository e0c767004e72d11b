import { randomBytes } from 'node:crypto'
import type { Clock } from '../../../base/clock.ts'
import type { JsonValue, Sealer } from '../../../crypto/seal.ts'

/** WebAuthn Level 3 §13.4.3 wants 16 bytes at least. */
const CHALLENGE_BYTES = 32

export interface Challenge {
  /** Base64url. */
  readonly value: string
  /** Milliseconds since the epoch. */
  readonly until: number
  /** To be carried along: to set up a key, the user handle. */
  readonly handle: string
}

/** What a challenge is good for: one ceremony of one module, for one user, or for whoever it turns out to be. */
export interface Ceremony {
  readonly module: string
  readonly what: 'prove' | 'set-up'
  readonly userId: string | undefined
}

/** Challenges travel sealed in the state of the login that they are for: what comes back for another one opens nothing. */
export interface Challenges {
  issue(ceremony: Ceremony, handle?: string): { readonly challenge: Challenge; readonly state: JsonValue }
  /** `undefined` for one that is too old, or for something else. */
  open(ceremony: Ceremony, state: JsonValue | undefined): Challenge | undefined
}

export function createChallenges(
  { sealer, clock }: { readonly sealer: Sealer; readonly clock: Clock },
  timeoutMs: number,
): Challenges {
  return {
    issue({ module, what, userId = '' }, handle = '') {
      const value = randomBytes(CHALLENGE_BYTES).toString('base64url')
      const until = clock() + timeoutMs
      const state = sealer.seal('journey', ['webauthn', module, what, userId, value, until, handle], timeoutMs)
      return { challenge: { value, until, handle }, state }
    },
    open({ module, what, userId = '' }, state) {
      const opened = typeof state === 'string' ? sealer.open('journey', state) : undefined
      if (!Array.isArray(opened)) return undefined
      const [kind, forModule, forWhat, forUser, value, until, handle] = opened as readonly JsonValue[]
      const fits = kind === 'webauthn' && forModule === module && forWhat === what && forUser === userId
      if (!fits || typeof value !== 'string' || typeof until !== 'number' || typeof handle !== 'string')
        return undefined
      return { value, until, handle }
    },
  }
}
