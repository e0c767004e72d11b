import { parseHost } from '../../../http/host.ts'
import { parseTarget } from '../../../http/request-url.ts'
import type { Resource } from '../../../policy/decision.ts'

const ORIGIN = /^(https?):\/\/([^/?#]*)/i

/**
 * A resource that an agent asks about, by the rules under which the gateway reads a request of its own: `undefined` for what is no
 * http(s) URL and for what two servers could read differently. No policy covers that.
 */
export function parseResource(text: string): Resource | undefined {
  const [origin = '', scheme = '', authority] = ORIGIN.exec(text) ?? []
  const host = parseHost(authority)
  if (host === undefined) return undefined
  const rest = text.slice(origin.length)
  // RFC 3986 §6.2.3: without a path it is `/`.
  const target = parseTarget(rest === '' || rest.startsWith('?') ? `/${rest}` : rest)
  if (typeof target === 'string') return undefined
  const secure = scheme.toLowerCase() === 'https'
  const { path, query } = target
  return {
    scheme: secure ? 'https' : 'http',
    host: host.name,
    port: host.port ?? (secure ? 443 : 80),
    path,
    query,
  }
}

/** The one spelling of a resource. */
export function formatResource({ scheme, host, port, path, query }: Resource): string {
  return `${scheme}://${host}:${port}${path}${query === undefined ? '' : `?${query}`}`
}
