import type { EpochMs } from '../base/brand.ts'
import { randomSecret } from '../base/random-id.ts'
import { sha256 } from '../crypto/sha256.ts'
import { AMBIGUOUS, findCookie, setCookie } from '../http/cookies.ts'
import type { Site } from './site.ts'

/**
 * What the browser-binding cookie holds: a secret that ties a handshake to this browser (login CSRF), and how many handshakes it
 * has completed since when, so that a login that does not hold ends in a page instead of a loop.
 */
export interface Binding {
  readonly secret: string
  readonly completed: number
  readonly since: EpochMs
}

/** Completions are counted within this time. */
export const LOOP_WINDOW_MS = 30_000
/** Seconds: long enough to look for a phone, short enough to be forgotten. */
const MAX_AGE = 1_800
const FORM = /^([A-Za-z0-9_-]{43})\.(\d{1,3})\.(\d{1,15})$/

/** The binding that the browser sent; `undefined` when it sent none, two different ones, or nonsense. */
export function readBinding(site: Site, cookieHeader: string | undefined): Binding | undefined {
  const value = findCookie(cookieHeader, site.cookies.handshake)
  if (value === undefined || value === AMBIGUOUS) return undefined
  const [, secret, completed, since] = FORM.exec(value) ?? []
  if (secret === undefined) return undefined
  return { secret, completed: Number(completed), since: Number(since) as EpochMs }
}

export function newBinding(now: EpochMs): Binding {
  return { secret: randomSecret(), completed: 0, since: now }
}

/** Handshakes that this browser completed just now; 0 when the last one is a while ago. */
export function recentlyCompleted({ completed, since }: Binding, now: EpochMs): number {
  return now - since < LOOP_WINDOW_MS && since <= now ? completed : 0
}

/** The binding after one more handshake; one that a person took part in is no turn of a loop, so counting starts with it. */
export function withCompletion(binding: Binding, interactive: boolean, now: EpochMs): Binding {
  if (interactive) return { ...binding, completed: 1, since: now }
  const completed = recentlyCompleted(binding, now)
  return { ...binding, completed: Math.min(completed + 1, 999), since: completed === 0 ? now : binding.since }
}

/** What stands for the browser in `state` and in the grant: never the secret itself. */
export function bindingHash({ secret }: Binding): string {
  return sha256(secret)
}

/** Host-only, so that no sibling host can plant one. */
export function bindingCookie(site: Site, { secret, completed, since }: Binding): string {
  const value = `${secret}.${completed}.${since}`
  return setCookie(site.cookies.handshake, value, { secure: site.secure, maxAge: MAX_AGE })
}
