import { PasswordPolicyError } from 'ldapts'
import type { PasswordFlaw } from '../managed/password-rules.ts'
import type { PasswordAnswer } from './connection.ts'
import { answerFailure, RESULT } from './failure.ts'

export type ChangeOutcome =
  | { readonly kind: 'changed' }
  | { readonly kind: 'refused'; readonly flaw: PasswordFlaw }
  /** The old password is not theirs any more. */
  | { readonly kind: 'stale' }

const refused = (kind: 'too-weak' | 'too-short-there' | 'too-soon' | 'not-allowed' | 'used-before'): ChangeOutcome => ({
  kind: 'refused',
  flaw: { kind },
})

/** draft-behera-ldap-password-policy-10 §6.2, as far as it is about changes. */
const BY_POLICY: ReadonlyMap<number, ChangeOutcome> = new Map([
  [PasswordPolicyError.PasswordModNotAllowed, refused('not-allowed')],
  [PasswordPolicyError.InsufficientPasswordQuality, refused('too-weak')],
  [PasswordPolicyError.PasswordTooShort, refused('too-short-there')],
  [PasswordPolicyError.PasswordTooYoung, refused('too-soon')],
  [PasswordPolicyError.PasswordInHistory, refused('used-before')],
])

const BY_CODE: ReadonlyMap<number, ChangeOutcome> = new Map([
  [0, { kind: 'changed' }],
  [RESULT.constraintViolation, refused('too-weak')],
  [RESULT.invalidCredentials, { kind: 'stale' }],
  [RESULT.insufficientAccessRights, refused('not-allowed')],
  [RESULT.unwillingToPerform, refused('not-allowed')],
])

/** What became of a change. Throws like a search for an answer that says neither, as of a server that cannot do it. */
export function changeOutcome({ code, message, policy }: PasswordAnswer): ChangeOutcome {
  const byPolicy = code === 0 || policy?.error === undefined ? undefined : BY_POLICY.get(policy.error)
  const outcome = byPolicy ?? BY_CODE.get(code)
  if (outcome === undefined) throw answerFailure(code, `changing a password was answered with code ${code}: ${message}`)
  return outcome
}
