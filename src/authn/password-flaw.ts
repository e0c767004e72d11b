import type { PasswordFlaw } from '../identity/managed/password-rules.ts'

/** What a person is told of it: a message key, and what stands in it. */
export function flawMessage(flaw: PasswordFlaw): FlawMessage {
  switch (flaw.kind) {
    case 'too-short':
      return { message: 'password.too-short', parameters: { count: String(flaw.atLeast) } }
    case 'too-long':
      return { message: 'password.too-long', parameters: { count: String(flaw.atMost) } }
    default:
      return { message: `password.${flaw.kind}`, parameters: {} }
  }
}

export interface FlawMessage {
  readonly message: `password.${PasswordFlaw['kind']}`
  readonly parameters: Readonly<Record<string, string>>
}
