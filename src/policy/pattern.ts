import type { Resource } from './decision.ts'
import { classicTarget, compileClassic, collapsed, type ClassicTarget } from './classic.ts'
import type { Precision } from './precision.ts'
import { splitPattern, type PatternParts } from './pattern-parts.ts'
import { canonicalPath, canonicalQuery, foldCase } from './spelling.ts'
import { matchesWildcard, parseWildcard, type Wildcard } from './wildcard.ts'

/** A resource in the spellings that patterns are compared with, made once for each evaluation. */
export interface Target {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: string
  readonly path: string
  /**
   * Folded paths that an application may read this one as: as it is, without path parameters (Tomcat, Spring) and without the
   * slash at its end (Express). The first is always the path as it is.
   */
  readonly readings: readonly string[]
  readonly query: string | undefined
  /** In the spelling of OpenAM, for policy sets that compare as it does. */
  readonly classic: ClassicTarget | undefined
}

/** `component`: part by part. `classic`: as OpenAM does, and a deny in either way. */
export type Matching = 'component' | 'classic'

export interface ResourcePattern {
  /** As it was written. */
  readonly text: string
  matches(target: Target, precision: Precision): boolean
}

/** Where all that a pattern covers is, for the index. */
export interface Place {
  /** The host where it has no wildcard. */
  readonly host: string | undefined
  /** Leading path segments without a wildcard, in the spelling of `Target.readings`. */
  readonly segments: readonly string[]
}

export type ParsedPattern =
  | { readonly kind: 'pattern'; readonly pattern: ResourcePattern; readonly place: Place }
  /** What is wrong and what to do. */
  | { readonly kind: 'problem'; readonly message: string }

/** What is wrong with a resource pattern and what to do about it; `undefined` when nothing is. */
export function checkPattern(text: string): string | undefined {
  const parts = splitPattern(text)
  return parts.kind === 'problem' ? parts.message : undefined
}

/** What patterns have in common, each once: the less there is to read, the less a decision waits for memory. */
export type SharedParts = Map<string, Wildcard>

/** Compiles `scheme://host:port/path?query`, component by component, so that no wildcard reaches from one into the next. */
export function parsePattern(
  text: string,
  matching: Matching = 'component',
  shared: SharedParts = new Map(),
): ParsedPattern {
  const split = splitPattern(text)
  if (split.kind === 'problem') return split
  const { parts } = split
  const pattern = compile(text, parts, shared)
  const place = placeOf(parts)
  return matching === 'classic'
    ? { kind: 'pattern', ...classic(pattern, parts, place) }
    : { kind: 'pattern', pattern, place }
}

export function targetOf(resource: Resource, matching: Matching = 'component'): Target {
  const path = canonicalPath(resource.path)
  const target: Target = {
    scheme: resource.scheme,
    host: withoutBrackets(resource.host),
    port: String(resource.port),
    path,
    readings: readingsOf(foldCase(path)),
    query: resource.query === undefined ? undefined : canonicalQuery(resource.query),
    classic: undefined,
  }
  return matching === 'classic' ? withClassic(target) : target
}

function withClassic(target: Target): Target {
  const readings = [...new Set([...target.readings, ...readingsOf(foldCase(collapsed(target.path)))])]
  return { ...target, readings, classic: classicTarget({ ...target, readings }) }
}

/** A pattern of a set that compares as OpenAM does. What closes counts in either way, so that the change of ways opens nothing. */
function classic(
  pattern: ResourcePattern,
  parts: PatternParts,
  place: Place,
): { readonly pattern: ResourcePattern; readonly place: Place } {
  const port = parts.port ?? defaultPort(parts.scheme)
  const matches = compileClassic({ ...parts, port })
  return {
    pattern: {
      text: pattern.text,
      matches: (target, precision) =>
        (target.classic !== undefined && matches(target.classic, precision)) ||
        (precision === 'loose' && pattern.matches(target, 'loose')),
    },
    // A wildcard of the port may run into the path.
    place: port.includes('*') ? { host: place.host, segments: [] } : place,
  }
}

function readingsOf(folded: string): readonly string[] {
  const slash = folded.length > 1 && folded.endsWith('/')
  if (!slash && !folded.includes(';')) return [folded]
  const bare = folded.replace(PATH_PARAMETERS, '')
  return [...new Set([folded, bare, withoutLastSlash(folded), withoutLastSlash(bare)])]
}

