import type { Step } from '../authn/step.ts'
import type { Session } from '../session/session.ts'
import { deviceOf } from './device.ts'
import type { Frame } from './frame.ts'
import { loginUrl, type LoginRequest } from './login-request.ts'
import { answerName } from './login-view.ts'
import { sayAgo } from './messages/language.ts'

export type QuotaReached = Extract<Step, { kind: 'quota-reached' }>

export interface QuotaViewInput {
  readonly asked: LoginRequest
  readonly step: QuotaReached
  /** Milliseconds since the epoch. */
  readonly now: number
}

interface RunningRow {
  readonly sid: string
  readonly device: string
  readonly address: string
  readonly times: string
}

/** Everything `quota.eta` shows: the sessions that run, each with a button that ends it and goes on. */
export function quotaView(frame: Frame, { asked, step, now }: QuotaViewInput): object {
  const { running, username: user, authId } = step
  const realm = asked.realm.compiledLook.title
  const heading =
    running.length === 1 ? frame.say('quota.title-one') : frame.say('quota.title', { count: String(running.length) })
  return {
    title: heading,
    heading,
    lead: frame.say('quota.text', { user, realm }),
    action: loginUrl(asked.realm, asked.pairs),
    authId,
    answer: answerName(0),
    // Another window may have made room already.
    rows: running.map((session) => rowOf(frame, session, now)),
  }
}

function rowOf(frame: Frame, { sid, origin, createdAt, lastSeenAt }: Session, now: number): RunningRow {
  const since = frame.say('session.since', { ago: sayAgo(frame.language, now - createdAt) })
  const used = frame.say('session.used', { ago: sayAgo(frame.language, now - lastSeenAt) })
  return { sid, device: deviceText(frame, origin.device), address: origin.address, times: `${since} · ${used}` }
}

function deviceText(frame: Frame, userAgent: string): string {
  const { browser, system } = deviceOf(userAgent)
  if (browser !== undefined && system !== undefined) return frame.say('session.device', { browser, system })
  return browser ?? system ?? frame.say('session.unknown-device')
}
