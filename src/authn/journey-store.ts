import { randomName } from '../base/random-id.ts'
import type { PartialSessions } from '../session/partial.ts'
import type { AuthQuery, RequestOrigin } from '../session/session.ts'
import type { Store } from '../store/store.ts'
import { endedSince, endsUntilNow } from './ends-of-all.ts'
import { decodeJourney, encodeJourney, type Journey } from './journey.ts'

const NAMESPACE = 'journey'
const SPENT = 'journey-spent'

export interface StoredJourney {
  readonly journey: Journey
  readonly version: number
}

/** What a login still asks for, and from where it is asked. */
export interface Outstanding {
  readonly authQueries: readonly AuthQuery[]
  readonly origin: RequestOrigin
}

/** Journeys in which something has been proven. One winner a version: of any number of answers to one page, one is judged. */
export interface JourneyStore {
  /** False when the journey's id was spent before: an authId works once. */
  spend(journey: Journey, ttlMs: number): Promise<boolean>
  /**
   * Returns the key under which version 1 stands, and its partial session. Good until all sessions of its user or its realm are ended. With `outstanding` a login
   * of its own is a partial session from now on.
   */
  create(
    journey: Journey,
    ttlMs: number,
    outstanding?: Outstanding,
  ): Promise<{ readonly key: string; readonly partial: string | undefined }>
  /** `undefined` also when its partial session was ended: whoever ended it ended the login. */
  load(key: string): Promise<StoredJourney | undefined>
  /** False when the record is gone or has moved on. */
  replace(key: string, expectedVersion: number, journey: Journey, ttlMs: number): Promise<boolean>
  /** Ends its partial session before the login has come to anything. False when somebody else did: then it comes to nothing. */
  settle(journey: Journey): Promise<boolean>
  /** The journey, too, where it has not been settled. */
  remove(key: string, unsettled?: Journey): Promise<void>
}

export function createJourneyStore(
  { versioned, oneTime, epochs }: Pick<Store, 'versioned' | 'oneTime' | 'epochs'>,
  partials: PartialSessions,
): JourneyStore {
  const settle: JourneyStore['settle'] = async ({ partial }) => partial === undefined || partials.over(partial)
  return {
    spend: (journey, ttlMs) => oneTime.put(SPENT, journey.id, '', ttlMs),
    async create(journey, ttlMs, outstanding) {
      const key = randomName()
      const { realm, proof } = journey
      const ends = journey.ends ?? (await endsUntilNow(epochs, { realm, userId: proof?.userId ?? '' }))
      const partial = outstanding && (await beginPartial(partials, journey, { ...outstanding, lifeMs: ttlMs }))
      await versioned.create(NAMESPACE, key, encodeJourney({ ...journey, ends, partial }), ttlMs)
      return { key, partial }
    },
    async load(key) {
      const found = await versioned.load(NAMESPACE, key)
      if (found === undefined) return undefined
      const journey = decodeJourney(found.value)
      if (journey.partial !== undefined && !(await partials.isLive(journey.partial))) return undefined
      return (await endedSince(epochs, journey.ends ?? {})) ? undefined : { journey, version: found.version }
    },
    settle,
    replace: (key, expectedVersion, journey, ttlMs) =>
      versioned.replace(NAMESPACE, key, expectedVersion, encodeJourney(journey), ttlMs),
    async remove(key, unsettled) {
      await versioned.remove(NAMESPACE, key)
      if (unsettled !== undefined) await settle(unsettled)
    },
  }
}

/** A login that strengthens a session is that session's, and no other. */
async function beginPartial(
  partials: PartialSessions,
  { realm, proof, subject }: Journey,
  { origin, ...rest }: Outstanding & { readonly lifeMs: number },
): Promise<string | undefined> {
  if (proof === undefined || subject !== undefined) return undefined
  const { userId, username, authLevel, modules: authModules } = proof
  return partials.begin({ realm, userId, username, authLevel, authModules, ...rest }, origin)
}
