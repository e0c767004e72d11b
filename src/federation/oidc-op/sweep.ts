import type { Clock } from '../../base/clock.ts'
import { randomName } from '../../base/random-id.ts'
import { repeat } from '../../base/repeat.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../../telemetry/log.ts'
import { COLLECTION, readDurable } from './records.ts'

const EVERY_MS = 60 * 60_000
const PAGE = 200

export interface SweepDeps {
  readonly store: Pick<Store, 'documents' | 'leases'>
  readonly clock: Clock
  readonly log: Log
}

/** Removes grants, refresh tokens and consents that are over: the store ends no document. How many there were. */
export async function sweep({ store: { documents }, clock }: Pick<SweepDeps, 'store' | 'clock'>): Promise<number> {
  let count = 0
  let from: string | undefined
  do {
    const page = await documents.page(COLLECTION, PAGE, from)
    for (const { id, value } of page.documents) {
      if (readDurable(value).until > clock()) continue
      await documents.remove(COLLECTION, id)
      count++
    }
    from = page.next
  } while (from !== undefined)
  return count
}

/** Every hour, in one process of those that share the store. */
export function sweepEveryHour(deps: SweepDeps): { close(): Promise<void> } {
  const owner = randomName()
  return repeat(
    async () => {
      if (await deps.store.leases.acquire('oidc-sweep', owner, EVERY_MS / 2)) await sweep(deps)
    },
    {
      everyMs: EVERY_MS,
      failed: (error) =>
        deps.log.warn(
          { err: error },
          'what is over of the OpenID providers could not be removed; tried again in an hour',
        ),
    },
  )
}
