import type { RealmName } from '../../base/brand.ts'

const RESOURCES = [
  'sessions',
  'serverinfo',
  'users',
  'authenticate',
  'policies',
  'applications',
  'resourcetypes',
] as const

/** What a path below `/json` names. */
export interface Address {
  readonly resource: (typeof RESOURCES)[number]
  /** What comes after the resource, decoded; `undefined` for the resource itself. */
  readonly id: string | undefined
  readonly realm: RealmName
}

const PREFIXES = ['/json/', '/am/json/', '/openam/json/']
const REALM_PART = /^[a-z0-9][a-z0-9-]{0,62}$/
const REALM = /^(?:\/|(?:\/[a-z0-9][a-z0-9-]{0,62})+)$/

/** The path below `/json/`; `undefined` when it is none of this interface's. */
export function pathBelowJson(path: string): string | undefined {
  const prefix = PREFIXES.find((each) => path.startsWith(each))
  return prefix === undefined ? undefined : path.slice(prefix.length)
}

/**
 * Reads every form in which OpenAM's clients address a realm: `realms/root/realms/a/realms/b/sessions`, `a/b/sessions`, and the
 * parameter `realm=/a/b`, which goes before the path. `undefined`: no resource here.
 */
export function readAddress(below: string, parameter: string | undefined): Address | undefined {
  const segments = below.split('/')
  if (segments.at(-1) === '') segments.pop()
  const named = segments[0] === 'realms' ? hierarchy(segments) : legacy(segments)
  if (named === undefined) return undefined
  const { parts, at } = named
  const [resource, id, ...rest] = segments.slice(at)
  const known = RESOURCES.find((each) => each === resource)
  if (known === undefined || rest.length > 0) return undefined
  const realm = realmOf(parts, parameter)
  return realm && { resource: known, id: decoded(id), realm }
}

/** The realm that one of these forms names before the last segment, which is `resource`. `undefined`: it is another, or no realm. */
export function realmBefore(resource: string, below: string, parameter: string | undefined): RealmName | undefined {
  const segments = below.split('/')
  const last = segments.length - 1
  if (segments[last] !== resource) return undefined
  const named = segments[0] === 'realms' ? hierarchy(segments) : { parts: segments.slice(0, last), at: last }
  return named?.at === last && named.parts.every((part) => REALM_PART.test(part))
    ? realmOf(named.parts, parameter)
    : undefined
}

function realmOf(parts: readonly string[], parameter: string | undefined): RealmName | undefined {
  // The agent for Node.js writes `realm=` for the root.
  const realm = parameter === undefined || parameter === '' ? `/${parts.join('/')}` : parameter
  return REALM.test(realm) ? (realm as RealmName) : undefined
}

function decoded(id: string | undefined): string | undefined {
  try {
    return id === undefined ? undefined : decodeURIComponent(id)
  } catch {
    return id
  }
}

interface Named {
  readonly parts: readonly string[]
  /** Where the resource stands. */
  readonly at: number
}

function hierarchy(segments: readonly string[]): Named | undefined {
  if (segments[1] !== 'root') return undefined
  const parts: string[] = []
  let at = 2
  for (; segments[at] === 'realms'; at += 2) {
    const part = segments[at + 1] ?? ''
    if (!REALM_PART.test(part)) return undefined
    parts.push(part)
  }
  return { parts, at }
}

function legacy(segments: readonly string[]): Named | undefined {
  const at = segments.findIndex((segment) => RESOURCES.some((each) => each === segment))
  if (at === -1) return undefined
  const parts = segments.slice(0, at)
  return parts.every((part) => REALM_PART.test(part)) ? { parts, at } : undefined
}
