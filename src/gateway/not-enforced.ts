import { createAddressSet, type AddressSet } from '../http/forwarded.ts'
import type { NotEnforcedConfig } from './agent-profile.schema.ts'

/** What decides whether a request needs no session. */
export interface Visitor {
  readonly method: string
  readonly ip: string
  readonly path: string
  /** Other readings of the path; all of them must be open, or an application could be talked into serving a closed one. */
  readonly alternatives: readonly string[]
}

interface Rule {
  readonly methods: ReadonlySet<string> | undefined
  readonly addresses: AddressSet | undefined
}

interface PrefixRule extends Rule {
  readonly prefix: string
}

/** Compiles the list: exact paths in a map, `/public/*` as prefixes. Matched on the canonical path alone, case and all. */
export function compileNotEnforced(entries: readonly NotEnforcedConfig[]): (visitor: Visitor) => boolean {
  const exact = new Map<string, Rule[]>()
  const prefixes: PrefixRule[] = []
  for (const entry of entries) {
    const rule: Rule = {
      methods: entry.methods === undefined ? undefined : withHead(entry.methods),
      addresses: entry.addresses === undefined ? undefined : createAddressSet(entry.addresses),
    }
    if (entry.path.endsWith('*')) prefixes.push({ ...rule, prefix: entry.path.slice(0, -1) })
    else exact.set(entry.path, [...(exact.get(entry.path) ?? []), rule])
  }
  if (entries.length === 0) return () => false
  const isOpen = (path: string, visitor: Visitor): boolean =>
    exact.get(path)?.some((rule) => applies(rule, visitor)) === true ||
    prefixes.some((rule) => path.startsWith(rule.prefix) && applies(rule, visitor))
  return (visitor) => isOpen(visitor.path, visitor) && visitor.alternatives.every((reading) => isOpen(reading, visitor))
}

function applies(rule: Rule, visitor: Visitor): boolean {
  return rule.methods?.has(visitor.method) !== false && rule.addresses?.has(visitor.ip) !== false
}

/** HEAD is GET without the body (RFC 9110 §9.3.2). */
function withHead(methods: readonly string[]): ReadonlySet<string> {
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)
}
