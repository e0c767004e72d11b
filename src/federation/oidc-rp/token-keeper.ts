import type { Clock } from '../../base/clock.ts'
import { randomName } from '../../base/random-id.ts'
import { PURPOSES } from '../../crypto/purposes.ts'
import type { JsonValue, Sealer } from '../../crypto/seal.ts'
import { fault } from '../../errors.ts'
import type { Leases, VersionedRecords } from '../../store/store.ts'
import type { ProviderClient, ProviderTokens } from './provider.ts'

const NAMESPACE = 'oidc-tokens'
/** How long before its end an access token is refreshed, in milliseconds. */
const EARLY_MS = 10_000
/** How long after a refresh that came to nothing the next one is tried. */
const RETRY_MS = 30_000

interface Kept {
  readonly tokens: ProviderTokens
  /** When the record goes, milliseconds since the epoch. */
  readonly until: number
  /** A refresh was begun and nothing is known of what came of it: the refresh token may be spent. */
  readonly isUnsure?: true
  /** Not before. */
  readonly retryAt?: number
}

/** What came of the wish for fresh tokens, and when it makes sense to ask again, milliseconds since the epoch. */
export interface RefreshOutcome {
  readonly kind: 'current' | 'refreshed' | 'over' | 'failed' | 'elsewhere' | 'gone'
  readonly askAgainAt: number
}

export interface TokenKeeperDeps {
  readonly versioned: VersionedRecords
  readonly leases: Leases
  readonly sealer: Sealer
  readonly clock: Clock
  /** Longer than a refresh ever takes, in milliseconds. */
  readonly leaseMs: number
}

/** A provider's tokens, sealed in the store: one refresh for each session, whatever number of processes want it. */
export interface TokenKeeper {
  /** Name of the record. */
  keep(tokens: ProviderTokens, ttlMs: number): Promise<string>
  read(name: string): Promise<ProviderTokens | undefined>
  forget(name: string): Promise<void>
  /** Has the provider take them back, and forgets them; never beside a refresh, which would bring others. Rejects where it could not. */
  revoke(name: string, client: Pick<ProviderClient, 'revoke'>): Promise<void>
  /**
   * Refreshes what is about to be over. One process holds the lease, and before it asks it writes down that it does, by compare-and-set:
   * the version of the record is its fencing token, so whoever held the lease before and wakes up late writes nothing. The others find the
   * result in the record. `over` only where the provider takes the grant back and no refresh before this one was lost on the way: a holder
   * that died in the middle may have spent the refresh token, and nobody signs out for that.
   */
  refresh(name: string, client: Pick<ProviderClient, 'refresh'>): Promise<RefreshOutcome>
}

export function createTokenKeeper({ versioned, leases, sealer, clock, leaseMs }: TokenKeeperDeps): TokenKeeper {
  const seal = (name: string, kept: Kept): string =>
    sealer.seal('factors', ['oidc-tokens', name, JSON.stringify(kept)], PURPOSES.factors.longestLifeMs)
  const load = async (name: string): Promise<(Kept & { readonly version: number }) | undefined> => {
    const found = await versioned.load(NAMESPACE, name)
    if (found === undefined) return undefined
    const opened = sealer.open('factors', found.value)
    const [what, place, text] = Array.isArray(opened) ? (opened as readonly JsonValue[]) : []
    if (what !== 'oidc-tokens' || place !== name || typeof text !== 'string') {
      throw fault('GH_STORE_UNAVAILABLE', { detail: 'the tokens of a provider cannot be read' })
    }
    return { ...(JSON.parse(text) as Kept), version: found.version }
  }
  const write = (name: string, version: number, kept: Kept): Promise<boolean> =>
    versioned.replace(NAMESPACE, name, version, seal(name, kept), Math.max(1, kept.until - clock()))

  const refreshNow = async (name: string, client: Pick<ProviderClient, 'refresh'>): Promise<RefreshOutcome> => {
    // Once more under the lease: whoever held it before may have done it.
    const found = await load(name)
    const now = clock()
    if (found === undefined) return { kind: 'gone', askAgainAt: Infinity }
    const dueAt = dueAtOf(found)
    if (dueAt > now) return { kind: 'current', askAgainAt: dueAt }
    const { tokens, until, isUnsure, version } = found
    if (!(await write(name, version, { tokens, until, isUnsure: true }))) return elsewhere(now)
    const answer = await client.refresh(tokens)
    const next = version + 1
    switch (answer.kind) {
      case 'refreshed': {
        const kept = { tokens: answer.tokens, until }
        const isWritten = await write(name, next, kept)
        return isWritten ? { kind: 'refreshed', askAgainAt: dueAtOf(kept) } : elsewhere(clock())
      }
      case 'over': {
        const { refreshToken: _spent, ...rest } = tokens
        if (!(await write(name, next, { tokens: rest, until }))) return elsewhere(clock())
        return { kind: isUnsure === true ? 'failed' : 'over', askAgainAt: Infinity }
      }
      case 'failed': {
        const retryAt = clock() + RETRY_MS
        const isLost = isUnsure === true || !answer.isAnswered
        await write(name, next, { tokens, until, retryAt, ...(isLost ? { isUnsure: true } : {}) })
        return { kind: 'failed', askAgainAt: retryAt }
      }
    }
  }

  const underLease = async <T>(
    name: string,
    { work, otherwise }: { readonly work: () => Promise<T>; readonly otherwise: () => Promise<T> },
  ): Promise<T> => {
    const [lease, owner] = [`oidc-refresh:${name}`, randomName()]
    if (!(await leases.acquire(lease, owner, leaseMs))) return otherwise()
    try {
      return await work()
    } finally {
      await leases.release(lease, owner)
    }
  }

  return {
    async keep(tokens, ttlMs) {
      const name = randomName()
      const kept = { tokens, until: clock() + ttlMs }
      if (await versioned.create(NAMESPACE, name, seal(name, kept), ttlMs)) return name
      throw fault('GH_INTERNAL', { detail: 'a random name came twice' })
    },
    read: async (name) => (await load(name))?.tokens,
    forget: (name) => versioned.remove(NAMESPACE, name),
    revoke: (name, client) =>
      underLease(name, {
        async work() {
          const found = await load(name)
          if (found === undefined) return
          await client.revoke(found.tokens)
          await versioned.remove(NAMESPACE, name)
        },
        otherwise: () => Promise.reject(new Error('its tokens are just being refreshed')),
      }),
    async refresh(name, client) {
      const found = await load(name)
      if (found === undefined) return { kind: 'gone', askAgainAt: Infinity }
      const dueAt = dueAtOf(found)
      if (dueAt > clock()) return { kind: 'current', askAgainAt: dueAt }
      return underLease<RefreshOutcome>(name, {
        work: () => refreshNow(name, client),
        otherwise: () => Promise.resolve(elsewhere(clock())),
      })
    },
  }
}

/** When they are to be refreshed; never, where they cannot be. */
function dueAtOf({ tokens, retryAt = 0 }: Kept): number {
  if (tokens.refreshToken === undefined || tokens.expiresAt === undefined) return Infinity
  return Math.max(tokens.expiresAt - EARLY_MS, retryAt)
}

function elsewhere(now: number): RefreshOutcome {
  return { kind: 'elsewhere', askAgainAt: now + 1_000 }
}
