import type { Authn } from '../../authn/authn.ts'
import type { LoginContext } from '../../authn/login-call.ts'
import type { Step } from '../../authn/step.ts'
import type { RealmName } from '../../base/brand.ts'
import { randomSecret } from '../../base/random-id.ts'
import type { Session } from '../../session/session.ts'
import type { Credentials } from '../../http/basic-credentials.ts'

export type LogIn =
  | { readonly kind: 'logged-in'; readonly session: Session }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }
  /** The realm's default chain asks for something besides a name and a password. */
  | { readonly kind: 'asks-for-more' }
  | { readonly kind: 'quota-reached' }

/**
 * The realm's default login, answered at once: the same chain, throttle, timing and audit as behind the login page. A program has no
 * browser to be bound to, and no session that this one could replace.
 */
export async function logIn(
  authn: Authn,
  realm: RealmName,
  { credentials, origin }: { readonly credentials: Credentials; readonly origin: LoginContext['origin'] },
): Promise<LogIn> {
  const context: LoginContext = { binding: randomSecret(), session: undefined, origin }
  const destination = { goto: undefined, handshake: undefined }
  const first = await authn.begin({ realm, demand: { level: undefined, force: false }, destination }, context)
  if (first.kind !== 'ask' || !asksForPassword(first)) return { kind: 'asks-for-more' }
  const answers = [credentials.username, credentials.password]
  return outcomeOf(await authn.submit({ realm, authId: first.authId, answers }, context))
}

function asksForPassword({ callbacks }: Extract<Step, { readonly kind: 'ask' }>): boolean {
  return callbacks.map(({ type }) => type).join() === 'NameCallback,PasswordCallback'
}

function outcomeOf(step: Step): LogIn {
  switch (step.kind) {
    case 'done':
      return { kind: 'logged-in', session: step.issued.session }
    case 'quota-reached':
      return { kind: 'quota-reached' }
    case 'ask':
      if (step.failure === 'throttled') return { kind: 'throttled', retryAfterSeconds: step.retryAfterSeconds ?? 1 }
      return { kind: step.failure === undefined ? 'asks-for-more' : 'wrong' }
    case 'unreachable':
    case 'approval-over':
      return { kind: 'asks-for-more' }
    case 'expired':
      return { kind: 'wrong' }
  }
}
