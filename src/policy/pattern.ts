import type { Resource } from './decision.ts'
import { splitPattern, type PatternParts } from './pattern-parts.ts'
import { canonicalPath, canonicalQuery, foldCase } from './spelling.ts'
import { compileWildcard, type Matcher } from './wildcard.ts'

export type Effect = 'allow' | 'deny'

/** A resource in the spellings that patterns are compared with, made once for each evaluation. */
export interface Target {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: string
  readonly path: string
  readonly foldedPath: string
  readonly query: string | undefined
}

/**
 * A compiled resource pattern. An allow covers what is written and nothing else. A deny covers also what an application may
 * take for the same: other letter case in path and query, and, where the pattern has no `?`, any query. So a careless
 * spelling never opens anything.
 */
export interface ResourcePattern {
  /** The host where it has no wildcard, for the index. */
  readonly host: string | undefined
  /** Leading path segments without a wildcard, in the spelling of `Target.foldedPath`, for the index. */
  readonly segments: readonly string[]
  matches(target: Target, effect: Effect): boolean
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
export function parsePattern(text: string): ParsedPattern {
  const split = splitPattern(text)
  return split.kind === 'problem' ? split : { kind: 'pattern', pattern: compile(split.parts) }
}

export function targetOf(resource: Resource): Target {
  const path = canonicalPath(resource.path)
  return {
    scheme: resource.scheme,
    host: withoutBrackets(resource.host),
    port: String(resource.port),
    path,
    foldedPath: foldCase(path),
    query: resource.query === undefined ? undefined : canonicalQuery(resource.query),
  }
}

function compile({ scheme, host, port, path, query }: PatternParts): ResourcePattern {
  const schemeMatches = compileWildcard(scheme, foldCase)
  const http = schemeMatches('http')
  const https = schemeMatches('https')
  const bareHost = foldCase(withoutBrackets(host))
  const hostMatches = compileWildcard(bareHost, foldCase)
  const portMatches = compileWildcard(port ?? defaultPort(scheme), (literal) => literal)
  const allow = compileReading(path, query, 'allow')
  const deny = compileReading(path, query, 'deny')
  return {
    host: host.includes('*') ? undefined : bareHost,
    segments: literalSegments(path),
    matches(target, effect) {
      return (
        (target.scheme === 'https' ? https : http) &&
        portMatches(target.port) &&
        hostMatches(target.host) &&
        (effect === 'allow' ? allow(target) : deny(target))
      )
    },
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

type Reading = (target: Target) => boolean

function compileReading(path: string, query: string | undefined, effect: Effect): Reading {
  if (effect === 'allow') {
    const pathMatches = compileWildcard(path, canonicalPath)
    if (query === undefined) return (target) => target.query === undefined && pathMatches(target.path)
    const queryMatches = compileWildcard(query, canonicalQuery)
    return (target) => target.query !== undefined && pathMatches(target.path) && queryMatches(target.query)
  }
  const pathMatches = compileWildcard(path, (literal) => foldCase(canonicalPath(literal)))
  if (query === undefined) return (target) => pathMatches(target.foldedPath)
  const queryMatches: Matcher = compileWildcard(query, (literal) => foldCase(canonicalQuery(literal)))
  return (target) =>
    target.query !== undefined && pathMatches(target.foldedPath) && queryMatches(foldCase(target.query))
}

function literalSegments(path: string): readonly string[] {
  const segments = path.slice(1).split('/')
  const wild = segments.findIndex((segment) => segment.includes('*'))
  return (wild === -1 ? segments : segments.slice(0, wild)).map((segment) => foldCase(canonicalPath(segment)))
}
