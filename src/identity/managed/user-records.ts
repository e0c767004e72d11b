import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import { randomName } from '../../base/random-id.ts'
import { PURPOSES } from '../../crypto/purposes.ts'
import type { JsonValue, Sealer } from '../../crypto/seal.ts'
import { sha256 } from '../../crypto/sha256.ts'
import { fault } from '../../errors.ts'
import { bucketOf } from '../../session/bucket.ts'
import { documentPages } from '../../store/document-pages.ts'
import type { Document, Store } from '../../store/store.ts'
import { createUserKeys } from './user-keys.ts'

/** One user as the store keeps them. */
export interface UserRecord {
  /** `<place of the record>.<random>`: whoever is given the name of one who left is somebody else. */
  readonly id: string
  readonly realm: RealmName
  readonly username: string
  readonly groups: readonly string[]
  readonly attributes: Readonly<Record<string, readonly string[]>>
  /** argon2id. */
  readonly password: string
  readonly passwordChangedAt: EpochMs
  /** Hashes of passwords before, newest first. */
  readonly previousPasswords: readonly string[]
  /** Set by an administrator: the password opens nothing until its owner has chosen another. */
  readonly mustChange: boolean
  readonly disabled: boolean
  readonly createdAt: EpochMs
}

export type NewUser = Pick<UserRecord, 'username' | 'groups' | 'attributes' | 'password' | 'mustChange' | 'disabled'>

/** The managed users of one realm: a sealed document each. Rejects with a fault when the store cannot say. */
export interface UserRecords {
  byName(username: string): Promise<UserRecord | undefined>
  byId(id: string): Promise<UserRecord | undefined>
  /** In order of their names. */
  list(): Promise<readonly UserRecord[]>
  /** `undefined` when somebody has the name, in whatever spelling. */
  create(user: NewUser): Promise<UserRecord | undefined>
  /**
   * Writes what `edit` makes of the user as they are now, in one step over all processes; other processes know within a second.
   * `edit` must be pure. `undefined` when there is no such user, or `edit` refuses with `undefined`.
   */
  change(id: string, edit: (user: UserRecord) => UserRecord | undefined): Promise<UserRecord | undefined>
  /** False when there was no such user. */
  remove(id: string): Promise<boolean>
}

export interface UserRecordsDeps {
  readonly realm: RealmName
  readonly store: Pick<Store, 'documents' | 'epochs'>
  readonly sealer: Sealer
  readonly clock: Clock
}

const COLLECTION = 'users'
const ID = /^([A-Za-z0-9_-]{22})\.[A-Za-z0-9_-]{16}$/
/** Whoever loses this often is part of an attack. */
const MAX_ROUNDS = 250

/** Raised whenever a user of that part of the realm has changed: how other processes learn of it. */
export function userEpochKey(realm: RealmName, userId: string): string {
  return `${epochPrefix(realm)}${bucketOf(realm, userId)}`
}

export function isUserEpochOf(realm: RealmName, key: string): boolean {
  return key.startsWith(epochPrefix(realm))
}

const epochPrefix = (realm: RealmName): string => `managed-users:${sha256(realm)}:`

export function createUserRecords({ realm, store, sealer, clock }: UserRecordsDeps): UserRecords {
  const { documents, epochs } = store
  const keys = createUserKeys({ documents, sealer })

  const read = async (place: string): Promise<{ user: UserRecord; version: number } | undefined> => {
    const found = await documents.get(COLLECTION, place)
    return found && { user: open(sealer, found), version: found.version }
  }
  /** Whoever has the place now may be another than the one who is meant. */
  const readOwner = async (id: string) => {
    const place = ID.exec(id)?.[1]
    const found = place === undefined ? undefined : await read(place)
    return found?.user.id === id && found.user.realm === realm ? { ...found, place: place ?? '' } : undefined
  }

  return {
    byName: async (username) => (await read(await keys.of(realm, username)))?.user,
    byId: async (id) => (await readOwner(id))?.user,
    async list() {
      const users = new Map<string, UserRecord>()
      for await (const part of documentPages(documents, COLLECTION)) {
        for (const document of part) users.set(document.id, open(sealer, document))
      }
      return [...users.values()]
        .filter((user) => user.realm === realm)
        .sort((a, b) => (a.username < b.username ? -1 : 1))
    },
    async create(user) {
      const place = await keys.of(realm, user.username)
      const now = clock()
      const id = `${place}.${randomName()}`
      const record: UserRecord = { ...user, id, realm, passwordChangedAt: now, previousPasswords: [], createdAt: now }
      if (!(await documents.putIfAbsent(COLLECTION, place, seal(sealer, place, record)))) return undefined
      await epochs.raise(userEpochKey(realm, id))
      return record
    },
    async change(id, edit) {
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const found = await readOwner(id)
        const next = found && edit(found.user)
        if (found === undefined || next === undefined) return undefined
        if (await documents.replace(COLLECTION, found.place, found.version, seal(sealer, found.place, next))) {
          await epochs.raise(userEpochKey(realm, id))
          return next
        }
      }
      throw fault('GH_STORE_UNAVAILABLE', { detail: `a user of ${realm} changes too fast` })
    },
    async remove(id) {
      const found = await readOwner(id)
      if (found === undefined) return false
      await documents.remove(COLLECTION, found.place)
      await epochs.raise(userEpochKey(realm, id))
      return true
    },
  }
}

/** The document's place is sealed with it: one user's record put in another's place opens nothing. */
function seal(sealer: Sealer, place: string, user: UserRecord): string {
  return sealer.seal('factors', ['user', place, JSON.stringify(user)], PURPOSES.factors.longestLifeMs)
}

/** What cannot be read is no absent user: their name would be anybody's. */
function open(sealer: Sealer, { id, value }: Pick<Document, 'id' | 'value'>): UserRecord {
  const opened = sealer.open('factors', value)
  const [what, place, text] = Array.isArray(opened) ? (opened as readonly JsonValue[]) : []
  if (what !== 'user' || place !== id || typeof text !== 'string') {
    throw fault('GH_KEYS_UNAVAILABLE', { detail: 'a user in the store cannot be read; is the master key another one?' })
  }
  return JSON.parse(text) as UserRecord
}
