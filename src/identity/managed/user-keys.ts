import { createHmac, randomBytes } from 'node:crypto'
import type { RealmName } from '../../base/brand.ts'
import { usernameKey } from '../../base/username-key.ts'
import { PURPOSES } from '../../crypto/purposes.ts'
import type { JsonValue, Sealer } from '../../crypto/seal.ts'
import { fault } from '../../errors.ts'
import type { Documents } from '../../store/store.ts'

const COLLECTION = 'user-lookup'
const ID = 'key'
/** 132 bits: nobody meets another's by chance, and nobody can compute one without the key. */
const CHARACTERS = 22

/** Where the record of a name stands: whoever reads a dump of the store cannot tell whether somebody is in it. */
export interface UserKeys {
  /** The same for every spelling of the name. */
  of(realm: RealmName, username: string): Promise<string>
}

/**
 * A keyed hash (HMAC-SHA-256, RFC 2104) of the canonical name. Its key is made once for a store, sealed under the key ring, and read
 * each time: a store that was put back from a copy brings its own.
 */
export function createUserKeys({
  documents,
  sealer,
}: {
  readonly documents: Documents
  readonly sealer: Sealer
}): UserKeys {
  const key = async (): Promise<Buffer> => {
    const found = await documents.get(COLLECTION, ID)
    if (found !== undefined) return open(sealer, found.value)
    const fresh: JsonValue = ['user lookup key', randomBytes(32).toString('base64url')]
    await documents.putIfAbsent(COLLECTION, ID, sealer.seal('factors', fresh, PURPOSES.factors.longestLifeMs))
    const made = await documents.get(COLLECTION, ID)
    if (made === undefined) throw fault('GH_STORE_UNAVAILABLE', { detail: 'the key of user names was not kept' })
    return open(sealer, made.value)
  }
  return {
    async of(realm, username) {
      const name = JSON.stringify([realm, usernameKey(username)])
      return createHmac('sha256', await key())
        .update(name)
        .digest('base64url')
        .slice(0, CHARACTERS)
    },
  }
}

function open(sealer: Sealer, value: string): Buffer {
  const opened = sealer.open('factors', value)
  const [what, secret] = Array.isArray(opened) ? (opened as readonly JsonValue[]) : []
  if (what !== 'user lookup key' || typeof secret !== 'string') {
    throw fault('GH_KEYS_UNAVAILABLE', {
      detail: 'the key of user names cannot be read; is the master key another one?',
    })
  }
  return Buffer.from(secret, 'base64url')
}
