import type { ApplicationLogoutConfig } from './application-logout.schema.ts'
import { compileNotEnforced, type Visitor } from './not-enforced.ts'

/** Addresses of an application that end the session. */
export interface ApplicationLogout {
  /** HEAD is asked by programs that look at links, and changes nothing (RFC 9110 §9.2.1). */
  recognises(visitor: Visitor): boolean
  /** Where people go then; `undefined` for the application itself. */
  readonly goto: string | undefined
}

export function compileApplicationLogout(config: ApplicationLogoutConfig): ApplicationLogout | undefined {
  if (config === undefined) return undefined
  const matches = compileNotEnforced(config.urls)
  return {
    recognises: (visitor) => visitor.method !== 'HEAD' && matches(visitor),
    goto: config.goto,
  }
}
