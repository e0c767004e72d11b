import type { ApplicationLogoutConfig } from './application-logout.schema.ts'
import { compileNotEnforced, type Visitor } from './not-enforced.ts'

/** Addresses of an application that end the session. */
export interface ApplicationLogout {
  /**
   * In any reading that an application may have, or people would be signed out there and not here. HEAD is asked by programs that look at
   * links, and changes nothing (RFC 9110 §9.2.1).
   */
  recognises(visitor: Visitor): boolean
  /** Where people go then; `undefined` for the application itself. */
  readonly goto: string | undefined
}

export function compileApplicationLogout(config: ApplicationLogoutConfig): ApplicationLogout | undefined {
  if (config === undefined) return undefined
  const matches = compileNotEnforced(config.urls)
  const asRead = (visitor: Visitor, path: string): boolean =>
    matches({ ...visitor, path, alternatives: [] }) ||
    (path.includes(';') && matches({ ...visitor, path: withoutParameters(path), alternatives: [] }))
  return {
    recognises: (visitor) => {
      const { method, path, alternatives } = visitor
      if (method === 'HEAD') return false
      if (alternatives.length === 0 && !path.includes(';')) return matches(visitor)
      return [path, ...alternatives].some((reading) => asRead(visitor, reading))
    },
    goto: config.goto,
  }
}

/** As servlets read it: `/logout;jsessionid=1` is `/logout`. */
function withoutParameters(path: string): string {
  return path.replace(/;[^/]*/g, '')
}
