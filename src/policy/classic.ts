import { canonicalPath, canonicalQuery, foldCase } from './spelling.ts'
import type { PatternParts } from './pattern-parts.ts'
import type { Precision } from './precision.ts'
import { compileWildcard } from './wildcard.ts'

/** A URL as OpenAM compares it: one text up to the query, and the query with its parameters in order. */
export interface ClassicTarget {
  readonly before: string
  /** The same for every other way in which an application may read the path. */
  readonly readings: readonly string[]
  readonly query: string | undefined
}

interface Parts {
  readonly scheme: string
  readonly host: string
  readonly port: string
  readonly path: string
  readonly readings: readonly string[]
  readonly query: string | undefined
}

export function classicTarget({ scheme, host, port, path, readings, query }: Parts): ClassicTarget {
  const bracketed = host.includes(':') ? `[${host}]` : host
  const before = (each: string): string => foldCase(`${scheme}://${bracketed}:${port}${collapsed(each)}`)
  return {
    before: before(path),
    readings: [...new Set(readings.map(before))],
    query: query === undefined ? undefined : foldCase(sorted(query)),
  }
}

/**
 * OpenAM's way of comparing (its Java engine): without regard to case, over the whole of the URL up to the query, so that a wildcard
 * of the host may run into port and path. A wildcard takes no `?`, and a slash after a pattern with `-*-` is overlooked.
 */
export function compileClassic({
  scheme,
  host,
  port,
  path,
  query,
}: PatternParts & { readonly port: string }): (target: ClassicTarget, precision: Precision) => boolean {
  const text = `${scheme}://${host}:${port}${collapsed(path)}`
  const matchesBefore = compileWildcard(text, (literal) => foldCase(canonicalPath(literal)))
  const overlooksSlash = text.includes('-*-') && !text.endsWith('/')
  const before = (asked: string): boolean =>
    matchesBefore(asked) || (overlooksSlash && asked.endsWith('/') && matchesBefore(asked.slice(0, -1)))
  const reads = (target: ClassicTarget, precision: Precision): boolean =>
    before(target.before) || (precision === 'loose' && target.readings.some(before))
  if (query === undefined)
    return (target, precision) => (precision === 'loose' || target.query === undefined) && reads(target, precision)
  const matchesQuery = compileWildcard(sorted(query), (literal) => foldCase(canonicalQuery(literal)))
  return (target, precision) => target.query !== undefined && reads(target, precision) && matchesQuery(target.query)
}

/** A path without doubled slashes and dots. */
export function collapsed(path: string): string {
  if (!path.includes('//') && !path.includes('/.')) return path
  const segments = path.split('/')
  const kept: string[] = []
  for (const segment of segments) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  const isFolder = ['', '.', '..'].includes(segments.at(-1) ?? '') && kept.length > 0
  return `/${kept.join('/')}${isFolder ? '/' : ''}`
}

/** Parameters by name; those of one name stay as they came. */
function sorted(query: string): string {
  if (!query.includes('&')) return query
  const nameOf = (parameter: string): string => parameter.split('=', 1)[0] ?? ''
  const parameters = query.split('&').map((parameter) => ({ parameter, name: nameOf(parameter) }))
  parameters.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return parameters.map(({ parameter }) => parameter).join('&')
}
