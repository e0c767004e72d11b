import { createConnection, type LdapConnection } from './connection.ts'
import { ServerFailure } from './failure.ts'
import { openSocket, type ServerAddress } from './socket.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../telemetry/log.ts'

export interface ServersDeps {
  readonly servers: readonly ServerAddress[]
  readonly connectTimeoutMs: number
  readonly timeoutMs: number
  readonly clock: Clock
  readonly log: Log
}

/** Servers with the same content, in order of preference. */
export interface Servers {
  /**
   * A connection to the first server that can be reached, made ready by `prepare`. Servers that failed a moment ago are left alone;
   * rejects with ServerFailure when none is left, without trying while all of them are left alone.
   */
  connect(prepare?: (connection: LdapConnection) => Promise<void>): Promise<LdapConnection>
  /** The server of this connection answered: only that shows that it is well again. */
  worked(connection: LdapConnection): void
  /** The server of this connection did not answer: others go before it for a while. */
  failed(connection: LdapConnection, why: unknown): void
}

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000

interface Health {
  readonly address: ServerAddress
  failures: number
  /** Not before then is it tried again. */
  retryAt: number
  /** Somebody is finding out whether it works again. */
  trial: Promise<boolean> | undefined
}

export function createServers({ servers, connectTimeoutMs, timeoutMs, clock, log }: ServersDeps): Servers {
  const known = servers.map((address): Health => ({ address, failures: 0, retryAt: 0, trial: undefined }))
  const origins = new WeakMap<LdapConnection, Health>()

  const failed = (server: Health, error: unknown): void => {
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** server.failures)
    if (server.failures === 0) log.warn({ server: nameOf(server), err: error }, 'a directory server failed')
    server.failures = Math.min(server.failures + 1, 16)
    server.retryAt = clock() + pause
  }
  const worked = (server: Health): void => {
    if (server.failures > 0) log.info({ server: nameOf(server) }, 'a directory server works again')
    server.failures = 0
  }
  const mayTry = ({ failures, retryAt, trial }: Health): boolean => {
    const wait = retryAt - clock()
    // A clock that was set back keeps nobody away for longer.
    return failures === 0 || (trial === undefined && (wait <= 0 || wait > LONGEST_PAUSE_MS))
  }
  const connectTo = async (server: Health, prepare: Opening['prepare']): Promise<LdapConnection> => {
    try {
      const connection = await open(server.address, { connectTimeoutMs, timeoutMs, prepare })
      origins.set(connection, server)
      return connection
    } catch (error) {
      failed(server, error)
      throw error
    }
  }
  /** One at a time tries a server that failed; the others need not find out the same. */
  const tryAgain = (server: Health, prepare: Opening['prepare']): Promise<LdapConnection> => {
    const connecting = connectTo(server, prepare)
    const trial = connecting.then(
      () => true,
      () => false,
    )
    server.trial = trial.finally(() => (server.trial = undefined))
    return connecting
  }

  return {
    async connect(prepare) {
      let last: unknown
      const attempt = async (server: Health): Promise<LdapConnection | undefined> => {
        try {
          return await (server.failures === 0 ? connectTo(server, prepare) : tryAgain(server, prepare))
        } catch (error) {
          last = error
          return undefined
        }
      }
      const tried = new Set<Health>()
      for (const server of known.filter(mayTry)) {
        tried.add(server)
        const connection = await attempt(server)
        if (connection !== undefined) return connection
      }
      for (const server of known.filter((each) => !tried.has(each) && each.trial !== undefined)) {
        const connection = (await server.trial) === true ? await attempt(server) : undefined
        if (connection !== undefined) return connection
      }
      throw new ServerFailure(messageOf(last), { cause: last })
    },
    worked(connection) {
      const server = origins.get(connection)
      if (server !== undefined) worked(server)
    },
    failed(connection, why) {
      const server = origins.get(connection)
      if (server !== undefined) failed(server, why)
    },
  }
}

interface Opening {
  readonly connectTimeoutMs: number
  readonly timeoutMs: number
  readonly prepare: ((connection: LdapConnection) => Promise<void>) | undefined
}

async function open(
  address: ServerAddress,
  { connectTimeoutMs, timeoutMs, prepare }: Opening,
): Promise<LdapConnection> {
  const connection = createConnection(await openSocket(address, connectTimeoutMs), timeoutMs)
  try {
    await prepare?.(connection)
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

function nameOf({ address }: Health): string {
  return `${address.host}:${address.port}`
}

function messageOf(last: unknown): string {
  if (last === undefined) return 'all directory servers failed a moment ago'
  return `no directory server can be used${last instanceof Error ? `: ${last.message}` : ''}`
}
