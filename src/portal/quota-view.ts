import type { Step } from '../authn/step.ts'
import type { Frame } from './frame.ts'
import { loginUrl, type LoginRequest } from './login-request.ts'
import { answerName } from './login-view.ts'
import { sessionRow } from './session-rows.ts'

export type QuotaReached = Extract<Step, { kind: 'quota-reached' }>

export interface QuotaViewInput {
  readonly asked: LoginRequest
  readonly step: QuotaReached
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Everything `quota.eta` shows: the sessions that run, each with a button that ends it and goes on. */
export function quotaView(frame: Frame, { asked, step, now }: QuotaViewInput): object {
  const { running, username: user, authId } = step
  const realm = asked.realm.compiledLook.title
  const heading =
    running.length === 1 ? frame.say('quota.title-one') : frame.say('quota.title', { count: String(running.length) })
  const name = answerName(0)
  return {
    title: heading,
    heading,
    lead: frame.say('quota.text', { user, realm }),
    action: loginUrl(asked.realm, asked.pairs),
    authId,
    answer: name,
    // Another window may have made room already.
    rows: running.map((session) =>
      sessionRow(frame, session, {
        now,
        button: (named) => ({
          label: frame.say('quota.end'),
          title: frame.say('quota.end-name', named),
          name,
          value: session.sid,
          action: undefined,
        }),
      }),
    ),
  }
}
