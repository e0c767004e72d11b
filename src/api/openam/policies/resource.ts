import { parseHost } from '../../../http/host.ts'
import { parseTarget } from '../../../http/request-url.ts'
import type { Resource } from '../../../policy/decision.ts'

const ORIGIN = /^(https?):\/\/([^/?#]*)/i

/**
 * A resource that an agent asks about, by the rules under which the gateway reads a request of its own: `undefined` for what is no
 * http(s) URL and for what two servers could read differently. No policy covers that.
 */
export function parseResource(text: string): Resource | undefined {
  const split = splitResource(text)
  if (split === undefined) return undefined
  const target = parseTarget(split.target)
  if (typeof target === 'string') return undefined
  const { path, query } = target
  return { ...split.resource, path, query }
}

/** Scheme, host and port of a URL, and all behind them as it stands there, which may be what two servers could read differently. */
export function splitResource(text: string): { readonly resource: Resource; readonly target: string } | undefined {
  const [origin = '', scheme = '', authority] = ORIGIN.exec(text) ?? []
  const host = parseHost(authority)
  if (host === undefined) return undefined
  const rest = text.slice(origin.length)
  const secure = scheme.toLowerCase() === 'https'
  return {
    resource: {
      scheme: secure ? 'https' : 'http',
      host: host.name,
      port: host.port ?? (secure ? 443 : 80),
      path: '/',
      query: undefined,
    },
    // RFC 3986 §6.2.3: without a path it is `/`.
    target: rest === '' || rest.startsWith('?') ? `/${rest}` : rest,
  }
}

/** The one spelling of a resource. */
export function formatResource({ scheme, host, port, path, query }: Resource): string {
  return `${scheme}://${host}:${port}${path}${query === undefined ? '' : `?${query}`}`
}
