import type { AuthnRequest } from './authn-request.ts'

const CLASSES = 'urn:oasis:names:tc:SAML:2.0:ac:classes:'

/** What any login here is; the last is what it is called where nothing else is said. */
const ANY_LOGIN = [`${CLASSES}unspecified`, `${CLASSES}Password`, `${CLASSES}PasswordProtectedTransport`] as const

export type ContextVerdict =
  /** `name`: what the session is called in the answer. */
  | { readonly kind: 'met'; readonly name: string }
  /** A login of this level would do. */
  | { readonly kind: 'level'; readonly level: number }
  /** No login of the realm would. */
  | { readonly kind: 'unreachable' }

/** authLevels as classes of authentication contexts, both ways. */
export interface AuthnContexts {
  judge(requested: AuthnRequest['contexts'], level: number): ContextVerdict
}

/**
 * `acr`: names of levels; those that stand for nothing are called as OpenAM does, and mean any login. `highest`: the level that a login of
 * the realm can come to. A stronger session is also every weaker one: who has proved a second factor has proved the first, and
 * is told of as what was asked for (SAML Core 2.0 §3.3.2.2.1).
 */
export function createAuthnContexts(
  acr: readonly { readonly name: string; readonly level: number }[],
  highest: number,
): AuthnContexts {
  const named = new Set(acr.map(({ name }) => name))
  const known = new Map([
    ...ANY_LOGIN.filter((name) => !named.has(name)).map((name) => [name, 0] as const),
    ...acr.map(({ name, level }) => [name, level] as const),
  ])
  /** Of equal ones the later: what the configuration says comes after what is there anyway. */
  const rising = [...known].map(([name, level]) => ({ name, level })).sort((a, b) => a.level - b.level)
  const nameOf = (level: number): string =>
    rising.findLast((each) => each.level <= level)?.name ?? `${CLASSES}unspecified`
  const reach = (wanted: number, level: number, name: string): ContextVerdict => {
    if (level >= wanted) return { kind: 'met', name }
    return wanted <= highest ? { kind: 'level', level: wanted } : { kind: 'unreachable' }
  }

  return {
    judge(requested, level) {
      if (requested === undefined) return { kind: 'met', name: nameOf(level) }
      const { comparison, classes } = requested
      const wanted = classes.flatMap((name) => {
        const at = known.get(name)
        return at === undefined ? [] : [{ name, level: at }]
      })
      const levels = wanted.map((each) => each.level)
      if (wanted.length === 0) return { kind: 'unreachable' }
      switch (comparison) {
        case 'exact': {
          // In the partner's order of preference.
          const one = wanted.find((each) => each.level <= level) ?? wanted.find((each) => each.level <= highest)
          return one === undefined ? { kind: 'unreachable' } : reach(one.level, level, one.name)
        }
        case 'minimum':
          return reach(Math.min(...levels), level, nameOf(level))
        case 'better': {
          const above = rising.find((each) => each.level > Math.max(...levels))?.level
          return above === undefined ? { kind: 'unreachable' } : reach(above, level, nameOf(level))
        }
        case 'maximum':
          return { kind: 'met', name: nameOf(Math.min(level, Math.max(...levels))) }
      }
    },
  }
}
