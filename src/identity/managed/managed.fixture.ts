import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { EpochMs, RealmName } from '../../base/brand.ts'
import { openQuickKeyRing } from '../../crypto/key-ring.fixture.ts'
import { createPasswordHasher } from '../../crypto/password-hash.ts'
import { createSealer, type Sealer } from '../../crypto/seal.ts'
import { openEmbeddedStore } from '../../store/embedded/open.ts'
import { writerInThisThread } from '../../store/embedded/same-thread.fixture.ts'
import { scratchPath } from '../../store/embedded/scratch.fixture.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../../telemetry/log.ts'
import { createManagedDirectory, type ManagedDirectory, type PasswordHasher } from './managed-directory.ts'
import { passwordRulesSchema } from './passwords.schema.ts'
import { createUserRecords, type NewUser, type UserRecords } from './user-records.ts'

export const REALM = '/people' as RealmName
const silent: Log = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

/** One process that serves managed users. */
export interface ManagedProcess {
  readonly store: Store
  readonly sealer: Sealer
  readonly records: UserRecords
  readonly directory: ManagedDirectory
  /** Ids of users of whom it was told that they changed. */
  readonly changed: string[]
}

export interface ManagedBench {
  /** Time of all processes, to be moved; the real one where it is undefined. */
  readonly time: { now: number | undefined }
  readonly hash: (password: string) => Promise<string>
  /** Called when a password was found right or wrong, before that is told: what it resolves after holds the answer back. */
  readonly checked: { held: () => Promise<void> }
  readonly process: (rules?: object, realm?: RealmName) => Promise<ManagedProcess>
}

/** Processes on one store; an embedded one, unless `openStore` opens another. */
export function managedBench(t: TestContext, openStore?: (clock: () => EpochMs) => Promise<Store>): ManagedBench {
  const time: ManagedBench['time'] = { now: undefined }
  const clock = (): EpochMs => (time.now ?? Date.now()) as EpochMs
  const masterKey = randomBytes(32).toString('base64url')
  const path = scratchPath(t)
  const open =
    openStore ?? ((at) => openEmbeddedStore({ path, clock: at, log: silent, spawn: writerInThisThread(path) }))
  const real = createPasswordHasher({ queue: 1_000 })
  const checked: ManagedBench['checked'] = { held: () => Promise.resolve() }
  const hasher: PasswordHasher = {
    ...real,
    verify: async (...args) => {
      const right = await real.verify(...args)
      await checked.held()
      return right
    },
  }
  return {
    time,
    checked,
    hash: (password) => hasher.hash(password),
    process: async (rules = {}, realm = REALM) => {
      const store = await open(clock)
      const ring = await openQuickKeyRing({ documents: store.documents, masterKey, clock, log: silent })
      const sealer = createSealer(ring, clock)
      const changed: string[] = []
      const directory = createManagedDirectory(realm, passwordRulesSchema.parse(rules), {
        store,
        sealer,
        hasher,
        clock,
        log: silent,
        changed: (id) => changed.push(id),
      })
      t.after(async () => {
        directory.close()
        ring.close()
        await store.close()
      })
      return { store, sealer, records: createUserRecords({ realm, store, sealer, clock }), directory, changed }
    },
  }
}

export function newUser(username: string, password: string, more: Partial<NewUser> = {}): NewUser {
  return { username, password, groups: [], attributes: {}, mustChange: false, disabled: false, ...more }
}
