import { createPublicKey, type KeyObject } from 'node:crypto'
import type { EpochMs } from '../base/brand.ts'
import type { RingKey } from './key-document.ts'
import { ALL_PURPOSES, PURPOSES, type KeyRule, type Purpose } from './purposes.ts'

/** Clocks of two processes may be this far apart before a key is removed too early. */
const CLOCK_SKEW_MS = 5 * 60_000

/** A public key as in RFC 7517 §4, with the members of its type (RFC 7518 §6, RFC 8037 §2). */
export interface PublicJwk {
  readonly kty: 'EC' | 'OKP' | 'RSA'
  readonly kid: string
  readonly use: 'sig'
  readonly alg: JwsAlgorithm
  readonly crv?: string
  readonly x?: string
  readonly y?: string
  readonly n?: string
  readonly e?: string
}

type JwsAlgorithm = 'ES256' | 'EdDSA' | 'RS256'

/** What people may see of a key. */
export interface KeySummary {
  readonly kid: string
  readonly purpose: Purpose
  readonly createdAt: EpochMs
  readonly notBefore: EpochMs
  readonly state: 'upcoming' | 'active' | 'verifying'
  /** When nothing made with it is valid any more and it may be removed; `undefined` while it has no successor. */
  readonly until: EpochMs | undefined
}

/** The keys of all purposes as they stood in the store at one moment. Never changed. */
export interface KeySet {
  readonly jwks: { readonly keys: readonly PublicJwk[] }
  /** The key that signs or seals at this time. */
  current(purpose: Purpose, now: EpochMs): RingKey | undefined
  /** The one with the highest sequence, whether or not it signs already. */
  newest(purpose: Purpose): RingKey | undefined
  find(purpose: Purpose, kid: string): RingKey | undefined
  /** All keys of a purpose, the one that signs first. */
  all(purpose: Purpose, now: EpochMs): readonly RingKey[]
  summaries(now: EpochMs): readonly KeySummary[]
  /** Keys of which nothing can be valid any more. */
  retired(now: EpochMs): readonly RingKey[]
}

export function createKeySet(keys: readonly RingKey[]): KeySet {
  const byPurpose = new Map(ALL_PURPOSES.map((purpose) => [purpose, inOrder(keys, purpose)]))
  const of = (purpose: Purpose): readonly RingKey[] => byPurpose.get(purpose) ?? []
  const current = (purpose: Purpose, now: EpochMs): RingKey | undefined =>
    of(purpose).findLast((candidate) => candidate.notBefore <= now) ?? of(purpose)[0]
  return {
    jwks: { keys: publicKeys(ALL_PURPOSES.flatMap(of)) },
    current,
    newest: (purpose) => of(purpose).at(-1),
    find: (purpose, kid) => of(purpose).find((key) => key.kid === kid),
    all: (purpose, now) => {
      const active = current(purpose, now)
      return active === undefined ? [] : [active, ...of(purpose).filter((key) => key !== active)]
    },
    summaries: (now) =>
      ALL_PURPOSES.flatMap((purpose) => {
        const active = current(purpose, now)
        return of(purpose).map(({ kid, createdAt, notBefore }, i, all) => {
          const state = kid === active?.kid ? 'active' : notBefore > now ? 'upcoming' : 'verifying'
          return { kid, purpose, createdAt, notBefore, state, until: neededUntil(purpose, all[i + 1]) } as const
        })
      }),
    retired: (now) =>
      ALL_PURPOSES.flatMap((purpose) =>
        of(purpose).filter((_, i, all) => (neededUntil(purpose, all[i + 1]) ?? Infinity) <= now),
      ),
  }
}

/** A key is done when its successor has signed for longer than anything it made can live. */
function neededUntil(purpose: Purpose, successor: RingKey | undefined): EpochMs | undefined {
  if (successor === undefined) return undefined
  return (successor.notBefore + PURPOSES[purpose].longestLifeMs + CLOCK_SKEW_MS) as EpochMs
}

function inOrder(keys: readonly RingKey[], purpose: Purpose): readonly RingKey[] {
  return keys.filter((key) => key.purpose === purpose).sort((a, b) => a.sequence - b.sequence)
}

function publicKeys(keys: readonly RingKey[]): readonly PublicJwk[] {
  return keys.flatMap(({ purpose, kid, key }) => {
    const rule: KeyRule = PURPOSES[purpose]
    if (rule.kind === 'secret' || rule.private === true) return []
    return [publicJwk(key, { kid, alg: ALGORITHMS[rule.kind] })]
  })
}

const ALGORITHMS = { es256: 'ES256', eddsa: 'EdDSA', rs256: 'RS256' } as const

/** Members by name, so that a private one could not slip in. */
function publicJwk(key: KeyObject, { kid, alg }: { readonly kid: string; readonly alg: JwsAlgorithm }): PublicJwk {
  const { crv = '', x = '', y = '', n = '', e = '' } = createPublicKey(key).export({ format: 'jwk' })
  const about = { kid, use: 'sig', alg } as const
  switch (alg) {
    case 'ES256':
      return { kty: 'EC', crv, x, y, ...about }
    case 'EdDSA':
      return { kty: 'OKP', crv, x, ...about }
    case 'RS256':
      return { kty: 'RSA', n, e, ...about }
  }
}
