import type { User } from '../../identity/directory.ts'
import { STANDARD_CLAIMS } from './clients.schema.ts'

export type Claims = Readonly<Record<string, Readonly<Record<string, string>>>>

/** What each scope tells, the configuration's own word first. */
export function claimsByScope(configured: Claims): Claims {
  return { ...STANDARD_CLAIMS, ...configured }
}

/** Of that, what a client may come to know: the parameter `claims` names single ones, and must not reach beyond its scopes. */
export function claimsWithin(all: Claims, scopes: readonly string[]): Claims {
  return Object.fromEntries(Object.entries(all).filter(([scope]) => scopes.includes(scope)))
}

/** The scopes by which a claim is told. */
export function scopesTelling(all: Claims, claim: string): readonly string[] {
  return Object.keys(all).filter((scope) => Object.hasOwn(all[scope] ?? {}, claim))
}

/** Everything that these scopes could tell of a user: the library cuts it down to what was granted. */
export function claimsOf(user: User, scopes: Claims): Record<string, unknown> & { readonly sub: string } {
  const told: Record<string, unknown> = {}
  for (const claims of Object.values(scopes)) {
    for (const [claim, source] of Object.entries(claims)) {
      const value = valueOf(user, source)
      if (value !== undefined) told[claim] = value
    }
  }
  // Never from the directory's attributes: who could write them could be somebody else.
  return { ...told, sub: user.id }
}

function valueOf({ id, username, groups, attributes }: User, source: string): unknown {
  if (source === 'username') return username
  if (source === 'userId') return id
  if (source === 'groups') return [...groups]
  const name = source.slice('attribute:'.length)
  const values = Object.hasOwn(attributes, name) ? (attributes[name] ?? []) : []
  return values.length > 1 ? [...values] : values[0]
}
