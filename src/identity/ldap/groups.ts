import {
  AndFilter,
  EqualityFilter,
  ExtensibleFilter,
  FilterParser,
  OrFilter,
  PresenceFilter,
  type Entry,
  type Filter,
} from 'ldapts'
import { fault } from '../../errors.ts'
import type { LdapConnection } from './connection.ts'
import { dnKey, isBelow, parseDn } from './distinguished-name.ts'
import { valuesOf, type UserEntry } from './entry.ts'
import type { LdapConfig } from './ldap.schema.ts'

export type GroupsConfig = NonNullable<LdapConfig['groups']>

/** Names of a user's groups. */
export type GroupFinder = (connection: LdapConnection, user: UserEntry) => Promise<ReadonlySet<string>>

/** LDAP_MATCHING_RULE_IN_CHAIN (MS-ADTS §3.1.1.3.4.4.3). */
const IN_CHAIN = '1.2.840.113556.1.4.1941'
/** Names in one filter: servers refuse very long ones. */
const CHUNK = 50

/** Finds groups as configured: no group outside the base counts, none is asked for twice, and too many are a fault. */
export function createGroupFinder(config: GroupsConfig): GroupFinder {
  switch (config.from) {
    case 'member':
      return (connection, user) => climb(config, [user.dn], (dns) => groupsWithMembers(connection, config, dns))
    case 'memberOf':
      return (connection, user) => namesOfListed(connection, config, user)
    case 'memberUid':
      return async (connection, user) => namesOf(await search(connection, config, posixFilter(user)), config)
    case 'inChain':
      return async (connection, { dn }) => {
        const filter = new ExtensibleFilter({ matchType: config.memberAttribute, rule: IN_CHAIN, value: dn })
        return namesOf(await search(connection, config, filter), config)
      }
  }
}

function posixFilter({ username, gidNumber }: UserEntry): Filter {
  const listed = new EqualityFilter({ attribute: 'memberUid', value: Buffer.from(username) })
  if (gidNumber === undefined) return listed
  return new OrFilter({ filters: [listed, new EqualityFilter({ attribute: 'gidNumber', value: gidNumber })] })
}

async function search(connection: LdapConnection, config: GroupsConfig, filter: Filter): Promise<readonly Entry[]> {
  const entries = await connection.search({
    base: config.base,
    scope: 'sub',
    filter: new AndFilter({ filters: [FilterParser.parseString(config.filter), filter] }),
    attributes: [config.nameAttribute],
    atMost: config.max,
  })
  if (entries.length > config.max) throw tooMany(config)
  return entries
}

async function groupsWithMembers(
  connection: LdapConnection,
  config: GroupsConfig,
  dns: readonly string[],
): Promise<readonly Entry[]> {
  const found: Entry[] = []
  for (let at = 0; at < dns.length; at += CHUNK) {
    const filters = dns.slice(at, at + CHUNK).map(
      // A value as it is, which nothing in it can turn into a filter (RFC 4515 injection).
      (dn) => new EqualityFilter({ attribute: config.memberAttribute, value: Buffer.from(dn) }),
    )
    found.push(...(await search(connection, config, new OrFilter({ filters }))))
  }
  return found
}

/** From the user upwards, level by level; a group is climbed from once, so that a cycle ends. */
async function climb(
  config: GroupsConfig,
  start: readonly string[],
  above: (dns: readonly string[]) => Promise<readonly Entry[]>,
): Promise<ReadonlySet<string>> {
  const groups = new Map<string, Entry>()
  let level = start
  for (let depth = 0; level.length > 0 && depth < (config.nested ? config.depth : 1); depth++) {
    const found = (await above(level)).filter(({ dn }) => !groups.has(dnKey(dn)))
    for (const entry of found) groups.set(dnKey(entry.dn), entry)
    if (groups.size > config.max) throw tooMany(config)
    level = found.map(({ dn }) => dn)
  }
  return namesOf([...groups.values()], config)
}

async function namesOfListed(
  connection: LdapConnection,
  config: GroupsConfig,
  user: UserEntry,
): Promise<ReadonlySet<string>> {
  const listed = user.memberOf.filter((dn) => isBelow(dn, config.base))
  if (listed.length > config.max) throw tooMany(config)
  const parents = new Map([[dnKey(user.dn), listed]])
  return climb(config, [user.dn], async (dns) => {
    const listedBy = dns.flatMap((dn) => parents.get(dnKey(dn)) ?? [])
    const next = new Map(listedBy.map((dn) => [dnKey(dn), dn] as const).filter(([key]) => !parents.has(key)))
    const entries: Entry[] = []
    for (const dn of next.values()) {
      const entry = await readGroup(connection, config, dn)
      if (entry === undefined) continue
      entries.push(entry)
      const above = valuesOf(entry)('memberOf').filter((each) => isBelow(each, config.base))
      parents.set(dnKey(entry.dn), above)
      if (parents.size > config.max + 1) throw tooMany(config)
    }
    return entries
  })
}

/** `undefined` when the entry is no group, or is gone: a list may be older than what it names. */
async function readGroup(connection: LdapConnection, config: GroupsConfig, dn: string): Promise<Entry | undefined> {
  const known = config.nested || !isAnything(config.filter) ? undefined : nameInDn(dn, config.nameAttribute)
  if (known !== undefined) return { dn, [config.nameAttribute]: known }
  const entries = await connection.search({
    base: dn,
    scope: 'base',
    filter: FilterParser.parseString(config.filter),
    attributes: [config.nameAttribute, 'memberOf'],
    atMost: 1,
  })
  return entries[0]
}

/** Mostly a group's DN begins with its name, which then needs no reading. */
function nameInDn(dn: string, attribute: string): string | undefined {
  const first = parseDn(dn)?.[0]
  return first?.length === 1 && first[0]?.type === attribute.toLowerCase() ? first[0].value : undefined
}

function isAnything(filter: string): boolean {
  const parsed = FilterParser.parseString(filter)
  return parsed instanceof PresenceFilter && parsed.attribute.toLowerCase() === 'objectclass'
}

function namesOf(entries: readonly Entry[], { nameAttribute }: GroupsConfig): ReadonlySet<string> {
  return new Set(entries.flatMap((entry) => valuesOf(entry)(nameAttribute).filter((name) => name !== '')).sort())
}

function tooMany({ max }: GroupsConfig): Error {
  return fault('GH_DIRECTORY_UNAVAILABLE', { detail: `a user has more than ${max} groups; see groups.max` })
}
