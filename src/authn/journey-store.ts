import { randomName } from '../base/random-id.ts'
import type { Store } from '../store/store.ts'
import { endedSince, endsUntilNow } from './ends-of-all.ts'
import { decodeJourney, encodeJourney, type Journey } from './journey.ts'

const NAMESPACE = 'journey'
const SPENT = 'journey-spent'

export interface StoredJourney {
  readonly journey: Journey
  readonly version: number
}

/** Journeys in which something has been proven. One winner a version: of any number of answers to one page, one is judged. */
export interface JourneyStore {
  /** False when the journey's id was spent before: an authId works once. */
  spend(journey: Journey, ttlMs: number): Promise<boolean>
  /** Returns the key under which version 1 stands. Good until all sessions of its user or its realm are ended. */
  create(journey: Journey, ttlMs: number): Promise<string>
  load(key: string): Promise<StoredJourney | undefined>
  /** False when the record is gone or has moved on. */
  replace(key: string, expectedVersion: number, journey: Journey, ttlMs: number): Promise<boolean>
  remove(key: string): Promise<void>
}

export function createJourneyStore({
  versioned,
  oneTime,
  epochs,
}: Pick<Store, 'versioned' | 'oneTime' | 'epochs'>): JourneyStore {
  return {
    spend: (journey, ttlMs) => oneTime.put(SPENT, journey.id, '', ttlMs),
    async create(journey, ttlMs) {
      const key = randomName()
      const { realm, proof } = journey
      const ends = journey.ends ?? (await endsUntilNow(epochs, { realm, userId: proof?.userId ?? '' }))
      await versioned.create(NAMESPACE, key, encodeJourney({ ...journey, ends }), ttlMs)
      return key
    },
    async load(key) {
      const found = await versioned.load(NAMESPACE, key)
      if (found === undefined) return undefined
      const journey = decodeJourney(found.value)
      return (await endedSince(epochs, journey.ends ?? {})) ? undefined : { journey, version: found.version }
    },
    replace: (key, expectedVersion, journey, ttlMs) =>
      versioned.replace(NAMESPACE, key, expectedVersion, encodeJourney(journey), ttlMs),
    remove: (key) => versioned.remove(NAMESPACE, key),
  }
}
