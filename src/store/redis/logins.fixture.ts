import { setTimeout as pause } from 'node:timers/promises'
import type { EpochMs } from '../../base/brand.ts'
import { randomName } from '../../base/random-id.ts'
import { GatehouseError } from '../../errors.ts'
import { sessionRecord, tokenRecord } from '../session.fixture.ts'
import type { SessionRecord, Store, TokenRecord } from '../store.ts'
import { bucketDigits } from './groups.ts'

export const clock = () => Date.now() as EpochMs

export const isUnavailable = (error: unknown) =>
  error instanceof GatehouseError && error.code === 'GH_STORE_UNAVAILABLE'

export function freshSession(over: Partial<SessionRecord> = {}): SessionRecord {
  const sid = `${bucketDigits(over.bucket ?? 17)}.${randomName()}`
  // As long as ids and devices really are: their bytes are counted.
  const device = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
  const userId = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
  return sessionRecord(clock(), { sid, userId, origin: { address: '192.0.2.7', device }, ...over })
}

export function tokenFor({ sid, createdAt }: SessionRecord, audience: TokenRecord['audience'] = 'login'): TokenRecord {
  const hash = `${randomName()}${randomName()}${randomName()}`.slice(0, 43)
  return tokenRecord(createdAt, { hash, sid, audience })
}

export async function login(store: Store, over: Partial<SessionRecord> = {}): Promise<SessionRecord> {
  const session = freshSession(over)
  await store.sessions.create(session, tokenFor(session))
  return session
}

export interface Load {
  /** Logins whose answer was "done". */
  readonly answered: readonly SessionRecord[]
  readonly refused: readonly unknown[]
  /** Settles when so many more were answered. */
  goesOn(more: number): Promise<void>
  /** Settles when no login is under way any more. */
  stop(): Promise<void>
}

/** Logins, a few at a time, until it is stopped or its test is over. */
export function startLoad(store: Store, signal: AbortSignal, over: Partial<SessionRecord> = {}): Load {
  const answered: SessionRecord[] = []
  const refused: unknown[] = []
  let isOver = false
  const isOn = () => !isOver && !signal.aborted
  const worker = async (): Promise<void> => {
    while (isOn()) {
      try {
        answered.push(await login(store, over))
      } catch (error) {
        refused.push(error)
        await pause(5)
      }
    }
  }
  const workers = Array.from({ length: 8 }, worker)
  return {
    answered,
    refused,
    goesOn: async (more) => {
      const enough = answered.length + more
      while (answered.length < enough && isOn()) await pause(5)
    },
    stop: async () => {
      isOver = true
      await Promise.all(workers)
    },
  }
}

/** Settles with the milliseconds until `attempt` succeeded. */
export async function untilItWorks(attempt: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  for (;;) {
    try {
      await attempt()
      return performance.now() - began
    } catch {
      await pause(10)
    }
  }
}
