import { randomName } from '../base/random-id.ts'
import { repeat } from '../base/repeat.ts'
import type { Leases, SessionWriter } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { SessionService } from './session.ts'

const LEASE = 'session-reaper'
/** What is open for a session whose time is over stays open until then: the promise for every other end is a second, too. */
const EVERY_MS = 1_000
/** Longer than one run ever takes; a process that dies holding it is replaced after this long. */
const LEASE_MS = 30_000
const BATCH = 200
const NOBODY = { requestId: undefined, clientIp: undefined }

export interface ReaperDeps {
  readonly expired: Pick<SessionWriter, 'expired'>
  readonly leases: Leases
  readonly sessions: Pick<SessionService, 'end'>
  readonly log: Log
  /** 1,000 by default. */
  readonly everyMs?: number
}

export interface Reaper {
  /** Ends what has expired, if no other process is at it; how many were ended. Rejects when the store cannot be asked. */
  run(): Promise<number>
  /** Stops the timer, waits for a run under way and gives the lease back. */
  close(): Promise<void>
}

/**
 * Ends sessions whose idle or maximum time is over. They resolve to nothing from that moment on without it; the reaper makes the
 * end known: audit, revocation log, open connections. One process at a time does it, by a lease.
 */
export function createReaper(deps: ReaperDeps): Reaper {
  const { leases, sessions, log } = deps
  const owner = randomName()
  let closed = false

  const endBatch = async (): Promise<number> => {
    const due = await deps.expired.expired(BATCH)
    const ended = await Promise.all(due.map(({ sid, cause }) => sessions.end(sid, cause, NOBODY)))
    return ended.filter(Boolean).length
  }

  const run = async (): Promise<number> => {
    let total = 0
    while (!closed && (await leases.acquire(LEASE, owner, LEASE_MS))) {
      const ended = await endBatch()
      total += ended
      // A batch of which nothing could be ended would come again for ever.
      if (ended < BATCH) break
    }
    return total
  }

  const repeated = repeat(run, {
    everyMs: deps.everyMs ?? EVERY_MS,
    failed: (error) => log.warn({ err: error }, 'expired sessions could not be ended; they are refused all the same'),
  })

  return {
    run,
    async close() {
      closed = true
      await repeated.close()
      await leases.release(LEASE, owner).catch((error: unknown) => {
        log.warn({ err: error }, 'the lease of the session reaper could not be given back; it runs out by itself')
      })
    },
  }
}
