import type { Session } from '../session/session.ts'
import type { Holdings } from '../authn/own-factors.ts'
import type { Application } from '../federation/oidc-op/applications.ts'
import { applicationsView } from './application-view.ts'
import { factorsView } from './factor-view.ts'
import type { Frame, Pairs } from './frame.ts'
import { withQuery } from './login-request.ts'
import type { CompiledRealm } from './realms.ts'
import { sessionRow, type SessionRow } from './session-rows.ts'

/** What the page has to say about what was just asked of it. */
export type AccountNotice =
  | 'ended'
  | 'ended-others'
  | 'gone'
  | 'taken-back'
  | `factors-${'gone' | 'renamed' | 'removed'}`
  | undefined

export interface AccountViewInput {
  readonly realm: CompiledRealm
  readonly session: Session
  readonly holdings: Holdings
  readonly applications: readonly Application[]
  /** The person's other sessions, in the order to be shown. */
  readonly others: readonly Session[]
  /** From 1; beyond the last is the last. */
  readonly page: number
  readonly notice: AccountNotice
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** More than anybody has who is well, few enough to look through. */
const ROWS = 20

/** Everything `account.eta` shows: this session, then the others, each with a button that ends it. */
export function accountView(frame: Frame, input: AccountViewInput): object {
  const { realm, session, others, notice } = input
  const pages = Math.max(1, Math.ceil(others.length / ROWS))
  const page = Math.min(Math.max(1, input.page), pages)
  const heading = frame.say('account.title')
  const said = notice === undefined ? undefined : frame.say(`account.${notice}`)
  return {
    // Heard first by who cannot see that something has changed.
    title: said === undefined ? heading : `${said} – ${heading}`,
    heading,
    where: frame.say('account.where', { realm: realm.compiledLook.title, user: session.username }),
    notice: said === undefined ? undefined : { text: said, link: undefined },
    keep: accountPairs(realm, page),
    password: withQuery('/account/password', [['realm', realm.name]]),
    own: [ownRow(frame, input)],
    othersTitle: frame.say('account.others', { count: String(others.length) }),
    applications: applicationsView(frame, input.applications, input.now),
    factors: factorsView(frame, input.holdings, realm, input.now),
    others: others.slice((page - 1) * ROWS, page * ROWS).map((other) => otherRow(frame, other, input.now)),
    pages:
      pages === 1
        ? undefined
        : {
            text: frame.say('account.page', { page: String(page), pages: String(pages) }),
            previous: page === 1 ? undefined : accountUrl(realm, page - 1),
            next: page === pages ? undefined : accountUrl(realm, page + 1),
          },
  }
}

/** Names the realm, so that a session that ended meanwhile leads to the right place to sign in. */
export function accountUrl(realm: CompiledRealm, page = 1, more: Pairs = []): string {
  return withQuery('/account', [...accountPairs(realm, page), ...more])
}

export function accountPairs(realm: CompiledRealm, page: number): Pairs {
  return [['realm', realm.name], ...(page === 1 ? [] : [['page', String(page)] as const])]
}

function ownRow(frame: Frame, { session, now }: AccountViewInput): SessionRow {
  const button = { label: frame.say('logout.submit'), title: undefined, name: 'here', value: '1', action: '/logout' }
  return sessionRow(frame, session, { now, mark: frame.say('account.this'), button: () => button })
}

function otherRow(frame: Frame, session: Session, now: number): SessionRow {
  return sessionRow(frame, session, {
    now,
    button: (named) => ({
      label: frame.say('account.end'),
      title: frame.say('session.end-name', named),
      name: 'session',
      value: session.sid,
      action: undefined,
    }),
  })
}
