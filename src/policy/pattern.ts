import type { Resource } from './decision.ts'
import { classicTarget, compileClassic, collapsed, type ClassicTarget } from './classic.ts'
import type { Precision } from './precision.ts'
import { splitPattern, type PatternParts } from './pattern-parts.ts'
import { canonicalPath, canonicalQuery, foldCase } from './spelling.ts'
import { compileWildcard, type Matcher } from './wildcard.ts'

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
  /** The host where it has no wildcard, for the index. */
  readonly host: string | undefined
  /** Leading path segments without a wildcard, in the spelling of `Target.readings`, for the index. */
  readonly segments: readonly string[]
  matches(target: Target, precision: Precision): boolean
}

export type ParsedPattern =
  | { readonly kind: 'pattern'; readonly pattern: ResourcePattern }
  /** What is wrong and what to do. */
  | { readonly kind: 'problem'; readonly message: string }

/** What is wrong with a resource pattern and what to do about it; `undefined` when nothing is. */
export function checkPattern(text: string): string | undefined {
  const parts = splitPattern(text)
  return parts.kind === 'problem' ? parts.message : undefined
}

/** Compiles `scheme://host:port/path?query`, component by component, so that no wildcard reaches from one into the next. */
export function parsePattern(text: string, matching: Matching = 'component'): ParsedPattern {
  const split = splitPattern(text)
  if (split.kind === 'problem') return split
  const pattern = compile(text, split.parts)
  return { kind: 'pattern', pattern: matching === 'classic' ? classic(pattern, split.parts) : pattern }
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
function classic(pattern: ResourcePattern, parts: PatternParts): ResourcePattern {
  const port = parts.port ?? defaultPort(parts.scheme)
  const matches = compileClassic({ ...parts, port })
  return {
    text: pattern.text,
    host: pattern.host,
    // A wildcard of the port may run into the path.
    segments: port.includes('*') ? [] : pattern.segments,
    matches: (target, precision) =>
      (target.classic !== undefined && matches(target.classic, precision)) ||
      (precision === 'loose' && pattern.matches(target, 'loose')),
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

function compile(text: string, { scheme, host, port, path, query }: PatternParts): ResourcePattern {
  const schemeMatches = compileWildcard(scheme, foldCase)
  const bareHost = foldCase(withoutBrackets(host))
  return {
    text,
    host: host.includes('*') ? undefined : bareHost,
    segments: literalSegments(path),
    matches: allOf({
      http: schemeMatches('http'),
      https: schemeMatches('https'),
      host: compileWildcard(bareHost, foldCase),
      port: compileWildcard(port ?? defaultPort(scheme), (literal) => literal),
      ...compilePathAndQuery(path, query),
    }),
  }
}

interface Parts {
  readonly http: boolean
  readonly https: boolean
  readonly host: Matcher
  readonly port: Matcher
  readonly exact: PathAndQuery
  readonly loose: PathAndQuery
}

function allOf({ http, https, host, port, exact, loose }: Parts): ResourcePattern['matches'] {
  return (target, precision) =>
    (target.scheme === 'https' ? https : http) &&
    port(target.port) &&
    host(target.host) &&
    (precision === 'exact' ? exact(target) : loose(target))
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

type PathAndQuery = (target: Target) => boolean

/** Most patterns are written in small letters: their two ways to match share what is compared. */
function compilePathAndQuery(path: string, query: string | undefined): Pick<Parts, 'exact' | 'loose'> {
  const exactPath = compileWildcard(path, canonicalPath)
  const loosePath = isFolded(canonicalPath(path)) ? exactPath : compileWildcard(path, (x) => foldCase(canonicalPath(x)))
  if (query === undefined) return { exact: exactWithout(exactPath), loose: looseWithAny(loosePath) }
  const exactQuery = compileWildcard(query, canonicalQuery)
  const looseQuery = isFolded(canonicalQuery(query))
    ? exactQuery
    : compileWildcard(query, (x) => foldCase(canonicalQuery(x)))
  return { exact: exactWith(exactPath, exactQuery), loose: looseWith(loosePath, looseQuery) }
}

function isFolded(text: string): boolean {
  return foldCase(text) === text
}

function exactWithout(path: Matcher): PathAndQuery {
  return (target) => target.query === undefined && path(target.path)
}

function exactWith(path: Matcher, query: Matcher): PathAndQuery {
  return (target) => target.query !== undefined && path(target.path) && query(target.query)
}

function looseWithAny(path: Matcher): PathAndQuery {
  return (target) => anyReading(target, path)
}

function looseWith(path: Matcher, query: Matcher): PathAndQuery {
  return (target) => target.query !== undefined && anyReading(target, path) && query(foldCase(target.query))
}

function anyReading({ readings }: Target, matches: Matcher): boolean {
  for (const path of readings) if (matches(path) || (!path.endsWith('/') && matches(`${path}/`))) return true
  return false
}

function literalSegments(path: string): readonly string[] {
  const segments = path.slice(1).split('/')
  const wild = segments.findIndex((segment) => segment.includes('*'))
  return (wild === -1 ? segments : segments.slice(0, wild)).map((segment) => foldCase(canonicalPath(segment)))
}
