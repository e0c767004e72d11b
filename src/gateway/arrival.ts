import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Client } from '../http/client.ts'
import type { RequestHost } from '../http/host.ts'
import { parseTarget, type Target } from '../http/request-url.ts'
import type { GatewayGeneration } from './generation.ts'
import type { Route } from './routes.ts'
import { sentTransaction, type SentTransaction } from './sent-transaction.ts'
import type { Site } from './site.ts'
import type { Refuse } from './verdict.ts'

/** Where a request has arrived, before anything is decided. */
export type Arrival =
  | { readonly kind: 'login-host'; readonly target: Target }
  | ({ readonly kind: 'site'; readonly site: Site; readonly canonical: boolean } & SentTransaction)
  | { readonly kind: 'refused'; readonly refuse: Refuse; readonly detail: string; readonly site: Site | undefined }

const BAD_HOST: Refuse = { kind: 'refuse', status: 400, reason: 'bad-host' }
const BAD_FORWARDED_FOR: Refuse = { kind: 'refuse', status: 400, reason: 'bad-forwarded-for' }
const UNKNOWN_HOST: Refuse = { kind: 'refuse', status: 421, reason: 'unknown-host' }
const OTHER_TLS_NAME: Refuse = { kind: 'refuse', status: 421, reason: 'host-differs-from-tls-name' }
const BAD_TARGET: Refuse = { kind: 'refuse', status: 400, reason: 'bad-request-target' }

interface Arriving {
  readonly host: RequestHost | undefined
  readonly client: Client
  /** The connection is that of a proxy which asks about requests of others: its TLS name says nothing about them. */
  readonly relayed?: boolean
}

/** Reads Host and target, each exactly once. What cannot be read in one way is refused here, for the login host as well. */
export function arrive(
  generation: GatewayGeneration,
  raw: IncomingMessage,
  { host, client, relayed = false }: Arriving,
): Arrival {
  if (host === undefined) return refused(BAD_HOST, 'bad-host', undefined)
  if (client.ip === '') return refused(BAD_FORWARDED_FOR, 'bad-forwarded-for', undefined)
  const route = generation.hosts.find(host, client.scheme)
  if (route === undefined) return refused(UNKNOWN_HOST, 'unknown-host', undefined)
  const site = route.kind === 'site' ? route.site : undefined
  if (!relayed && differsFromTlsName(generation, raw, { host, route, client }))
    return refused(OTHER_TLS_NAME, 'other-tls-name', undefined)
  const target = parseTarget(raw.url ?? '', site?.encodedPaths)
  if (typeof target === 'string') return refused(BAD_TARGET, target, site)
  if (site === undefined || route.kind === 'login-host') return { kind: 'login-host', target }
  const { canonical } = route
  // A redirect to the site's own origin takes along whatever came; where no policy is asked, nothing needs an approval.
  if (!canonical || site.ssoOnly) return { kind: 'site', site, canonical, target, transaction: undefined }
  const sent = sentTransaction(target, raw)
  return { kind: 'site', site, canonical, target: sent.target, transaction: sent.transaction }
}

function refused(refuse: Refuse, detail: string, site: Site | undefined): Arrival {
  return { kind: 'refused', refuse, detail, site }
}

/**
 * A connection made for one site must not be used for another: client certificates were asked for under the first name. A name
 * that is nobody's may be what a trusted proxy calls us; from others it is a name under which nothing was promised.
 */
function differsFromTlsName(
  generation: GatewayGeneration,
  raw: IncomingMessage,
  { host, route, client }: { readonly host: RequestHost; readonly route: Route; readonly client: Client },
): boolean {
  const name = (raw.socket as Partial<TLSSocket>).servername
  if (typeof name !== 'string' || name === '' || name.toLowerCase() === host.name) return false
  const named = generation.hosts.named(name.toLowerCase())
  if (named === undefined) return client.ip === client.peer
  if (named.kind !== 'site' || route.kind !== 'site') return named.kind !== route.kind
  return named.site.agent !== route.site.agent
}
