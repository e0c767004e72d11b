import type { Entry } from 'ldapts'
import { usernameKey, MAX_USERNAME_LENGTH } from '../../base/username-key.ts'
import { fault } from '../../errors.ts'
import { isDisabled, STATE_ATTRIBUTES, type Values } from './account-state.ts'
import type { LdapConfig } from './ldap.schema.ts'

/** One user as their entry says, before their groups are known. */
export interface UserEntry {
  /** As the server spells it. */
  readonly dn: string
  readonly id: string
  readonly username: string
  readonly attributes: Readonly<Record<string, readonly string[]>>
  readonly disabled: boolean
  /** What people may type for them, as keys. */
  readonly loginKeys: ReadonlySet<string>
  readonly memberOf: readonly string[]
  readonly gidNumber: string | undefined
}

type UsersConfig = LdapConfig['users']

/** Its text form is that of Windows: the first three groups of digits are little-endian (MS-DTYP §2.3.4). */
const BINARY_ID = 'objectguid'
const MAX_ID_LENGTH = 128

export function isBinaryId(attribute: string): boolean {
  return attribute.toLowerCase() === BINARY_ID
}

/** What to read of a user. */
export function userAttributes(users: UsersConfig): readonly string[] {
  const own = [users.idAttribute, users.usernameAttribute, ...users.loginAttributes, ...Object.values(users.attributes)]
  return [...new Set([...own, ...STATE_ATTRIBUTES, 'memberOf', 'gidNumber'])]
}

/**
 * Reads an entry. Throws GH_DIRECTORY_UNAVAILABLE for one that is not as the configuration says: without an id, with two names, or
 * with only a part of its values.
 */
export function readUser(entry: Entry, users: UsersConfig, now: number): UserEntry {
  const values = valuesOf(entry)
  const id = idOf(entry, users.idAttribute)
  const username = oneOf(values, users.usernameAttribute, entry.dn)
  if (!isUsername(username)) throw unfit(entry.dn, `the value of ${users.usernameAttribute} is no user name`)
  const attributes = Object.entries(users.attributes)
    .map(([name, attribute]) => [name, values(attribute)] as const)
    .filter(([, found]) => found.length > 0)
  return {
    dn: entry.dn,
    id,
    username,
    attributes: Object.freeze(Object.fromEntries(attributes)),
    disabled: isDisabled(values, now),
    loginKeys: new Set(users.loginAttributes.flatMap(values).map(usernameKey)),
    memberOf: values('memberOf'),
    gidNumber: values('gidNumber')[0],
  }
}

/** Attribute names ignore case. What is not text is left out. */
export function valuesOf(entry: Entry): Values {
  const found = new Map<string, readonly string[]>()
  for (const [name, value] of Object.entries(entry)) {
    if (name === 'dn') continue
    // Active Directory cuts long lists into ranges: what is missing could be what matters.
    if (name.toLowerCase().includes(';range=')) throw unfit(entry.dn, `the server gives only a part of ${name}`)
    const list: readonly (string | Buffer)[] = Array.isArray(value) ? value : [value]
    found.set(name.toLowerCase(), Object.freeze(list.filter((item) => typeof item === 'string')))
  }
  return (attribute) => found.get(attribute.toLowerCase()) ?? []
}

/** The text form of an id, and its bytes for a filter; `undefined` for what cannot be one. */
export function idBytes(id: string, attribute: string): Buffer | undefined {
  if (!isBinaryId(attribute)) return Buffer.from(id)
  const hex = id.replaceAll('-', '')
  return GUID.test(id) ? swapped(Buffer.from(hex, 'hex')) : undefined
}

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function idOf(entry: Entry, attribute: string): string {
  if (!isBinaryId(attribute)) {
    const id = oneOf(valuesOf(entry), attribute, entry.dn)
    if (id.length > MAX_ID_LENGTH || CONTROL.test(id)) throw unfit(entry.dn, `the value of ${attribute} is no id`)
    return id
  }
  const found = Object.entries(entry).find(([name]) => isBinaryId(name))?.[1]
  const bytes = Array.isArray(found) ? found[0] : found
  if (!Buffer.isBuffer(bytes) || bytes.length !== 16) throw unfit(entry.dn, `${attribute} is not one value of 16 bytes`)
  return swapped(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Between the order on the wire and the one in text; the same both ways. */
function swapped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy.subarray(0, 4).reverse()
  copy.subarray(4, 6).reverse()
  copy.subarray(6, 8).reverse()
  return copy
}

const CONTROL = /\p{Cc}/u

function isUsername(text: string): boolean {
  return text.length <= MAX_USERNAME_LENGTH && usernameKey(text) !== '' && text.isWellFormed() && !CONTROL.test(text)
}

function oneOf(values: Values, attribute: string, dn: string): string {
  const [value, ...more] = values(attribute)
  if (value === undefined || value === '') throw unfit(dn, `it has no ${attribute}`)
  if (more.length > 0) throw unfit(dn, `it has several values of ${attribute}`)
  return value
}

function unfit(dn: string, why: string): Error {
  return fault('GH_DIRECTORY_UNAVAILABLE', { detail: `the entry ${JSON.stringify(dn)} cannot be used: ${why}` })
}
