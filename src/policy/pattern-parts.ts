import { foldCase, isWellEncoded } from './spelling.ts'
import { compileWildcard } from './wildcard.ts'

/** A resource pattern taken apart, wildcards still in it. */
export interface PatternParts {
  readonly scheme: string
  readonly host: string
  /** `undefined` where the pattern names none. */
  readonly port: string | undefined
  /** Starts with `/`. */
  readonly path: string
  /** Without `?`; `undefined` where the pattern has none. */
  readonly query: string | undefined
}

export type SplitPattern =
  | { readonly kind: 'parts'; readonly parts: PatternParts }
  | { readonly kind: 'problem'; readonly message: string }

const LONGEST = 2_048
const EXAMPLE = '*://app.example.com:*/*'

/** Takes a pattern apart and says what is wrong with it where it could never match, or not what its author meant. */
export function splitPattern(text: string): SplitPattern {
  const parts = takeApart(text)
  if (typeof parts === 'string') return { kind: 'problem', message: parts }
  const message =
    schemeProblem(parts) ?? hostProblem(parts.host) ?? portProblem(parts.port) ?? pathProblem(parts.path, parts.query)
  return message === undefined ? { kind: 'parts', parts } : { kind: 'problem', message }
}

function takeApart(text: string): PatternParts | string {
  if (text.length > LONGEST) return `the pattern is longer than ${LONGEST} characters; shorten it with a wildcard`
  if (!isVisibleAscii(text))
    return 'the pattern has a space, a control character or a letter beyond ASCII; percent-encode it in path and query, and write the host in its xn-- form'
  if (text.includes('#')) return 'a fragment never reaches the gateway; leave out # and what follows it'
  const colon = text.indexOf('://')
  if (colon < 1) return `write scheme, host and path, for example ${EXAMPLE}`
  const rest = text.slice(colon + 3)
  const mark = rest.indexOf('?')
  const beforeQuery = mark === -1 ? rest : rest.slice(0, mark)
  const slash = beforeQuery.indexOf('/')
  const authority = slash === -1 ? beforeQuery : beforeQuery.slice(0, slash)
  return {
    scheme: text.slice(0, colon),
    ...hostAndPort(authority),
    path: slash === -1 ? '/' : beforeQuery.slice(slash),
    query: mark === -1 ? undefined : rest.slice(mark + 1),
  }
}

function isVisibleAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code <= 0x20 || code >= 0x7f) return false
  }
  return true
}

/** An IPv6 address stands in brackets, so that its colons are not taken for the port's (RFC 3986 §3.2.2). */
function hostAndPort(authority: string): { readonly host: string; readonly port: string | undefined } {
  const colon = authority.indexOf(':', authority.startsWith('[') ? authority.indexOf(']') : 0)
  return colon === -1
    ? { host: authority, port: undefined }
    : { host: authority.slice(0, colon), port: authority.slice(colon + 1) }
}

function schemeProblem({ scheme }: PatternParts): string | undefined {
  const matches = compileWildcard(scheme, foldCase)
  if (matches('http') || matches('https')) return undefined
  return "the pattern's scheme matches neither http nor https; write http, https or *"
}

const HOST_CHARACTERS = /^[a-z0-9._*-]+$|^\[[0-9a-f:.]+\]$/i

function hostProblem(host: string): string | undefined {
  if (host === '') return `name the host, for example ${EXAMPLE}`
  if (host.includes('@')) return 'a user name is not part of a resource; leave out what stands before the @'
  return HOST_CHARACTERS.test(host)
    ? undefined
    : `the part between :// and the path is no host; write a name, an address or a wildcard`
}

const PORT_CHARACTERS = /^[0-9*-]+$/

function portProblem(port: string | undefined): string | undefined {
  if (port === undefined || port.includes('*')) {
    return port === undefined || PORT_CHARACTERS.test(port) ? undefined : 'write the port in digits, or * for any'
  }
  const number = PORT_CHARACTERS.test(port) ? Number(port) : Number.NaN
  return number >= 1 && number <= 65_535 && String(number) === port
    ? undefined
    : `the part after the host's colon is no port; write 1 to 65535, or * for any`
}

function pathProblem(path: string, query: string | undefined): string | undefined {
  if (path.includes('\\')) return 'a path has no backslash; write /'
  if (!isWellEncoded(path) || !isWellEncoded(query ?? ''))
    return 'a % starts an encoded byte, such as %20; write %25 for the character itself'
  const dots = path.split('/').find((segment) => segment === '.' || segment === '..')
  return dots === undefined
    ? undefined
    : `a request with ${dots} in its path never gets here; write the path it leads to`
}
