import type { Clock } from '../../base/clock.ts'
import { randomName } from '../../base/random-id.ts'
import type { ContractData } from '../store.contract.ts'
import type { Bucket, SessionRecord, Store, TokenRecord } from '../store.ts'
import { bucketDigits } from './groups.ts'
import { openRedisStore } from './open.ts'
import type { RedisSettings } from './settings.ts'

const nothing = () => undefined
export const silentLog = { error: nothing, warn: nothing, info: nothing, debug: nothing }

/** The contract calls its sessions `s1`; here every sid starts with its bucket, as `newSid` makes them. */
class SidNames {
  readonly #buckets = new Map<string, Bucket>()

  full(sid: string, bucket?: Bucket): string {
    if (bucket !== undefined) this.#buckets.set(sid, bucket)
    return `${bucketDigits(this.#buckets.get(sid) ?? 17)}.${sid}`
  }

  /** What came out of the store, with sids as the contract knows them. */
  short<T>(value: T): T {
    if (value instanceof Map || value === null || typeof value !== 'object') return value
    if (Array.isArray(value)) return value.map((item: unknown) => this.short(item)) as T
    const shortened = (name: string, item: unknown): unknown =>
      (name === 'sid' || name === 'id') && typeof item === 'string' ? item.slice(5) : this.short(item)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shortened(name, item)])) as T
  }
}

function sessionsWith(names: SidNames, sessions: Store['sessions']): Store['sessions'] {
  const renamed = <T extends SessionRecord | Omit<TokenRecord, 'gen'>>(record: T): T => ({
    ...record,
    sid: names.full(record.sid, 'bucket' in record ? record.bucket : undefined),
  })
  return {
    resolve: async (hash, bucket) => names.short(await sessions.resolve(hash, bucket)),
    find: async (sid) => names.short(await sessions.find(names.full(sid))),
    ofUser: async (user) => names.short(await sessions.ofUser(user)),
    list: async ({ after, ...query }) =>
      names.short(await sessions.list(after === undefined ? query : { ...query, after: names.full(after) })),
    create: async (session, token, quota) =>
      names.short(await sessions.create(renamed(session), token && renamed(token), quota)),
    upgrade: async (sid, gen, patch, token) =>
      names.short(await sessions.upgrade(names.full(sid), gen, patch, token && renamed(token))),
    addToken: (token) => sessions.addToken(renamed(token)),
    removeTokens: (sid, audience) => sessions.removeTokens(names.full(sid), audience),
    touch: (seen) => sessions.touch(seen.map(({ sid, at }) => ({ sid: names.full(sid), at }))),
    end: async (sid, cause) => names.short(await sessions.end(names.full(sid), cause)),
    expired: async (limit) => names.short(await sessions.expired(limit)),
  }
}

function withShortSids(names: SidNames, store: Store): Store {
  const { sessions, revocations, denylist, outbox } = store
  return {
    ...store,
    sessions: sessionsWith(names, sessions),
    revocations: {
      subscribe: (listener, onGap) => revocations.subscribe((entries) => listener(names.short(entries)), onGap),
      tailedAt: () => revocations.tailedAt(),
    },
    denylist: { load: async () => names.short(await denylist.load()) },
    outbox: {
      claim: async (limit, leaseMs) => names.short(await outbox.claim(limit, leaseMs)),
      done: (ids) => outbox.done(ids.map((id) => names.full(id))),
    },
  }
}

/** An empty set of data on servers that are shared: a key prefix of its own. */
export function contractData(settings: RedisSettings, clock: Clock): ContractData {
  const own = { ...settings, keyPrefix: `test-${randomName()}:` }
  const opened: Store[] = []
  const names = new SidNames()
  return {
    open: async () => {
      const store = await openRedisStore({ settings: own, clock, log: silentLog, timeSource: clock })
      opened.push(store)
      return withShortSids(names, store)
    },
    dispose: async () => {
      await Promise.all(opened.map((store) => store.close()))
    },
  }
}
