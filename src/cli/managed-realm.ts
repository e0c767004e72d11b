import { userInfo } from 'node:os'
import type { RealmName } from '../base/brand.ts'
import { systemClock } from '../base/clock.ts'
import { openKeyRing } from '../crypto/key-ring.ts'
import { createSealer } from '../crypto/seal.ts'
import type { RealmConfig } from '../config/snapshot.ts'
import { createFactorStore, type FactorStore } from '../identity/factors.ts'
import { createLockouts, type Lockouts } from '../identity/lockouts.ts'
import { createUserRecords, type UserRecord, type UserRecords } from '../identity/managed/user-records.ts'
import { bucketOf, partialBucketOf } from '../session/bucket.ts'
import { epochKeys } from '../session/stateless-claims.ts'
import { createAuditLog } from '../telemetry/audit-log.ts'
import type { AuditEvent, EndCause } from '../telemetry/audit.ts'
import type { Terminal } from './terminal.ts'
import { withStore } from './with-store.ts'

type Action = Extract<AuditEvent, { readonly event: 'UserAdministered' }>['action']

/** One realm on the store, for commands about its people. */
export interface OpenRealm {
  readonly realm: RealmConfig
  readonly records: UserRecords
  readonly factors: FactorStore
  readonly lockouts: Lockouts
  /** Ends all sessions of a user, wherever they are served. */
  endSessions(user: Pick<UserRecord, 'id' | 'username'>, cause: EndCause): Promise<void>
  record(action: Action | 'password', username: string): void
  /** What somebody proves who they are with was removed. `before` and `after`: types. */
  recordReset(username: string, change: { readonly before: readonly string[]; readonly after: readonly string[] }): void
}

/** What is asked for is not there; the command says so and ends with 1. */
export class NotThere extends Error {}

/** Rounds of listing and ending, so that a login that finished meanwhile is ended too. */
const ROUNDS = 3

/**
 * Runs `use` on the realm, beside the processes that serve it; these follow within a second.
 * @throws NotThere for a realm that is not configured, and the faults of `withStore`
 */
export async function withRealm(
  { config, realm: name }: { readonly config: string; readonly realm: string },
  terminal: Pick<Terminal, 'env' | 'err'>,
  use: (realm: OpenRealm) => Promise<void>,
): Promise<void> {
  await withStore(config, terminal, async ({ snapshot, store, log }) => {
    const realm = snapshot.realms.get(name as RealmName)
    if (realm === undefined) throw new NotThere(`there is no realm ${JSON.stringify(name)}`)
    const { secrets, keys: rules, telemetry } = snapshot.gatehouse
    const clock = systemClock
    // Makes the keys of a store that was never served: users come before the first start.
    const keyRing = await openKeyRing({ documents: store.documents, ...secrets, rules, clock, log })
    const sealer = createSealer(keyRing, clock)
    const { file } = telemetry.audit
    const audit = createAuditLog({ destination: file === undefined ? { write: terminal.err } : { file }, log })
    const about = { realm: realm.name, requestId: undefined, clientIp: undefined }
    const deps = { realm: realm.name, store, sealer, clock }
    const by = `command line: ${userInfo().username}`
    try {
      await use({
        realm,
        records: createUserRecords(deps),
        factors: createFactorStore({ ...deps, documents: store.documents }),
        lockouts: createLockouts({ ...deps, rules: realm.authentication.throttle }),
        async endSessions({ id: userId, username }, cause) {
          const user = { realm: realm.name, userId }
          // A stateless token whose entry in the index was lost has to die, too.
          await store.epochs.raise(epochKeys(user)[0])
          for (let round = 0; round < ROUNDS; round++) {
            const buckets = [bucketOf(realm.name, userId), partialBucketOf(realm.name, userId)]
            const lists = await Promise.all(buckets.map((bucket) => store.sessions.ofUser({ ...user, bucket })))
            for (const { sid } of lists.flat()) {
              if ((await store.sessions.end(sid, cause)) === undefined) continue
              audit.record({ event: 'SessionEnded', at: clock(), ...about, username, sid, cause })
            }
          }
        },
        recordReset: (username, change) =>
          audit.record({ event: 'FactorsReset', at: clock(), ...about, username, by, ...change }),
        record(action, username) {
          if (action === 'password')
            audit.record({
              event: 'PasswordChanged',
              at: clock(),
              ...about,
              username,
              sid: undefined,
              by: 'administrator',
            })
          else audit.record({ event: 'UserAdministered', at: clock(), ...about, username, by, action })
        },
      })
    } finally {
      keyRing.close()
      await audit.close()
    }
  })
}
