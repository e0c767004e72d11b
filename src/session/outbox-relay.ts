import { repeat } from '../base/repeat.ts'
import type { Outbox, OutboxEntry } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'

const EVERY_MS = 1_000
/** How long one claim is held. A process that dies with it is replaced after this long. */
const LEASE_MS = 30_000
const BATCH = 100

/** Told of a session that ended, at least once, by one process at a time. Rejects when it could not pass it on: it is told again. */
export type EndListener = (entry: OutboxEntry) => Promise<void>

export interface OutboxRelayDeps {
  readonly outbox: Outbox
  /** All of them have to settle before an entry is done. With none, what ended is done at once. */
  readonly listeners: readonly EndListener[]
  readonly log: Log
  /** 1,000 by default. */
  readonly everyMs?: number
}

export interface OutboxRelay {
  /** Passes on what is waiting; how many entries are done. Rejects when the store cannot be asked. */
  run(): Promise<number>
  /** Stops the timer and waits for a run under way. */
  close(): Promise<void>
}

/**
 * Passes the end of sessions on to whoever has to be told outside (partners of a federation), from the outbox that the step that
 * ended them filled. Entries are claimed for half a minute, so several processes share the work, and what a process that dies held
 * comes to another one. A listener that fails keeps its entry waiting until the claim runs out; the other entries go on.
 */
export function createOutboxRelay(deps: OutboxRelayDeps): OutboxRelay {
  const { outbox, listeners, log } = deps
  let closed = false

  const isTold = async (entry: OutboxEntry): Promise<boolean> => {
    const told = await Promise.allSettled(listeners.map(async (listener) => listener(entry)))
    const failed = told.find((result) => result.status === 'rejected')
    if (failed === undefined) return true
    log.warn({ err: failed.reason, sid: entry.sid }, 'the end of a session could not be passed on; it is tried again')
    return false
  }

  const run = async (): Promise<number> => {
    let total = 0
    while (!closed) {
      const entries = await outbox.claim(BATCH, LEASE_MS)
      const told = await Promise.all(entries.map(isTold))
      const done = entries.filter((_, i) => told[i]).map(({ id }) => id)
      if (done.length > 0) await outbox.done(done)
      total += done.length
      if (entries.length < BATCH) break
    }
    return total
  }

  const repeated = repeat(run, {
    everyMs: deps.everyMs ?? EVERY_MS,
    failed: (error) => log.warn({ err: error }, 'the ends of sessions wait in the outbox: the store cannot be asked'),
  })

  return {
    run,
    async close() {
      closed = true
      await repeated.close()
    },
  }
}
