import type { Presented } from '../../http/presented.ts'
import type { User } from '../../identity/directory.ts'
import type { Factor } from '../../identity/factors.ts'

/** `no-device`: this browser is not remembered. `copied-device`: what it has was used already, so somebody else has it, too. */
export type DeviceFault = 'no-device' | 'unknown-device' | 'copied-device'

/** What stood in for a factor in one login. */
export interface UsedStandIn {
  /** Id of the factor. */
  readonly factor: string
  /** Of the secret that was shown. */
  readonly hash: string
  /** When the factor was proved that it stands in for. Milliseconds since the epoch. */
  readonly since: number
}

/** A cookie that this one browser is to keep. */
export interface KeptCookie {
  /** Prefix included. */
  readonly name: string
  readonly value: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** Lets a browser stand in for a second factor that was proved with it. */
export interface StandIn {
  /** For how long, in words of the page. */
  readonly days: number
  /** Remembers the browser of a login that has just passed. `undefined` where the person has too many factors. */
  remember(
    user: User,
    browser: { readonly presented: Presented; readonly userAgent: string; readonly provenAt: number },
  ): Promise<{ readonly factor: Factor; readonly cookie: KeptCookie } | undefined>
  /** Uses the secret up, in one login over all processes. `undefined`: another login was first, and the browser is forgotten. */
  replaceSecret(user: User, used: UsedStandIn): Promise<KeptCookie | undefined>
}
