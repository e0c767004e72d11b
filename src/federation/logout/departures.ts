import { randomSecret } from '../../base/random-id.ts'
import type { Sealer } from '../../crypto/seal.ts'
import { sha256 } from '../../crypto/sha256.ts'
import type { VersionedRecords } from '../../store/store.ts'
import type { Departure, Stop } from './departure.ts'
import { stopUnderWay, withStop } from './departure.ts'

const NAMESPACE = 'departures'
const BY_REQUEST = 'departure-requests'
const KIND = 'departure'
/** As long as it may take to go from one partner to the next, all of them together. */
export const DEPARTURE_MS = 10 * 60_000
/** Tries of a change that another tab gets in before. */
const TRIES = 10

/** What a partner says of the message that the browser has carried to it. */
export interface Heard {
  readonly protocol: string
  readonly partner: string
  /** Id of that message. */
  readonly requestId: string
  readonly isDone: boolean
}

/** Departures in the store: each belongs to the browser that has its secret, and says nothing to who reads the store. */
export interface Departures {
  /** Returns the secret, for the browser to keep. */
  begin(departure: Departure): Promise<string>
  load(secret: string): Promise<Departure | undefined>
  /** What has become of it; `undefined` once it is over. `change` may be asked again. */
  change(secret: string, change: (departure: Departure) => Departure): Promise<Departure | undefined>
  /** Whatever browser brings it, or none: the message that it answers is of one departure. False where nobody waits for it. */
  heard(answer: Heard): Promise<boolean>
  /** Remembers whose message this is. */
  sent(secret: string, requestId: string): Promise<void>
  end(secret: string): Promise<void>
}

export interface DeparturesDeps {
  readonly versioned: VersionedRecords
  readonly sealer: Sealer
}

export function createDepartures({ versioned, sealer }: DeparturesDeps): Departures {
  const sealed = (departure: Departure): string =>
    sealer.seal('journey', [KIND, JSON.stringify(departure)], DEPARTURE_MS)

  const read = async (key: string) => {
    const found = await versioned.load(NAMESPACE, key)
    const opened = found && sealer.open('journey', found.value)
    if (found === undefined || !Array.isArray(opened) || opened[0] !== KIND) return undefined
    return { departure: JSON.parse(String(opened[1])) as Departure, version: found.version }
  }

  /** Writes what `change` makes of it; the same object is no change. */
  const update = async (key: string, change: (departure: Departure) => Departure): Promise<Departure | undefined> => {
    for (let tries = 0; tries < TRIES; tries++) {
      const found = await read(key)
      if (found === undefined) return undefined
      const next = change(found.departure)
      if (next === found.departure) return next
      if (await versioned.replace(NAMESPACE, key, found.version, sealed(next), DEPARTURE_MS)) return next
    }
    return undefined
  }

  return {
    async begin(departure) {
      const secret = randomSecret()
      await versioned.create(NAMESPACE, sha256(secret), sealed(departure), DEPARTURE_MS)
      return secret
    },
    load: async (secret) => (await read(sha256(secret)))?.departure,
    change: (secret, change) => update(sha256(secret), change),
    async heard({ protocol, partner, requestId, isDone }) {
      const key = (await versioned.load(BY_REQUEST, sha256(requestId)))?.value
      if (key === undefined) return false
      let isAwaited = false
      await update(key, (departure) => {
        const stop = departure.stops.find((each) => isOf(each, { protocol, partner, requestId }))
        isAwaited = stop !== undefined
        return stop === undefined ? departure : withStop(departure, stop, { state: isDone ? 'done' : 'failed' })
      })
      return isAwaited
    },
    async sent(secret, requestId) {
      await versioned.create(BY_REQUEST, sha256(requestId), sha256(secret), DEPARTURE_MS)
    },
    end: (secret) => versioned.remove(NAMESPACE, sha256(secret)),
  }
}

/** The stop that waits for exactly this answer: one that has been passed over, or answered, waits no more. */
function isOf(stop: Stop, { protocol, partner, requestId }: Omit<Heard, 'isDone'>): boolean {
  const { state } = stop
  return state === 'sent' && stop.protocol === protocol && stop.partner === partner && stop.requestId === requestId
}

/** Whoever goes on without an answer has not been told that it is done. */
export function passedOver(departure: Departure): Departure {
  const stop = stopUnderWay(departure)
  return stop === undefined ? departure : withStop(departure, stop, { state: 'failed' })
}
