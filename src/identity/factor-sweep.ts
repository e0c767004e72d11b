import type { Clock } from '../base/clock.ts'
import { randomName } from '../base/random-id.ts'
import { repeat } from '../base/repeat.ts'
import type { Sealer } from '../crypto/seal.ts'
import { GatehouseError } from '../errors.ts'
import { documentPages } from '../store/document-pages.ts'
import type { Document, Documents, Leases } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { createFactorKeys } from './factor-keys.ts'
import type { FactorOwner, FactorOwners, OwnerStanding } from './factor-owners.ts'
import { FACTOR_COLLECTION, openFactors, sealFactors, type FactorRecord } from './factors.ts'
import { createTurns } from './turns.ts'

export interface FactorSweepDeps {
  readonly documents: Documents
  readonly leases: Leases
  readonly sealer: Sealer
  readonly clock: Clock
  readonly log: Log
}

/** Removes the factors of those who are gone: whoever is given their name must not find them, nor be asked for them. */
export interface FactorSweep {
  /**
   * Looks through all factors for users who went with the change, unless another process has done so for the same users. Where one is
   * just at it, or the store cannot be asked, it is tried again. Never rejects.
   */
  configurationChanged(owners: FactorOwners): Promise<void>
  /** Asks the directories outside as well, unless some process has done so within six hours. Rejects when the store cannot be asked. */
  takeTurn(): Promise<void>
  /** Waits for what is under way. */
  close(): Promise<void>
}

const LEASE = 'factor-sweep'
/** Many times longer than a directory takes to answer; a process that dies holding it is replaced after this long. */
const LEASE_MS = 60_000
const TURN = 'factor-sweep-turn'
const TURN_MS = 6 * 3_600_000
/** Entries are moved, restored from a copy, or out of reach of a search base that was mistyped. */
const MISSING_FOR_MS = 30 * 86_400_000
const AGAIN_MS = 5_000
const LOOK_FOR_TURN_MS = 600_000
/** Names the users for whom everything was looked through last. */
const DONE = { collection: 'factor-sweep', id: 'done' } as const

type StandingOf = (owner: FactorOwner) => Promise<OwnerStanding>

export function createFactorSweep(deps: FactorSweepDeps): FactorSweep {
  const { documents, leases, clock, log } = deps
  const self = randomName()
  const inTurn = createTurns()
  let current: FactorOwners | undefined
  let isOwed = false
  let isClosed = false

  const holdLease = (): Promise<boolean> => leases.acquire(LEASE, self, LEASE_MS)
  /** False when it had to stop, or another process is at it. */
  const sweep = async (standingOf: StandingOf, mustStop: () => boolean): Promise<boolean> => {
    if (!(await holdLease())) return false
    let heldSince = clock()
    const counts = { removed: 0, unreadable: 0 }
    try {
      for await (const part of documentPages(documents, FACTOR_COLLECTION)) {
        for (const document of part) {
          if (mustStop()) return false
          if (Math.abs(clock() - heldSince) >= LEASE_MS / 4) {
            heldSince = clock()
            if (!(await holdLease())) return false
          }
          const outcome = await settle(deps, document, standingOf)
          if (outcome !== 'kept') counts[outcome]++
        }
      }
      return true
    } finally {
      await leases.release(LEASE, self)
      if (counts.removed > 0) log.info({ count: counts.removed }, 'removed the factors of users who are gone')
      if (counts.unreadable > 0)
        log.warn({ count: counts.unreadable }, 'factors cannot be read: is the key another one?')
    }
  }

  const sweepWhatIsOwed = async (): Promise<void> => {
    const owners = current
    if (!isOwed || owners === undefined) return
    const done = await documents.get(DONE.collection, DONE.id)
    if (done?.value !== owners.version) {
      const isThrough = await sweep(
        (owner) => owners.configured(owner),
        () => isClosed || current !== owners,
      )
      if (!isThrough) return
      if (done === undefined) await documents.putIfAbsent(DONE.collection, DONE.id, owners.version)
      else await documents.replace(DONE.collection, DONE.id, done.version, owners.version)
    }
    if (current === owners) isOwed = false
  }
  const takeTurn = async (): Promise<void> => {
    // A name of its own: whoever holds a lease is given it again.
    const turn = randomName()
    if (current === undefined || !(await leases.acquire(TURN, turn, TURN_MS))) return
    const isThrough = await sweep(patiently(current, log), () => isClosed || isOwed)
    if (!isThrough) await leases.release(TURN, turn)
  }
  const failed = (error: unknown): void =>
    log.warn({ err: error }, 'the factors of users who are gone could not be removed; trying again')
  const again = repeat(() => inTurn('', sweepWhatIsOwed), { everyMs: AGAIN_MS, failed })
  const turns = repeat(() => inTurn('', takeTurn), { everyMs: LOOK_FOR_TURN_MS, failed })

  return {
    async configurationChanged(owners) {
      current = owners
      isOwed = true
      await inTurn('', sweepWhatIsOwed).catch(failed)
    },
    takeTurn: () => inTurn('', takeTurn),
    async close() {
      isClosed = true
      await Promise.all([again.close(), turns.close()])
    },
  }
}

/** A realm whose directory cannot say is left alone until the next turn. */
function patiently(owners: FactorOwners, log: Log): StandingOf {
  const silent = new Set<string>()
  return async (owner) => {
    if (silent.has(owner.realm)) return 'unknown'
    try {
      return await owners.anywhere(owner)
    } catch (error) {
      silent.add(owner.realm)
      log.warn({ err: error, realm: owner.realm }, 'a directory cannot say whose factors are left over')
      return 'unknown'
    }
  }
}

type SettleDeps = Pick<FactorSweepDeps, 'documents' | 'sealer' | 'clock'>

async function settle(
  { documents, sealer, clock }: SettleDeps,
  document: Document,
  standingOf: StandingOf,
): Promise<'kept' | 'removed' | 'unreadable'> {
  const { id, version } = document
  const record = readable(sealer, document)
  if (record === undefined) return 'unreadable'
  const { realm, userId, factors, missingSince } = record
  /** One step over all processes: what somebody enrols meanwhile stays. */
  const write = (next: FactorRecord): Promise<boolean> =>
    documents.replace(FACTOR_COLLECTION, id, version, sealFactors(sealer, id, next))

  const standing = await standingOf({ realm, userId })
  const isOver = missingSince !== undefined && clock() - missingSince >= MISSING_FOR_MS
  if (standing === 'gone' || (standing === 'missing' && isOver)) {
    if (!(await write({ realm, userId, factors: [] }))) return 'kept'
    await documents.remove(FACTOR_COLLECTION, id)
    await releaseKeys({ documents, sealer, clock }, record)
    return 'removed'
  }
  if (standing === 'there' && missingSince !== undefined) await write({ realm, userId, factors })
  if (standing === 'missing' && missingSince === undefined)
    await write({ realm, userId, factors, missingSince: clock() })
  return 'kept'
}

async function releaseKeys(deps: SettleDeps, { realm, userId, factors }: FactorRecord): Promise<void> {
  const keys = createFactorKeys({ ...deps, realm })
  for (const { key } of factors) if (key !== undefined) await keys.release(key, userId)
}

/** One that cannot be read keeps no others from being looked at. */
function readable(sealer: Sealer, document: Document): FactorRecord | undefined {
  try {
    return openFactors(sealer, document)
  } catch (error) {
    if (error instanceof GatehouseError && error.code === 'GH_KEYS_UNAVAILABLE') return undefined
    throw error
  }
}
