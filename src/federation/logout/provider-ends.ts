import type { RealmName } from '../../base/brand.ts'
import type { OutboxEntry } from '../../store/store.ts'
import type { Log } from '../../telemetry/log.ts'
import type { KeptMark, KeptMarks, MarkKind } from './kept-marks.ts'

/** Tries half a minute apart, as long as the outbox holds an entry: five minutes. */
const MOST_TRIES = 10

/** A session has ended that began with a provider. */
export interface EndAtProvider {
  readonly realm: RealmName
  readonly userId: string
  /** The provider knows already, or hears it from the browser: what is kept of it is all there is to remove. */
  readonly isTold: boolean
}

/** Rejects where the provider could not be told; called again then. A provider that is none any more is told nothing. */
export type TellProvider = (mark: KeptMark, end: EndAtProvider) => Promise<void>

export interface ProviderEndsDeps {
  readonly marks: Pick<KeptMarks, 'of' | 'leave' | 'remove'>
  readonly tell: Readonly<Record<MarkKind, TellProvider>>
  readonly log: Pick<Log, 'error'>
}

/**
 * A session has ended, wherever and why ever: the providers that it began with sign their person out as well, where they can be told
 * without a browser. Rejects when one could not be told: then it is called again, for those alone.
 */
export async function tellProviders(
  { realm, sid, userId, cause }: Pick<OutboxEntry, 'realm' | 'sid' | 'userId' | 'cause'>,
  { marks, tell, log }: ProviderEndsDeps,
): Promise<void> {
  const kept = await marks.of(sid)
  if (kept === undefined) return
  const told = await Promise.allSettled(
    kept.marks.map((mark) =>
      // Who has asked for the end is not told of it: two that tell each other would never stop.
      tell[mark.kind](mark, { realm, userId, isTold: cause === 'provider' || mark.isVisited === true }),
    ),
  )
  const failed = kept.marks.filter((_, index) => told[index]?.status === 'rejected')
  const tries = (kept.tries ?? 0) + 1
  const failure: unknown = told.find((result) => result.status === 'rejected')?.reason
  const names = failed.map(({ provider }) => provider).join(', ')
  if (failed.length > 0 && tries < MOST_TRIES) {
    await marks.leave(sid, { marks: failed, tries })
    throw new Error(`${names} could not be told`, { cause: failure })
  }
  if (failed.length > 0)
    log.error(
      { err: failure, providers: names, realm, sid },
      'identity providers could not be told that a session has ended; given up',
    )
  await marks.remove(sid)
}
