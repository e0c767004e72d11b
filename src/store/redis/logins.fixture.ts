import { setTimeout as pause } from 'node:timers/promises'
import type { EpochMs, RealmName } from '../../base/brand.ts'
import { randomName } from '../../base/random-id.ts'
import { GatehouseError } from '../../errors.ts'
import type { SessionRecord, Store, TokenRecord } from '../store.ts'
import { bucketDigits } from './groups.ts'

export const clock = () => Date.now() as EpochMs

export const isUnavailable = (error: unknown) =>
  error instanceof GatehouseError && error.code === 'GH_STORE_UNAVAILABLE'

export function freshSession(over: Partial<SessionRecord> = {}): SessionRecord {
  const now = clock()
  const bucket = over.bucket ?? 17
  return {
    sid: `${bucketDigits(bucket)}.${randomName()}`,
    bucket,
    kind: 'cts',
    realm: '/employees' as RealmName,
    userId: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
    username: 'alice',
    gen: 1,
    authLevel: 1,
    authModules: ['password'],
    authInstant: now,
    createdAt: now,
    lastSeenAt: now,
    maxIdleMs: 1_800_000,
    maxExpiresAt: (now + 7_200_000) as EpochMs,
    origin: { address: '192.0.2.7', device: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' },
    properties: {},
    ...over,
  }
}

export function tokenFor(session: SessionRecord, audience: TokenRecord['audience'] = 'login'): TokenRecord {
  const hash = `${randomName()}${randomName()}${randomName()}`.slice(0, 43)
  const { sid, authInstant, createdAt } = session
  return { hash, sid, audience, gen: 1, authLevel: 1, authInstant, issuedAt: createdAt }
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
  /** Settles when no login is under way any more. */
  stop(): Promise<void>
}

/** Logins, a few at a time, until it is stopped or its test is over. */
export function startLoad(store: Store, signal: AbortSignal, over: Partial<SessionRecord> = {}): Load {
  const answered: SessionRecord[] = []
  const refused: unknown[] = []
  let isOver = false
  const goesOn = () => !isOver && !signal.aborted
  const worker = async (): Promise<void> => {
    while (goesOn()) {
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
