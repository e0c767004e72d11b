import type { RedisOptions } from 'ioredis'
import { isElsewhere } from './faults.ts'
import type { Address, RedisSettings, TlsSettings } from './settings.ts'

/** What a connection is made with: replies as they always were. */
export type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>

/** Back within two seconds of the server's return: the longest pause and one attempt to connect fit in. */
const LONGEST_PAUSE_MS = 500
const FIRST_PAUSE_MS = 25
const CONNECT_MS = 1_000

function pauseAfter(attempts: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempts - 1, 10), LONGEST_PAUSE_MS)
}

function tlsOptions({ ca, cert, key, serverName }: TlsSettings) {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
}

/**
 * Nothing waits for a connection: a command that cannot be sent now fails now, and one that was sent and not answered when the
 * connection broke fails too. It is never sent again by itself, because nobody knows whether it was done.
 */
function commonOptions(settings: RedisSettings): ConnectionOptions {
  const { username, password, database, tls, timeout, mode } = settings
  return {
    protocol: 2,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    noDelay: true,
    connectTimeout: CONNECT_MS,
    commandTimeout: timeout,
    retryStrategy: pauseAfter,
    sentinelRetryStrategy: pauseAfter,
    reconnectOnError: (error) => isElsewhere(error),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
    ...(mode === 'cluster' ? {} : { db: database }),
  }
}

function sentinelOptions(settings: RedisSettings): ConnectionOptions {
  const { nodes, primary, sentinel, tls } = settings
  return {
    sentinels: nodes.map(({ host, port }) => ({ host, port })),
    name: primary ?? '',
    role: 'master',
    sentinelCommandTimeout: CONNECT_MS,
    ...(sentinel.username === undefined ? {} : { sentinelUsername: sentinel.username }),
    ...(sentinel.password === undefined ? {} : { sentinelPassword: sentinel.password }),
    ...(sentinel.tls && tls !== undefined ? { enableTLSForSentinelMode: true, sentinelTLS: tlsOptions(tls) } : {}),
  }
}

/** Options of one connection: to `address`, or to whatever the settings name when absent. */
export function connectionOptions(settings: RedisSettings, address?: Address): ConnectionOptions {
  const common = commonOptions(settings)
  if (address !== undefined) return { ...common, host: address.host, port: address.port }
  if (settings.mode === 'sentinel') return { ...common, ...sentinelOptions(settings) }
  const [first] = settings.nodes
  return { ...common, host: first?.host ?? '', port: first?.port ?? 0 }
}
