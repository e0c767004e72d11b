import type { RealmName } from '../base/brand.ts'
import { MAX_USERNAME_LENGTH } from '../base/username-key.ts'
import { PURPOSES } from '../crypto/purposes.ts'
import type { JsonValue, Sealer } from '../crypto/seal.ts'
import { sha256 } from '../crypto/sha256.ts'
import { fault } from '../errors.ts'
import type { User, UserDirectory } from '../identity/directory.ts'
import type { UserRecord, UserRecords } from '../identity/managed/user-records.ts'
import { isAnonymous } from '../session/anonymous.ts'
import type { Documents } from '../store/store.ts'
import type { AccountRules } from './account-rules.schema.ts'
import { nameIn, textIn, textsIn, type Claims } from './claims.ts'

export type AccountFault =
  /** The directory has nobody whom the claims name, and nobody is created. */
  | 'provider-nobody'
  /** They were linked to somebody who may not sign in any more. */
  | 'linked-to-nobody'
  /** Somebody else has the name that they would be created with. */
  | 'name-taken'

/** Makes users, where the realm's are managed here. */
export interface Provisioning {
  readonly records: Pick<UserRecords, 'create' | 'change'>
  /** Hash of a password that nobody knows. */
  noPassword(): Promise<string>
}

export interface AccountsDeps {
  readonly realm: RealmName
  readonly directory: UserDirectory
  readonly documents: Documents
  readonly sealer: Sealer
  readonly provisioning: Provisioning | undefined
}

/** A provider, and how its people are found. */
export interface ProviderRules extends Pick<AccountRules, 'link' | 'create'> {
  /** Issuer, or entity id: what `sub` says is of it alone. */
  readonly issuer: string
}

/** Who of the directory somebody is at a provider. */
export interface Accounts {
  of(provider: ProviderRules, claims: Claims): Promise<User | AccountFault>
}

const COLLECTION = 'oidc-links'

/**
 * Somebody is known by issuer and `sub` together, since another provider may give the same `sub` to anybody. Where the rule goes by `sub`
 * itself it is asked each time, so that an administrator who takes the value from a user takes the login as well; otherwise what it
 * found once is kept, so that an address which changes hands at the provider does not take the account with it.
 */
export function createAccounts({ realm, directory, documents, sealer, provisioning }: AccountsDeps): Accounts {
  const find = async (id: string): Promise<User | undefined> => directory.find(id)

  const linkedTo = async (id: string): Promise<string | undefined> => {
    const found = await documents.get(COLLECTION, id)
    if (found === undefined) return undefined
    const opened = sealer.open('factors', found.value)
    const [what, place, userId] = Array.isArray(opened) ? (opened as readonly JsonValue[]) : []
    if (what === 'oidc-link' && place === id && typeof userId === 'string') return userId
    throw fault('GH_STORE_UNAVAILABLE', { detail: `a link of ${realm} to a provider cannot be read` })
  }
  /** Of several logins at once one writes, and the others read what it wrote. */
  const link = async (id: string, user: User): Promise<User | undefined> => {
    const value = sealer.seal('factors', ['oidc-link', id, user.id], PURPOSES.factors.longestLifeMs)
    if (await documents.putIfAbsent(COLLECTION, id, value)) return user
    const other = await linkedTo(id)
    if (other === undefined) return undefined
    return other === user.id ? user : find(other)
  }

  const byRule = async ({ link: rule }: ProviderRules, claims: Claims): Promise<User | undefined> => {
    if (rule === undefined) return undefined
    const { claim, is } = rule
    const value = nameIn(claims, claim)
    if (value === undefined || (is === 'id' && isAnonymous({ userId: value }))) return undefined
    return is === 'id' ? find(value) : directory.findBy?.(is, value)
  }

  const create = async (provider: ProviderRules, claims: Claims): Promise<User | AccountFault> => {
    const rule = provider.create
    const username = rule && nameIn(claims, rule.username)
    if (
      provisioning === undefined ||
      rule === undefined ||
      username === undefined ||
      username.length > MAX_USERNAME_LENGTH
    )
      return 'provider-nobody'
    const { attributes, groups } = mapped(rule, claims)
    const password = await provisioning.noPassword()
    const draft = { username, attributes, groups: [...groups], password, mustChange: false, disabled: false }
    const made = await provisioning.records.create(draft)
    // Never linked by its name: whoever chooses names at the provider would choose accounts here.
    return made === undefined ? 'name-taken' : ((await find(made.id)) ?? 'provider-nobody')
  }

  const update = async (provider: ProviderRules, claims: Claims, user: User): Promise<User> => {
    const rule = provider.create
    if (rule === undefined || provisioning === undefined) return user
    await provisioning.records.change(user.id, (now) => changed(now, rule, claims))
    return (await find(user.id)) ?? user
  }

  return {
    async of(provider, claims) {
      const id = sha256(JSON.stringify([realm, provider.issuer, claims.sub]))
      const isAskedAnew = provider.link?.claim === 'sub'
      const known = await linkedTo(id)
      if (known !== undefined) {
        const user = await find(known)
        return user === undefined ? 'linked-to-nobody' : update(provider, claims, user)
      }
      const ruled = await byRule(provider, claims)
      if (ruled !== undefined) return isAskedAnew ? ruled : ((await link(id, ruled)) ?? 'linked-to-nobody')
      const made = await create(provider, claims)
      // Two first logins at once: the name is taken by the other one, which links it.
      const winner = made === 'name-taken' ? await linkedTo(id) : undefined
      if (winner !== undefined) return (await find(winner)) ?? 'linked-to-nobody'
      return typeof made === 'string' ? made : ((await link(id, made)) ?? 'linked-to-nobody')
    },
  }
}

type CreateRule = NonNullable<AccountRules['create']>

function mapped({ attributes, groups }: CreateRule, claims: Claims) {
  const theirs = groups === undefined ? [] : textsIn(claims, groups.claim)
  const named = Object.entries(attributes).map(([name, claim]) => [name, textsIn(claims, claim)] as const)
  return {
    attributes: Object.fromEntries(named.filter(([, values]) => values.length > 0)),
    groups: new Set(
      theirs.flatMap((name) =>
        groups !== undefined && Object.hasOwn(groups.map, name) ? [groups.map[name] ?? ''] : [],
      ),
    ),
  }
}

/** What the provider says takes the place of what it said before; all else of the user stays. `undefined` where nothing changes. */
function changed(user: UserRecord, rule: CreateRule, claims: Claims): UserRecord | undefined {
  const { attributes, groups } = mapped(rule, claims)
  const own = Object.entries(user.attributes).filter(([name]) => !Object.hasOwn(rule.attributes, name))
  const theirs = new Set(Object.values(rule.groups?.map ?? {}))
  const next = {
    ...user,
    attributes: { ...Object.fromEntries(own), ...attributes },
    groups: [...user.groups.filter((group) => !theirs.has(group)), ...groups],
  }
  const isSame = (one: Pick<UserRecord, 'attributes' | 'groups'>): string =>
    JSON.stringify([Object.entries(one.attributes).sort(), [...one.groups].sort()])
  return isSame(next) === isSame(user) ? undefined : next
}

/** A claim that becomes a property, where it is one plain text. */
export function propertiesOf(
  { properties }: Pick<AccountRules, 'properties'>,
  claims: Claims,
): Readonly<Record<string, string>> {
  const found = Object.entries(properties).flatMap(([name, claim]) => {
    const text = textIn(claims, claim)
    return text === undefined ? [] : [[name, text] as const]
  })
  return Object.fromEntries(found)
}
