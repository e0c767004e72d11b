import { sweepEveryHour } from '../federation/oidc-op/sweep.ts'
import { createOutboxRelay, type EndListener } from '../session/outbox-relay.ts'
import type { RuntimeDeps } from './deps.ts'

/** What goes on for partners beside all requests: they are told of ends of sessions, and what is over of them is removed. */
export function startFederation(
  { store, clock, log }: Pick<RuntimeDeps, 'store' | 'clock' | 'log'>,
  sessionEnded: EndListener,
): { close(): Promise<void> } {
  const relay = createOutboxRelay({ outbox: store.outbox, listeners: [sessionEnded], log })
  const sweep = sweepEveryHour({ store, clock, log })
  return {
    async close() {
      await Promise.all([relay.close(), sweep.close()])
    },
  }
}
