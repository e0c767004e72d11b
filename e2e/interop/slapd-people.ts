import { hash } from 'node:crypto'
import { PEOPLE, type Person } from '../../src/identity/directory.contract.ts'
import { READER, SUFFIX, type SlapdEntry } from './slapd.ts'

export const PEOPLE_BASE = `ou=people,${SUFFIX}`
export const GROUPS_BASE = `ou=groups,${SUFFIX}`
const POLICIES_BASE = `ou=policies,${SUFFIX}`

/** The same on every server, as replication would have it. */
export function idOf(username: string): string {
  return hash('sha256', username).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5')
}

const escaped = (text: string): string => text.replace(/[ "#+,;<=>\\]/g, (char) => `\\${char}`)
export const dnOf = (username: string): string => `uid=${escaped(username)},${PEOPLE_BASE}`
const groupDn = (name: string): string => `cn=${name},${GROUPS_BASE}`

function personEntry({ username, password, mail, disabled }: Person, more: SlapdEntry['attributes'] = {}): SlapdEntry {
  return {
    dn: dnOf(username),
    attributes: {
      objectClass: ['inetOrgPerson'],
      uid: [username],
      cn: [username],
      sn: [username],
      userPassword: [password],
      entryUUID: [idOf(username)],
      ...(mail === undefined ? {} : { mail: [mail] }),
      ...(disabled === undefined ? {} : { pwdAccountLockedTime: ['000001010000Z'] }),
      ...more,
    },
  }
}

function groupEntry(name: string, member: readonly string[], memberOf: readonly string[] = []): SlapdEntry {
  return {
    dn: groupDn(name),
    attributes: { objectClass: ['groupOfNames'], cn: [name], member, ...(memberOf.length === 0 ? {} : { memberOf }) },
  }
}

function policyEntry(name: string, rules: Readonly<Record<string, string>>): SlapdEntry {
  const values = Object.entries(rules).map(([key, value]) => [key, [value]] as const)
  return {
    dn: `cn=${name},${POLICIES_BASE}`,
    attributes: {
      objectClass: ['device', 'pwdPolicy'],
      cn: [name],
      pwdAttribute: ['userPassword'],
      ...Object.fromEntries(values),
    },
  }
}

const unit = (dn: string): SlapdEntry => ({ dn, attributes: { objectClass: ['organizationalUnit'] } })

/** People with something about their password; the password is `NAME-interop-password`. */
const POLICED: Readonly<Record<string, SlapdEntry['attributes']>> = {
  expired: { pwdPolicySubentry: [`cn=strict,${POLICIES_BASE}`], pwdChangedTime: ['20200101000000Z'] },
  grace: { pwdPolicySubentry: [`cn=graceful,${POLICIES_BASE}`], pwdChangedTime: ['20200101000000Z'] },
  warned: { pwdPolicySubentry: [`cn=warning,${POLICIES_BASE}`], pwdChangedTime: ['20200101000000Z'] },
  reset: { pwdReset: ['TRUE'] },
  changes: { pwdReset: ['TRUE'], pwdPolicySubentry: [`cn=demanding,${POLICIES_BASE}`] },
  spends: { pwdPolicySubentry: [`cn=graceful,${POLICIES_BASE}`], pwdChangedTime: ['20200101000000Z'] },
  young: { pwdPolicySubentry: [`cn=patient,${POLICIES_BASE}`] },
  fixed: { pwdPolicySubentry: [`cn=fixed,${POLICIES_BASE}`] },
  locked: { pwdPolicySubentry: [`cn=lockout,${POLICIES_BASE}`] },
}

export const passwordOf = (name: string): string => `${name}-interop-password`

/** The people of the contract, people under password policies, groups, groups in groups in a circle, and who may read them. */
export function allEntries(): readonly SlapdEntry[] {
  const names = [...new Set(PEOPLE.flatMap(({ groups }) => groups))]
  const members = (name: string): readonly string[] =>
    PEOPLE.filter(({ groups }) => groups.includes(name)).map(({ username }) => dnOf(username))
  return [
    { dn: SUFFIX, attributes: { objectClass: ['dcObject', 'organization'], o: ['Example'] } },
    unit(PEOPLE_BASE),
    unit(GROUPS_BASE),
    unit(POLICIES_BASE),
    { dn: READER.dn, attributes: { objectClass: ['device', 'simpleSecurityObject'], userPassword: [READER.password] } },
    policyEntry('default', { pwdMustChange: 'TRUE' }),
    policyEntry('lockout', { pwdLockout: 'TRUE', pwdMaxFailure: '3', pwdLockoutDuration: '600' }),
    policyEntry('strict', { pwdMaxAge: '3600' }),
    policyEntry('graceful', { pwdMaxAge: '3600', pwdGraceAuthNLimit: '5' }),
    policyEntry('warning', { pwdMaxAge: '630720000', pwdExpireWarning: '630720000' }),
    policyEntry('demanding', { pwdMustChange: 'TRUE', pwdCheckQuality: '2', pwdMinLength: '12', pwdInHistory: '3' }),
    policyEntry('patient', { pwdMinAge: '86400' }),
    policyEntry('fixed', { pwdAllowUserChange: 'FALSE' }),
    ...PEOPLE.map((person) => personEntry(person)),
    ...Object.entries(POLICED).map(([username, more]) =>
      personEntry({ username, password: passwordOf(username), groups: [] }, more),
    ),
    personEntry({ username: 'nora', password: passwordOf('nora'), groups: [] }, { memberOf: [groupDn('inner')] }),
    ...names.map((name) => groupEntry(name, members(name))),
    groupEntry('inner', [dnOf('nora'), groupDn('outer')], [groupDn('middle')]),
    groupEntry('middle', [groupDn('inner')], [groupDn('outer')]),
    groupEntry('outer', [groupDn('middle')], [groupDn('inner')]),
    // More than a server gives in one answer.
    personEntry({ username: 'busy', password: passwordOf('busy'), groups: [] }),
    ...Array.from({ length: 120 }, (_, at) => groupEntry(`busy${at}`, [dnOf('busy')])),
  ]
}
