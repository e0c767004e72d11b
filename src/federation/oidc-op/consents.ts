import type { Clock } from '../../base/clock.ts'
import { update, type Shelf } from './records.ts'

/** A consent that nobody has renewed for this long is asked for again. */
const REMEMBERED_MS = 365 * 24 * 60 * 60_000

/** What a person has agreed to that one client may know. */
export interface Consent {
  readonly scopes: readonly string[]
  readonly claims: readonly string[]
  /** Whether it was to last beyond a session, at some time. */
  readonly isLasting: boolean
  /** Milliseconds since the epoch. */
  readonly agreedAt: number
}

export interface ConsentsDeps {
  readonly shelf: Shelf
  readonly keyOf: (kind: string, id: string) => string
  readonly clock: Clock
}

/** What people have agreed to, one record for each person. */
export interface Consents {
  /** By client. */
  of(userId: string): Promise<Readonly<Record<string, Consent>>>
  add(userId: string, clientId: string, agreed: Pick<Consent, 'scopes' | 'claims' | 'isLasting'>): Promise<void>
  /** False where there was none. */
  remove(userId: string, clientId: string): Promise<boolean>
}

export function createConsents({ shelf, keyOf, clock }: ConsentsDeps): Consents {
  const key = (userId: string): string => keyOf('Consents', userId)
  const read = (value: string | undefined): Record<string, Consent> => {
    const all = value === undefined ? {} : (JSON.parse(value) as Record<string, Consent>)
    return Object.fromEntries(Object.entries(all).filter(([, { agreedAt }]) => agreedAt + REMEMBERED_MS > clock()))
  }

  return {
    of: async (userId) => read((await shelf.load(key(userId)))?.value),
    add: (userId, clientId, { scopes, claims, isLasting }) =>
      update(shelf, key(userId), {
        ttlMs: REMEMBERED_MS,
        change(value) {
          const all = read(value)
          const before = Object.hasOwn(all, clientId) ? all[clientId] : undefined
          const next: Consent = {
            scopes: [...new Set([...(before?.scopes ?? []), ...scopes])],
            claims: [...new Set([...(before?.claims ?? []), ...claims])],
            isLasting: isLasting || before?.isLasting === true,
            agreedAt: clock(),
          }
          return JSON.stringify({ ...all, [clientId]: next })
        },
      }),
    async remove(userId, clientId) {
      const outcome = { wasThere: false }
      await update(shelf, key(userId), {
        ttlMs: REMEMBERED_MS,
        change(value) {
          const all = read(value)
          outcome.wasThere = Object.hasOwn(all, clientId)
          const { [clientId]: _, ...others } = all
          return outcome.wasThere ? JSON.stringify(others) : undefined
        },
      })
      return outcome.wasThere
    },
  }
}
