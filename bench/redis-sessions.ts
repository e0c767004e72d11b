import { randomBytes, randomUUID } from 'node:crypto'
import type { EpochMs, RealmName } from '../src/base/brand.ts'
import { systemClock } from '../src/base/clock.ts'
import { bucketOf, newSid } from '../src/session/bucket.ts'
import { openRedisStore } from '../src/store/redis/open.ts'
import { freePorts, settingsFor, startServer, type RedisServer } from '../src/store/redis/redis-server.fixture.ts'
import type { Bucket, SessionRecord, Store, TokenRecord } from '../src/store/store.ts'
import type { Log } from '../src/telemetry/log.ts'
import { percentile } from './statistics.ts'

const FEW = 1_000
const AT_ONCE = 500
const LOOKUPS = 5_000
const SAMPLE = 2_000
const REALM = '/employees' as RealmName
const HOUR_MS = 3_600_000

export interface LookupTimes {
  readonly sessions: number
  /** Microseconds, one after the other. */
  readonly p50: number
  readonly p99: number
}

export interface RedisSessionsResult {
  readonly sessions: number
  readonly bytesPerSession: number
  readonly few: LookupTimes
  readonly many: LookupTimes
  /** Of one user with five sessions, beside that many others. */
  readonly list: { readonly found: number; readonly roundTrips: number; readonly p50: number }
}

/** A token that can be looked up. */
interface Known {
  readonly hash: string
  readonly bucket: Bucket
}

const silent = (): void => undefined
const log: Log = { error: silent, warn: silent, info: silent, debug: silent }
const DEVICE = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

function sessionOf(userId: string, nth: number): SessionRecord {
  const [now, bucket] = [systemClock(), bucketOf(REALM, userId)]
  return {
    ...{ sid: newSid(bucket), bucket, kind: 'cts', realm: REALM, userId, username: `user${nth}@example.com` },
    ...{ gen: 1, authLevel: 1, authModules: ['password'], authInstant: now, createdAt: now, lastSeenAt: now },
    ...{ maxIdleMs: HOUR_MS, maxExpiresAt: (now + 8 * HOUR_MS) as EpochMs },
    ...{ origin: { address: '192.0.2.7', device: DEVICE }, properties: {} },
  }
}

function tokenOf(session: SessionRecord, audience: TokenRecord['audience']): TokenRecord {
  const { sid, gen, authLevel, authInstant, createdAt } = session
  const hash = randomBytes(32).toString('base64url')
  return { hash, sid, audience, gen, authLevel, authInstant, issuedAt: createdAt }
}

/** One login carried to one application: a session with two tokens. */
async function signIn({ sessions }: Store, userId: string, nth: number): Promise<Known> {
  const session = sessionOf(userId, nth)
  const token = tokenOf(session, 'agent:app')
  await sessions.create(session, tokenOf(session, 'login'))
  await sessions.addToken(token)
  return { hash: token.hash, bucket: session.bucket }
}

/** Every so many-th of them is kept for lookups. */
async function fill(store: Store, count: number, known: Known[]): Promise<void> {
  const keep = Math.max(1, Math.floor(count / SAMPLE))
  for (let done = 0; done < count; done += AT_ONCE) {
    const some = Math.min(AT_ONCE, count - done)
    const made = await Promise.all(Array.from({ length: some }, (_, i) => signIn(store, randomUUID(), done + i)))
    known.push(...made.filter((_, i) => (done + i) % keep === 0))
  }
}

async function lookups({ sessions }: Store, known: readonly Known[], count: number): Promise<LookupTimes> {
  const times: number[] = []
  for (let i = 0; i < LOOKUPS; i++) {
    const { hash, bucket } = known[(i * 7_919) % known.length] ?? { hash: '', bucket: 0 }
    const began = performance.now()
    if ((await sessions.resolve(hash, bucket)) === undefined) throw new Error('a session that was written is not found')
    times.push((performance.now() - began) * 1_000)
  }
  return { sessions: count, p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
}

async function usedMemory(server: RedisServer): Promise<number> {
  const client = server.client()
  const info = await client.info('memory')
  client.disconnect()
  return Number(/used_memory:(\d+)/.exec(info)?.[1])
}

/** How often scripts were called. */
async function calls(server: RedisServer): Promise<number> {
  const client = server.client()
  const info = await client.info('commandstats')
  client.disconnect()
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(info)?.[1])
}

async function listOne(store: Store, server: RedisServer): Promise<RedisSessionsResult['list']> {
  const userId = randomUUID()
  for (let nth = 0; nth < 5; nth++) await signIn(store, userId, nth)
  const user = { bucket: bucketOf(REALM, userId), realm: REALM, userId }
  await store.sessions.ofUser(user)
  const before = await calls(server)
  const found = (await store.sessions.ofUser(user)).length
  const roundTrips = (await calls(server)) - before
  const times: number[] = []
  for (let i = 0; i < 500; i++) {
    const began = performance.now()
    await store.sessions.ofUser(user)
    times.push((performance.now() - began) * 1_000)
  }
  return { found, roundTrips, p50: percentile(times, 0.5) }
}

/** `count` sessions in one Redis, through the product's driver: their room, and what finding one takes beside finding one of a thousand. */
export async function measureRedisSessions(count: number): Promise<RedisSessionsResult> {
  if (count <= FEW) throw new Error(`measure more than ${FEW} sessions`)
  const [port = 0] = await freePorts(1)
  // Memory is what is measured: a file that grows beside it would only wear the disk.
  const server = await startServer({ port, args: { appendonly: 'no' } })
  try {
    const store = await openRedisStore({ settings: settingsFor(port, { timeout: 10_000 }), clock: systemClock, log })
    try {
      const empty = await usedMemory(server)
      const known: Known[] = []
      await fill(store, FEW, known)
      await lookups(store, known, FEW) // until the compiler has seen enough
      const few = await lookups(store, known, FEW)
      await fill(store, count - FEW, known)
      const bytesPerSession = ((await usedMemory(server)) - empty) / count
      const many = await lookups(store, known, count)
      return { sessions: count, bytesPerSession, few, many, list: await listOne(store, server) }
    } finally {
      await store.close()
    }
  } finally {
    await server.dispose()
  }
}
