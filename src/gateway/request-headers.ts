import { forwardedValues } from '../http/forwarded.ts'
import { namedByConnection } from '../http/hop-by-hop.ts'
import type { AccessRequest } from './access-request.ts'
import { cookiesOf, joinCookies } from './identity-cookies.ts'
import type { KeptForm } from './kept-forms.ts'
import type { HeaderList } from './upstream/upstream.ts'

/**
 * The header list for the upstream, but for `ownHeaders`: the same for equal lines from the same client. The order of work is the point: first goes what concerns the client's connection
 * and what the client wants dropped, then every spelling of what only we may say, and only then are ours added, so that
 * `Connection: X-Remote-User` cannot take them away. Our names are in lower case, as in HTTP/2: the client underneath has to look
 * at each, and then makes no new string for it.
 */
export function requestHeaders(request: AccessRequest, identity: HeaderList): HeaderList {
  return [...clientLines(request), ...personalLines(request, identity)]
}

/** The lines that depend on nothing but the site and what came, its cookies apart: the same for everybody with such a browser. */
export function clientLines({ site, raw }: Pick<AccessRequest, 'site' | 'raw'>): HeaderList {
  const { rawHeaders } = raw
  const named = namedByConnection(raw.headers.connection)
  const lines: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const { name, fate } = site.scrub(rawHeaders[i] ?? '')
    const value = rawHeaders[i + 1] ?? ''
    if (fate === 'drop' || fate === 'cookie') continue
    // An access token opens every site of the realm: an application that saw it could be its user everywhere.
    if (fate === 'authorization' && site.hidesAuthorization(value)) continue
    if (named.size > 0 && named.has(name.toLowerCase())) continue
    lines.push(name, value)
  }
  for (const item of site.fixedHeaders) lines.push(item)
  return lines
}

/** The lines about who asks and from where: cookies, addresses, identity. Of what came they depend on `Cookie` and `X-Forwarded-For`. */
export function personalLines({ site, raw, client }: AccessRequest, identity: HeaderList): HeaderList {
  const { rawHeaders } = raw
  const lines: string[] = []
  let ours = cookiesOf(identity)
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const { name, fate } = site.scrub(rawHeaders[i] ?? '')
    // A `Cookie` in another spelling is one for CGI alone; it could carry anything past us.
    if (fate !== 'cookie' || !isCookie(name)) continue
    const value = joinCookies(ours, site.readCookies(rawHeaders[i + 1] ?? '').forUpstream)
    // RFC 6265 §5.4: there is one Cookie header, and who gets several may read one of them.
    ours = undefined
    if (value !== undefined) lines.push(name, value)
  }
  const { xForwardedFor, forwarded } = forwardedValues(raw, client, site.origin)
  lines.push('x-forwarded-for', xForwardedFor, 'forwarded', forwarded)
  if (site.clientAddressHeader !== undefined) lines.push(site.clientAddressHeader, client.ip)
  for (let i = 0; i + 1 < identity.length; i += 2) {
    const name = identity[i] ?? ''
    if (name !== 'cookie') lines.push(name, identity[i + 1] ?? '')
    else if (ours !== undefined) lines.push(name, ours)
  }
  return lines
}

/** Whether the name of a header is that of the cookies, which `personalLines` reads. */
export function isCookie(name: string): boolean {
  return name.length === 6 && name.toLowerCase() === 'cookie'
}

/** The line that no other request has. */
export function ownHeaders({ id }: AccessRequest): HeaderList {
  return ['x-request-id', id]
}

/** What of a kept form stands in headers. */
export type FormHeaders = Pick<KeptForm, 'contentType' | 'referer'>

/** The headers of the click that sends a kept form, as they were when it was sent first. */
export function formHeaders(headers: HeaderList, { contentType, referer }: FormHeaders): HeaderList {
  const kept: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? ''
    const lower = name.toLowerCase()
    if (lower !== 'content-type' && lower !== 'referer') kept.push(name, headers[i + 1] ?? '')
  }
  kept.push('content-type', contentType)
  if (referer !== undefined) kept.push('referer', referer)
  return kept
}
