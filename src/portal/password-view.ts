import type { Session } from '../session/session.ts'
import { accountUrl } from './account-view.ts'
import type { Frame, Pairs } from './frame.ts'
import { withQuery } from './login-request.ts'
import type { CompiledRealm } from './realms.ts'

/** Where people change their password. */
export const PASSWORD_PATH = '/account/password'

/** Names the realm, so that a session that ended meanwhile leads to the right place to sign in. */
export function passwordUrl(realm: CompiledRealm, more: Pairs = []): string {
  return withQuery(PASSWORD_PATH, [['realm', realm.name], ...more])
}

export interface PasswordViewInput {
  readonly realm: CompiledRealm
  readonly session: Session
  /** `undefined` where the password is kept elsewhere: there is no form then. */
  readonly minLength: number | undefined
  readonly failure: string | undefined
  readonly notice: string | undefined
}

/** Everything `password.eta` shows. What was typed is never shown again. */
export function passwordView(frame: Frame, { realm, session, minLength, failure, notice }: PasswordViewInput): object {
  const title = realm.compiledLook.title
  const heading = frame.say('password.title')
  const said = failure ?? notice
  return {
    title: said === undefined ? heading : `${said} – ${heading}`,
    heading,
    where: frame.say('password.where', { realm: title, user: session.username }),
    notice: notice === undefined ? undefined : { text: notice, link: undefined },
    elsewhere: minLength === undefined ? frame.say('password.elsewhere', { realm: title }) : undefined,
    text: frame.say('password.text', { count: String(minLength ?? 0) }),
    failure,
    action: PASSWORD_PATH,
    keep: [['realm', realm.name]],
    username: session.username,
    fields: [
      { name: 'current', label: frame.say('password.current'), autocomplete: 'current-password' },
      { name: 'new', label: frame.say('password.new'), autocomplete: 'new-password' },
      { name: 'again', label: frame.say('password.again'), autocomplete: 'new-password' },
    ],
    back: { href: accountUrl(realm), label: frame.say('action.account') },
  }
}
