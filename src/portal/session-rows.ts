import type { Session } from '../session/session.ts'
import { deviceOf } from '../base/device.ts'
import type { Frame } from './frame.ts'
import { sayAgo, sayInstant } from './messages/language.ts'

/** One session of a person, as `sessions.eta` shows it. */
export interface SessionRow {
  readonly device: string
  /** What sets it apart from the others; shown beside the device. */
  readonly mark: string | undefined
  readonly since: Moment
  readonly used: Moment
  /** Empty where it is not known. */
  readonly address: string
  readonly button: RowButton
}

export interface RowButton {
  readonly label: string
  /** What it does and to which session, for who hears the buttons without the rows around them; holds `label`. */
  readonly title: string | undefined
  readonly name: string
  readonly value: string
  /** Where it sends the form, if not to the form's own address. */
  readonly action: string | undefined
}

interface Moment {
  readonly text: string
  /** For programs (RFC 3339), and in words for who wants to know exactly. */
  readonly iso: string
  readonly exact: string
}

export interface RowOptions {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly mark?: string
  readonly button: (named: { readonly device: string; readonly ago: string }) => RowButton
}

export function sessionRow(frame: Frame, session: Session, { now, mark, button }: RowOptions): SessionRow {
  const { origin, createdAt, lastSeenAt } = session
  const device = deviceText(frame, origin.device)
  const moment = (key: 'session.since' | 'session.used', at: number): Moment => ({
    text: frame.say(key, { ago: sayAgo(frame.language, now - at) }),
    iso: new Date(at).toISOString(),
    exact: sayInstant(frame.language, at),
  })
  return {
    device,
    mark,
    since: moment('session.since', createdAt),
    used: moment('session.used', lastSeenAt),
    address: origin.address,
    button: button({ device, ago: sayAgo(frame.language, now - createdAt) }),
  }
}

function deviceText(frame: Frame, userAgent: string): string {
  const { browser, system } = deviceOf(userAgent)
  if (browser !== undefined && system !== undefined) return frame.say('session.device', { browser, system })
  return browser ?? system ?? frame.say('session.unknown-device')
}
