import { acceptablePassword } from '../../crypto/password-hash.ts'
import { usernameKey } from '../../base/username-key.ts'
import { isCommon } from './common-passwords.ts'
import type { PasswordRules } from './passwords.schema.ts'

/** What is wrong with a password that somebody wants to have. */
export type PasswordFlaw =
  | { readonly kind: 'too-short'; readonly atLeast: number }
  | { readonly kind: 'too-long'; readonly atMost: number }
  /** Long enough only by the user's own name. */
  | { readonly kind: 'name' }
  | { readonly kind: 'common' }
  /** Bytes that are no text, or more than any password has. */
  | { readonly kind: 'unusable' }
  /** It is the present one, or one before it that the realm remembers. */
  | { readonly kind: 'used-before' }
  /** By the rules of the server that keeps it, which are not known here; `too-soon`: after the last change. */
  | { readonly kind: 'too-weak' | 'too-short-there' | 'too-soon' | 'not-allowed' }

/** A name of one or two letters is in many a good password. */
const SHORTEST_NAME = 3

/**
 * By the rules of NIST SP 800-63B §3.1.1.2: length, a list of what is tried first, and the user's own name; no rules of composition.
 * Whether it was used before is for the directory to say.
 */
export function flawOf(password: string, username: string, rules: PasswordRules): PasswordFlaw | undefined {
  const text = password.normalize('NFC')
  if (lengthOf(text) > rules.maxLength) return { kind: 'too-long', atMost: rules.maxLength }
  if (lengthOf(text) < rules.minLength) return { kind: 'too-short', atLeast: rules.minLength }
  if (!acceptablePassword(password)) return { kind: 'unusable' }
  const folded = usernameKey(text)
  const name = usernameKey(username)
  const rest = name.length < SHORTEST_NAME ? folded : folded.replaceAll(name, '')
  if (rest !== folded && lengthOf(rest) < rules.minLength) return { kind: 'name' }
  return rules.refuseCommon && isCommon(folded) ? { kind: 'common' } : undefined
}

/** In code points: what a person takes for a character, mostly. */
function lengthOf(text: string): number {
  return Array.from(text).length
}
