import type { Address, Credentials, RedisSettings } from './settings.ts'

const DEFAULT_PORT = 6_379
const DEFAULT_SENTINEL_PORT = 26_379

/** What a store URL says; everything else comes from the configuration. */
export type UrlSettings = Pick<RedisSettings, 'mode' | 'nodes' | 'primary' | 'database'> &
  Credentials & { readonly isTls: boolean }

export type ParsedStoreUrl =
  | { readonly kind: 'parsed'; readonly settings: UrlSettings }
  /** `why` quotes nothing of the URL: it may hold a password. */
  | { readonly kind: 'malformed'; readonly why: string }

const FORM = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^@/?#]+)(\/[^?#]*)?$/

/** `host`, `host:port`, `[::1]:port`. */
export function parseAddress(text: string, defaultPort: number = DEFAULT_PORT): Address | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = match?.[3] === undefined ? defaultPort : Number(match[3])
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function parseCredentials(text: string): Credentials | undefined {
  if (text === '') return {}
  const colon = text.indexOf(':')
  const username = decoded(colon < 0 ? text : text.slice(0, colon))
  const password = colon < 0 ? undefined : decoded(text.slice(colon + 1))
  if (username === undefined || (colon >= 0 && password === undefined)) return undefined
  return { ...(username === '' ? {} : { username }), ...(password === undefined ? {} : { password }) }
}

function parseDatabase(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return 0
  return /^\d{1,4}$/.test(text) ? Number(text) : undefined
}

function malformed(why: string): ParsedStoreUrl {
  return { kind: 'malformed', why }
}

/**
 * `redis://[user:password@]host[:port][/database]`, `rediss://…` with TLS, `redis+sentinel://host:port,host:port/primary[/database]`,
 * `redis+cluster://host:port,host:port`; `rediss+sentinel` and `rediss+cluster` with TLS.
 */
export function parseStoreUrl(url: string): ParsedStoreUrl {
  const match = FORM.exec(url)
  if (match === null)
    return malformed('write redis://host:port, rediss://…, redis+sentinel://…/primary or redis+cluster://…')
  const [, tls, way, userinfo = '', hosts = '', path = ''] = match
  const mode = way === 'sentinel' || way === 'cluster' ? way : 'standalone'
  const nodes = hosts
    .split(',')
    .map((host) => parseAddress(host, mode === 'sentinel' ? DEFAULT_SENTINEL_PORT : DEFAULT_PORT))
  const known = nodes.filter((node) => node !== undefined)
  if (known.length < nodes.length)
    return malformed('a host or a port in it cannot be read: write host:port, several with commas')
  if (mode === 'standalone' && known.length > 1)
    return malformed('several hosts need redis+sentinel:// or redis+cluster://')
  const credentials = parseCredentials(userinfo)
  if (credentials === undefined) return malformed('user and password have to be percent-encoded')
  const segments = path.split('/').slice(1)
  const primary = mode === 'sentinel' ? decoded(segments.shift() ?? '') : undefined
  if (mode === 'sentinel' && (primary === undefined || primary === '')) {
    return malformed('name the primary that the sentinels watch: redis+sentinel://host:port/primary')
  }
  const database = parseDatabase(segments.shift())
  if (database === undefined || segments.length > 0) return malformed('what follows the hosts is no database number')
  if (mode === 'cluster' && database !== 0) return malformed('a cluster has only database 0')
  return { kind: 'parsed', settings: { mode, nodes: known, primary, database, ...credentials, isTls: tls === 's' } }
}
