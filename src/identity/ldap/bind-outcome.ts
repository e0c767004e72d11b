import { PasswordPolicyError } from 'ldapts'
import { fault } from '../../errors.ts'
import type { PasswordCheck, PasswordWarning } from '../directory.ts'
import type { PasswordAnswer } from './connection.ts'
import { RESULT } from './failure.ts'

type Reason = Extract<PasswordCheck, { readonly kind: 'failed' }>['reason']
type ChangeReason = Extract<PasswordCheck, { readonly kind: 'change-first' }>['reason']

export type BindOutcome =
  | { readonly kind: 'right'; readonly warning: PasswordWarning | undefined }
  /** The server has let them in to change it, and for nothing else. */
  | { readonly kind: 'change-first'; readonly reason: ChangeReason }
  | { readonly kind: 'refused'; readonly reason: Reason }

/** What the policy says whatever the result code (draft-behera-ldap-password-policy-10 §6.2). */
const BY_POLICY: ReadonlyMap<number, Reason> = new Map([
  [PasswordPolicyError.PasswordExpired, 'password-expired'],
  [PasswordPolicyError.AccountLocked, 'locked'],
  [PasswordPolicyError.ChangeAfterReset, 'must-change'],
])

/** Active Directory's reasons, as `data NNN` in the text beside invalidCredentials: Windows error codes in hexadecimal. */
const BY_SUBCODE: ReadonlyMap<string, Reason> = new Map([
  ['525', 'unknown-user'],
  ['52e', 'wrong-password'],
  // Neither the hour nor the workstation is one at which they may sign in.
  ['530', 'disabled'],
  ['531', 'disabled'],
  ['532', 'password-expired'],
  ['533', 'disabled'],
  ['701', 'disabled'],
  ['773', 'must-change'],
  ['775', 'locked'],
])

const BY_CODE: ReadonlyMap<number, Reason> = new Map([
  [RESULT.invalidCredentials, 'wrong-password'],
  // There is no password to compare with.
  [RESULT.inappropriateAuthentication, 'wrong-password'],
  // Deleted since the entry was found.
  [RESULT.noSuchObject, 'unknown-user'],
  // 389 Directory Server: too many wrong passwords, and an account that is switched off.
  [RESULT.constraintViolation, 'locked'],
  [RESULT.unwillingToPerform, 'disabled'],
])

/** Whether the password was right, and what it may be used for. Throws GH_DIRECTORY_UNAVAILABLE for an answer that says neither. */
export function bindOutcome({ code, message, policy }: PasswordAnswer): BindOutcome {
  const byPolicy = policy?.error === undefined ? undefined : BY_POLICY.get(policy.error)
  // A server that refuses may say so without having looked at the password.
  if (code === 0 && (byPolicy === 'password-expired' || byPolicy === 'must-change'))
    return { kind: 'change-first', reason: byPolicy }
  if (byPolicy !== undefined) return { kind: 'refused', reason: byPolicy }
  if (code === 0) return { kind: 'right', warning: warningOf(policy) }
  const subcode = code === RESULT.invalidCredentials ? /\bdata ([0-9a-f]{3,8})\b/i.exec(message)?.[1] : undefined
  const reason = (subcode === undefined ? undefined : BY_SUBCODE.get(subcode.toLowerCase())) ?? BY_CODE.get(code)
  if (reason !== undefined) return { kind: 'refused', reason }
  throw fault('GH_DIRECTORY_UNAVAILABLE', { detail: `a bind was answered with code ${code}: ${message}` })
}

function warningOf(policy: PasswordAnswer['policy']): PasswordWarning | undefined {
  if (policy?.graceAuthNsRemaining !== undefined) {
    return { kind: 'expired', graceLoginsLeft: policy.graceAuthNsRemaining }
  }
  if (policy?.timeBeforeExpiration === undefined) return undefined
  return { kind: 'expires', inSeconds: policy.timeBeforeExpiration }
}
