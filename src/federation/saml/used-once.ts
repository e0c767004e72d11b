import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import { sha256 } from '../../crypto/sha256.ts'
import type { OneTimeRecords } from '../../store/store.ts'

const NAMESPACE = 'saml-used'

/** An id of a message or of an assertion, and whose. */
export interface UsedId {
  readonly realm: RealmName
  readonly issuer: string
  readonly id: string
  /** Until when it would be accepted again; milliseconds since the epoch. */
  readonly staleAt: number
}

/** Remembers what has counted, in all processes, for as long as it could count again (SAML Profiles 2.0 §4.1.4.5). */
export interface UsedOnce {
  /** False for what was used before: of any number of callers at once one gets true. Rejects with GH_STORE_UNAVAILABLE. */
  use(id: UsedId): Promise<boolean>
}

export function createUsedOnce(oneTime: Pick<OneTimeRecords, 'put'>, clock: Clock): UsedOnce {
  return {
    use: ({ realm, issuer, id, staleAt }) =>
      oneTime.put(NAMESPACE, sha256(JSON.stringify([realm, issuer, id])), '', Math.max(1_000, staleAt - clock())),
  }
}
