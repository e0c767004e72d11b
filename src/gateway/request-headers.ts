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
  const { site, raw, client } = request
  const { rawHeaders } = raw
  const named = namedByConnection(raw.headers.connection)
  const headers: string[] = []
  let ours = cookiesOf(identity)
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const { name, fate } = site.scrub(rawHeaders[i] ?? '')
    if (fate === 'drop') continue
    let value: string | undefined = rawHeaders[i + 1] ?? ''
    if (fate === 'cookie') {
      // A `Cookie` in another spelling is one for CGI alone; it could carry anything past us.
      if (name.toLowerCase() !== 'cookie') continue
      value = joinCookies(ours, site.readCookies(value).forUpstream)
      // RFC 6265 §5.4: there is one Cookie header, and who gets several may read one of them.
      ours = undefined
      if (value === undefined) continue
    } else if (fate === 'authorization' && site.hidesAuthorization(value)) {
      // An access token opens every site of the realm: an application that saw it could be its user everywhere.
      continue
    } else if (named.size > 0 && named.has(name.toLowerCase())) continue
    headers.push(name, value)
  }
  const { xForwardedFor, forwarded } = forwardedValues(raw, client, site.origin)
  for (const item of site.fixedHeaders) headers.push(item)
  headers.push('x-forwarded-for', xForwardedFor, 'forwarded', forwarded)
  if (site.clientAddressHeader !== undefined) headers.push(site.clientAddressHeader, client.ip)
  for (let i = 0; i + 1 < identity.length; i += 2) {
    const name = identity[i] ?? ''
    if (name !== 'cookie') headers.push(name, identity[i + 1] ?? '')
    else if (ours !== undefined) headers.push(name, ours)
  }
  return headers
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
