import { randomUUID } from 'node:crypto'
import type { RealmName } from '../../base/brand.ts'
import { sha256 } from '../../crypto/sha256.ts'
import type { User } from '../../identity/directory.ts'
import type { Store } from '../../store/store.ts'
import { NAME_ID } from '../saml/names.ts'
import { valuesOf } from './attributes.ts'

/** What somebody is called at a partner. */
export interface IssuedNameId {
  readonly value: string
  readonly format: string
  /** Only of names that are good between us and the partner alone. */
  readonly isPairwise: boolean
}

const FORMATS = {
  persistent: NAME_ID.persistent,
  transient: NAME_ID.transient,
  email: NAME_ID.email,
  unspecified: NAME_ID.unspecified,
} as const
export type NameIdKind = keyof typeof FORMATS

export interface NameIdWish {
  /** Format that the request names. */
  readonly requested: string | undefined
  /** The configuration's word. */
  readonly configured: NameIdKind | undefined
  /** What the partner's metadata would have, in its order. */
  readonly offered: readonly string[]
}

/** The format to use; `undefined` for one that is not spoken here. `unspecified` leaves it to us (SAML Core 2.0 §8.3.1). */
export function nameIdKindOf({ requested, configured, offered }: NameIdWish): NameIdKind | undefined {
  if (requested !== undefined && requested !== NAME_ID.unspecified) return kindOf(requested)
  return configured ?? offered.map(kindOf).find((kind) => kind !== undefined) ?? 'persistent'
}

function kindOf(format: string): NameIdKind | undefined {
  return (Object.keys(FORMATS) as NameIdKind[]).find((kind) => FORMATS[kind] === format)
}

export interface NameIds {
  /** `undefined` where there is none: no address, say, or a persistent one that may not be made. */
  issue(wish: {
    readonly kind: NameIdKind
    readonly user: User
    readonly entityId: string
    /** Where `unspecified` comes from. */
    readonly from: string
    readonly mayCreate: boolean
    /** Transient names last for a session: that of before, where the partner has one. */
    readonly transient: string | undefined
  }): Promise<IssuedNameId | undefined>
}

const COLLECTION = 'saml-names'

/** Persistent names are random and kept: nobody can tell from one whose it is, nor from two that they are one person's (§8.3.7). */
export function createNameIds(realm: RealmName, documents: Pick<Store['documents'], 'get' | 'putIfAbsent'>): NameIds {
  const persistent = async (user: User, entityId: string, mayCreate: boolean): Promise<string | undefined> => {
    const key = sha256(JSON.stringify([realm, entityId, user.id]))
    const found = await documents.get(COLLECTION, key)
    if (found !== undefined || !mayCreate) return found?.value
    const made = randomUUID()
    if (await documents.putIfAbsent(COLLECTION, key, made)) return made
    return (await documents.get(COLLECTION, key))?.value
  }
  const valueFor: Record<NameIdKind, (wish: Parameters<NameIds['issue']>[0]) => Promise<string | undefined>> = {
    persistent: ({ user, entityId, mayCreate }) => persistent(user, entityId, mayCreate),
    transient: ({ transient }) => Promise.resolve(transient ?? `_${randomUUID()}`),
    email: ({ user }) => Promise.resolve(valuesOf(user, 'attribute:mail')[0]),
    unspecified: ({ user, from }) => Promise.resolve(valuesOf(user, from)[0]),
  }
  return {
    async issue(wish) {
      const value = await valueFor[wish.kind](wish)
      const isPairwise = wish.kind === 'persistent' || wish.kind === 'transient'
      return value === undefined || value === '' ? undefined : { value, format: FORMATS[wish.kind], isPairwise }
    },
  }
}
