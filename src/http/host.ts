import { rememberRecent } from '../base/recent.ts'

/** The Host of one request, read strictly. */
export interface RequestHost {
  /** Lower case, no port, no trailing dot; IPv6 addresses in brackets. */
  readonly name: string
  /** `undefined` when the header names none. */
  readonly port: number | undefined
  /** `name` and, unless it is the one a browser leaves out anyway, `:port`: the key of host tables. */
  readonly authority: string
}

const NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/
const IPV6 = /^\[[0-9a-f:.]{2,45}\]$/
const PORT = /^[1-9]\d{0,4}$/
/** As long as `parseHost` reads. */
const MAX_LENGTH = 262

/**
 * Reads the Host header (RFC 9110 §7.2). `undefined` when it is missing, repeated, empty, or anything but a name or address with
 * an optional port: user info, paths, lists, white space, percent-encoding and letters beyond ASCII are attacks here.
 * One trailing dot is folded away, so that `app.example.com.` is under the same rules.
 */
export function parseHost(header: string | undefined): RequestHost | undefined {
  if (header === undefined || header.length === 0 || header.length > MAX_LENGTH) return undefined
  const host = lowerAscii(header)
  if (host === undefined) return undefined
  const colon = host.endsWith(']') ? -1 : host.lastIndexOf(':')
  const portText = colon === -1 ? undefined : host.slice(colon + 1)
  const name = withoutFinalDot(colon === -1 ? host : host.slice(0, colon))
  if (!NAME.test(name) && !IPV6.test(name)) return undefined
  if (portText === undefined) return { name, port: undefined, authority: name }
  if (!PORT.test(portText)) return undefined
  const port = Number(portText)
  return port > 65_535 ? undefined : { name, port, authority: `${name}:${port}` }
}

/** `parseHost` that remembers what it has read: browsers send the same few hosts all day. Bounded, so nobody can fill it. */
export function createHostParser(maxEntries: number): (header: string | undefined) => RequestHost | undefined {
  const parse = rememberRecent(parseHost, { maxEntries, maxLength: MAX_LENGTH })
  return (header) => (header === undefined ? undefined : parse(header))
}

/** Whether the header occurs more than once: Node keeps the first and drops the others in silence. */
export function hasSeveralHosts(rawHeaders: readonly string[]): boolean {
  let seen = false
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (name?.length !== 4 || name.toLowerCase() !== 'host') continue
    if (seen) return true
    seen = true
  }
  return false
}

function withoutFinalDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}

/** ASCII letters only: a Kelvin sign must not become a `k`. */
function lowerAscii(text: string): string | undefined {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code <= 0x20 || code >= 0x7f) return undefined
  }
  return text.toLowerCase()
}
