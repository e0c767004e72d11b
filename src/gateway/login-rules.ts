import type { Target } from '../http/request-url.ts'
import type { LoginRuleConfig } from './login-rules.schema.ts'

/** What of an address rules look at. */
export type Place = Pick<Target, 'path' | 'query'>

/** What the login page is told besides; `undefined` for nothing. */
export type LoginRules = (place: Place) => LoginIndex | undefined

interface LoginIndex {
  readonly type: 'service' | 'level'
  readonly value: string
}

/** Asked only where somebody is sent to the login. */
export function compileLoginRules(configs: readonly LoginRuleConfig[]): LoginRules {
  const rules = configs.map(({ path, query = {}, chain, authLevel }) => ({
    matches: path.endsWith('*') ? startsWith(path.slice(0, -1)) : (other: string) => other === path,
    wanted: Object.entries(query),
    index: indexOf(chain, authLevel),
  }))
  return ({ path, query }) => rules.find(({ matches, wanted }) => matches(path) && hasAll(query, wanted))?.index
}

function indexOf(chain: string | undefined, level: number | undefined): LoginIndex {
  return chain === undefined ? { type: 'level', value: String(level) } : { type: 'service', value: chain }
}

function startsWith(prefix: string): (path: string) => boolean {
  return (path) => path.startsWith(prefix)
}

function hasAll(query: string | undefined, wanted: readonly (readonly [string, string])[]): boolean {
  if (wanted.length === 0) return true
  const sent = new URLSearchParams(query ?? '')
  return wanted.every(([name, value]) => {
    const values = sent.getAll(name)
    // Of two, the application may take the other one.
    return values.length === 1 && values[0] === value
  })
}
