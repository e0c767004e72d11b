import type { RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { PURPOSES } from '../crypto/purposes.ts'
import type { JsonValue, Sealer } from '../crypto/seal.ts'
import { sha256 } from '../crypto/sha256.ts'
import { fault } from '../errors.ts'
import type { Documents } from '../store/store.ts'

/** Who has the factor with a key: in one realm a key is one user's. Rejects with a fault when the store cannot say. */
export interface FactorKeys {
  /**
   * False when it is another user's. `isHeld` says whether that user has the factor: a claim that nothing came of is given away,
   * though not before whoever made it can have been cut off.
   */
  claim(key: string, userId: string, isHeld: (owner: string) => Promise<boolean>): Promise<boolean>
  ownerOf(key: string): Promise<string | undefined>
  /** Does nothing when it is another user's. */
  release(key: string, userId: string): Promise<void>
}

export interface FactorKeysDeps {
  readonly realm: RealmName
  readonly documents: Documents
  readonly sealer: Sealer
  readonly clock: Clock
}

const COLLECTION = 'factor-keys'
/** Between taking a key and writing its factor lie milliseconds. In milliseconds. */
const UNFINISHED_MS = 10 * 60_000

interface Claim {
  readonly owner: string
  readonly at: number
}

export function createFactorKeys({ realm, documents, sealer, clock }: FactorKeysDeps): FactorKeys {
  /** Neither keys nor owners are anything for who reads a dump. */
  const idOf = (key: string): string => sha256(JSON.stringify(['factor key', realm, key]))
  const seal = (id: string, owner: string): string =>
    sealer.seal('factors', ['key', id, owner, clock()], PURPOSES.factors.longestLifeMs)
  const open = (id: string, value: string): Claim => {
    const opened = sealer.open('factors', value)
    const [what, sealedFor, owner, at] = Array.isArray(opened) ? (opened as readonly JsonValue[]) : []
    if (what !== 'key' || sealedFor !== id || typeof owner !== 'string' || typeof at !== 'number') {
      throw fault('GH_KEYS_UNAVAILABLE', {
        detail: 'the owner of a factor cannot be read; is the master key another one?',
      })
    }
    return { owner, at }
  }
  return {
    async claim(key, userId, isHeld) {
      const id = idOf(key)
      if (await documents.putIfAbsent(COLLECTION, id, seal(id, userId))) return true
      const found = await documents.get(COLLECTION, id)
      // Given back at this very moment: whoever tries once more gets it.
      if (found === undefined) return false
      const { owner, at } = open(id, found.value)
      if (owner === userId) return true
      if (clock() - at < UNFINISHED_MS || (await isHeld(owner))) return false
      return documents.replace(COLLECTION, id, found.version, seal(id, userId))
    },
    async ownerOf(key) {
      const id = idOf(key)
      const found = await documents.get(COLLECTION, id)
      return found === undefined ? undefined : open(id, found.value).owner
    },
    async release(key, userId) {
      const id = idOf(key)
      const found = await documents.get(COLLECTION, id)
      if (found !== undefined && open(id, found.value).owner === userId) await documents.remove(COLLECTION, id)
    },
  }
}
