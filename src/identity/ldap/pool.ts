import type { Clock } from '../../base/clock.ts'
import { fault } from '../../errors.ts'
import type { LdapConnection } from './connection.ts'
import { ServerFailure } from './failure.ts'
import type { Servers } from './servers.ts'

export interface PoolDeps {
  readonly servers: Servers
  /** Makes a new connection ready. */
  readonly prepare?: (connection: LdapConnection) => Promise<void>
  /** Connections at once. */
  readonly size: number
  /** `once`: a connection that somebody has signed in on is never used for anything else. */
  readonly use: 'again' | 'once'
  /** Milliseconds for one job once it has its connection. */
  readonly timeoutMs: number
  readonly clock: Clock
}

/** Connections that are used by one job at a time. */
export interface Pool {
  /**
   * Runs the job on a connection. Where the server had closed an idle one, or fails during the job, the job runs again on another
   * connection, so it must be harmless to repeat; a `once` pool repeats nothing. Rejects with GH_BUSY when too many wait,
   * and with ServerFailure when no server answers in time.
   */
  run<T>(job: (connection: LdapConnection) => Promise<T>): Promise<T>
  close(): void
}

/** Jobs that wait for each connection; more would wait longer than anybody does. */
const WAITING_PER_CONNECTION = 16
/** An idle connection that turns out to be dead, a fresh one, and one to another server. */
const MAX_TRIES = 3
/** A connection to a server that stood in for a preferred one is given up some time. */
const LONGEST_USE_MS = 300_000

interface Kept {
  readonly connection: LdapConnection
  readonly since: number
}

export function createPool({ servers, prepare, size, use, timeoutMs, clock }: PoolDeps): Pool {
  const idle: Kept[] = []
  const waiting: (() => void)[] = []
  const open = new Set<LdapConnection>()
  let busy = 0
  let closed = false

  const turn = async (): Promise<void> => {
    if (busy < size) {
      busy++
      return
    }
    if (waiting.length >= size * WAITING_PER_CONNECTION) {
      throw fault('GH_BUSY', { detail: 'too many ask the directory at once' })
    }
    await new Promise<void>((resolve) => waiting.push(resolve))
  }
  const done = (): void => {
    const next = waiting.shift()
    if (next === undefined) busy--
    else next()
  }
  const end = ({ connection }: Kept): void => {
    open.delete(connection)
    connection.close()
  }
  const reusable = (): Kept | undefined => {
    for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) {
      const age = clock() - kept.since
      if (kept.connection.isOpen() && age >= 0 && age < LONGEST_USE_MS) return kept
      end(kept)
    }
    return undefined
  }
  const fresh = async (): Promise<Kept> => {
    const connection = await servers.connect(prepare)
    if (closed) connection.close()
    else open.add(connection)
    return { connection, since: clock() }
  }

  const attempt = async <T>(kept: Kept, job: (connection: LdapConnection) => Promise<T>): Promise<T> => {
    const { connection } = kept
    const timer = setTimeout(() => connection.close(), timeoutMs)
    try {
      const value = await job(connection)
      if (use === 'once' || closed) end(kept)
      else idle.push(kept)
      return value
    } catch (error) {
      // Nobody knows what is still under way on it.
      end(kept)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  const withRetries = async <T>(job: (connection: LdapConnection) => Promise<T>): Promise<T> => {
    for (let tries = use === 'once' ? 1 : MAX_TRIES; ; tries--) {
      const old = reusable()
      const kept = old ?? (await fresh())
      try {
        const value = await attempt(kept, job)
        if (old === undefined) servers.worked(kept.connection)
        return value
      } catch (error) {
        if (!(error instanceof ServerFailure) || closed) throw error
        // Servers close what is idle: that is no failure, and is found out only by using it.
        if (old === undefined) servers.failed(kept.connection, error)
        if (tries === 1) throw error
      }
    }
  }

  return {
    async run(job) {
      await turn()
      try {
        return await withRetries(job)
      } finally {
        done()
      }
    },
    close() {
      closed = true
      for (const connection of open) connection.close()
      open.clear()
      idle.length = 0
    },
  }
}
