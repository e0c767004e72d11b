import { refuse } from './refusal.ts'

const INSTANT = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,12}))?Z$/

/**
 * Milliseconds since the epoch of a time of a message: UTC, as SAML Core 2.0 §1.3.3 has it. Other zones, days and seconds that do
 * not exist, and what JavaScript's own reader would bend into a date are refused.
 */
export function instantOf(text: string, what: string): number {
  const [, year, month, day, hour, minute, second, fraction = ''] = INSTANT.exec(text) ?? []
  const whole = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
  const isReal = !Number.isNaN(whole) && new Date(whole).toISOString().startsWith(text.slice(0, 19))
  return isReal ? whole + Number(fraction.slice(0, 3).padEnd(3, '0')) : refuse('saml-time', `${what} is no time in UTC`)
}

export interface Moment {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** How far a partner's clock may be off, in milliseconds. */
  readonly skewMs: number
}

/** NotBefore is the first moment, NotOnOrAfter the first that is too late. */
export function checkWindow(
  attributes: ReadonlyMap<string, string>,
  { now, skewMs }: Moment,
  what: string,
): { readonly endsAt: number | undefined } {
  const notBefore = attributes.get('NotBefore')
  const notOnOrAfter = attributes.get('NotOnOrAfter')
  if (notBefore !== undefined && now + skewMs < instantOf(notBefore, `NotBefore of ${what}`))
    refuse('saml-time', `${what} is not yet valid`)
  const endsAt = notOnOrAfter === undefined ? undefined : instantOf(notOnOrAfter, `NotOnOrAfter of ${what}`)
  if (endsAt !== undefined && now - skewMs >= endsAt) refuse('saml-time', `${what} is over`)
  return { endsAt }
}