const PATH_PARAMETERS = /;[^/]*/g

function withoutLastSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

function compile(
  text: string,
  { scheme, host, port, path, query }: PatternParts,
  shared: SharedParts,
): ResourcePattern {
  const share = (kind: string, component: string, read: (literal: string) => string): Wildcard => {
    const key = `${kind} ${component}`
    const known = shared.get(key) ?? parseWildcard(component, read)
    shared.set(key, known)
    return known
  }
  const schemes = share('scheme', scheme, foldCase)
  return new ComponentPattern(text, {
    http: matchesWildcard(schemes, 'http'),
    https: matchesWildcard(schemes, 'https'),
    host: share('host', foldCase(withoutBrackets(host)), foldCase),
    port: share('port', port ?? defaultPort(scheme), (literal) => literal),
    path: share('path', path, canonicalPath),
    loosePath: share(isFolded(canonicalPath(path)) ? 'path' : 'loose path', path, (x) => foldCase(canonicalPath(x))),
    query: query === undefined ? undefined : share('query', query, canonicalQuery),
    looseQuery:
      query === undefined
        ? undefined
        : share(isFolded(canonicalQuery(query)) ? 'query' : 'loose query', query, (x) => foldCase(canonicalQuery(x))),
  })
}

/** Most patterns are written in small letters: their two ways to match share what is compared. */
interface Components {
  readonly http: boolean
  readonly https: boolean
  readonly host: Wildcard
  readonly port: Wildcard
  readonly path: Wildcard
  readonly loosePath: Wildcard
  readonly query: Wildcard | undefined
  readonly looseQuery: Wildcard | undefined
}

/** Matches component by component, cheap and telling ones first. A class, so that ten thousands of them share the code. */
class ComponentPattern implements ResourcePattern {
  readonly text: string
  readonly #http: boolean
  readonly #https: boolean
  readonly #host: Wildcard
  readonly #port: Wildcard
  readonly #path: Wildcard
  readonly #loosePath: Wildcard
  readonly #query: Wildcard | undefined
  readonly #looseQuery: Wildcard | undefined

  constructor(text: string, { http, https, host, port, path, loosePath, query, looseQuery }: Components) {
    this.text = text
    this.#http = http
    this.#https = https
    this.#host = host
    this.#port = port
    this.#path = path
    this.#loosePath = loosePath
    this.#query = query
    this.#looseQuery = looseQuery
  }

  matches(target: Target, precision: Precision): boolean {
    return (
      (target.scheme === 'https' ? this.#https : this.#http) &&
      (precision === 'exact' ? this.#isExactly(target) : this.#isLoosely(target)) &&
      matchesWildcard(this.#port, target.port) &&
      matchesWildcard(this.#host, target.host)
    )
  }

  #isExactly({ path, query }: Target): boolean {
    if (this.#query === undefined) return query === undefined && matchesWildcard(this.#path, path)
    return query !== undefined && matchesWildcard(this.#path, path) && matchesWildcard(this.#query, query)
  }

  #isLoosely(target: Target): boolean {
    if (this.#looseQuery === undefined) return anyReading(target, this.#loosePath)
    const { query } = target
    return (
      query !== undefined && anyReading(target, this.#loosePath) && matchesWildcard(this.#looseQuery, foldCase(query))
    )
  }
}

/** `[::1]` and `::1` are one host. */
function withoutBrackets(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host
}

/** A wildcard scheme has no default port and so stands for any, as in OpenAM's canonical form of such a pattern. */
function defaultPort(scheme: string): string {
  if (scheme.includes('*')) return '*'
  return foldCase(scheme) === 'https' ? '443' : '80'
}

function isFolded(text: string): boolean {
  return foldCase(text) === text
}

function anyReading({ readings }: Target, wildcard: Wildcard): boolean {
  for (const path of readings)
    if (matchesWildcard(wildcard, path) || (!path.endsWith('/') && matchesWildcard(wildcard, `${path}/`))) return true
  return false
}

function placeOf({ host, path }: PatternParts): Place {
  return {
    host: host.includes('*') ? undefined : foldCase(withoutBrackets(host)),
    segments: literalSegments(path),
  }
}

function literalSegments(path: string): readonly string[] {
  const segments = path.slice(1).split('/')
  const wild = segments.findIndex((segment) => segment.includes('*'))
  return (wild === -1 ? segments : segments.slice(0, wild)).map((segment) => foldCase(canonicalPath(segment)))
}
