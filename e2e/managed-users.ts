import type { RealmName } from '../src/base/brand.ts'
import { systemClock } from '../src/base/clock.ts'
import { openKeyRing } from '../src/crypto/key-ring.ts'
import { createSealer } from '../src/crypto/seal.ts'
import { createUserRecords, type NewUser } from '../src/identity/managed/user-records.ts'
import { openEmbeddedStore } from '../src/store/embedded/open.ts'

const log = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

export interface ManagedPlace {
  /** The store's file. */
  readonly path: string
  readonly masterKey: string
  readonly realm: RealmName
}

/** Adds users to a realm that is `managed`, beside the process that serves it. */
export async function addManagedUsers(
  { path, masterKey, realm }: ManagedPlace,
  users: readonly (Pick<NewUser, 'username' | 'password'> & Partial<NewUser>)[],
): Promise<void> {
  const store = await openEmbeddedStore({ path, clock: systemClock, log })
  const { documents } = store
  const mayMaintain = (): Promise<boolean> => Promise.resolve(false)
  const ring = await openKeyRing({ documents, masterKey, clock: systemClock, log, mayMaintain })
  const records = createUserRecords({ realm, store, sealer: createSealer(ring, systemClock), clock: systemClock })
  for (const user of users)
    await records.create({ groups: [], attributes: {}, mustChange: false, disabled: false, ...user })
  ring.close()
  await store.close()
}
