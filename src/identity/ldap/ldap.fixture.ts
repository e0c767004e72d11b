import type { TestContext } from 'node:test'
import type { z } from 'zod'
import type { EpochMs, RealmName } from '../../base/brand.ts'
import { passwordRulesSchema } from '../managed/passwords.schema.ts'
import { PEOPLE } from '../directory.contract.ts'
import { createLdapDirectory, type LdapDirectory } from './ldap-directory.ts'
import { startLdapServer, type FixtureEntry, type FixtureOptions, type FixtureServer } from './ldap-server.fixture.ts'
import { ldapSchema } from './ldap.schema.ts'

type Written = z.input<typeof ldapSchema>

export const SERVICE = { dn: 'cn=gatehouse,dc=example,dc=com', password: 'service-password' }
export const PEOPLE_BASE = 'ou=people,dc=example,dc=com'
export const GROUPS_BASE = 'ou=groups,dc=example,dc=com'

/** Every character that means something in a DN, escaped (RFC 4514 §2.4). */
export const escapeDn = (text: string): string => text.replace(/[ "#+,;<=>\\]/g, (char) => `\\${char}`)

export function person(username: string, password: string, more: FixtureEntry['attributes'] = {}): FixtureEntry {
  return {
    dn: `uid=${escapeDn(username)},${PEOPLE_BASE}`,
    password,
    attributes: { objectClass: ['person'], uid: [username], entryUUID: [`id-${username}`], ...more },
  }
}

export function group(name: string, members: readonly string[], more: FixtureEntry['attributes'] = {}): FixtureEntry {
  return {
    dn: `cn=${name},${GROUPS_BASE}`,
    attributes: { objectClass: ['groupOfNames'], cn: [name], member: members, ...more },
  }
}

export const service: FixtureEntry = { dn: SERVICE.dn, password: SERVICE.password, attributes: { cn: ['gatehouse'] } }

/** PEOPLE as entries. */
export function contractEntries(): readonly FixtureEntry[] {
  const people = PEOPLE.map(({ username, password, mail, disabled }) =>
    person(username, password, {
      ...(mail === undefined ? {} : { mail: [mail] }),
      ...(disabled === undefined ? {} : { nsAccountLock: ['TRUE'] }),
    }),
  )
  const names = [...new Set(PEOPLE.flatMap(({ groups }) => groups))]
  const groups = names.map((name) =>
    group(
      name,
      people.filter((_, at) => PEOPLE[at]?.groups.includes(name)).map(({ dn }) => dn),
    ),
  )
  return [service, ...people, ...groups]
}

export const byMember = { from: 'member', base: GROUPS_BASE } as const

/** A configuration for these servers, with short times. */
export function written(servers: readonly FixtureServer[], more: Partial<Written> = {}): Written {
  return {
    type: 'ldap',
    servers: servers.map(({ port }) => `ldap://127.0.0.1:${port}`),
    tls: { startTLS: false },
    bind: SERVICE,
    users: { base: PEOPLE_BASE },
    groups: byMember,
    connectTimeout: '1500ms',
    timeout: '2500ms',
    ...more,
  }
}

export interface LdapScene {
  readonly server: FixtureServer
  readonly second: FixtureServer
  readonly directory: LdapDirectory
  readonly logged: { readonly level: string; readonly fields: unknown; readonly message: string }[]
  readonly changed: string[]
  readonly time: { now: number }
}

export interface SceneOptions extends Partial<FixtureOptions> {
  readonly config?: (servers: readonly FixtureServer[]) => Partial<Written>
  /** Also name a second server with the same content. */
  readonly two?: true
}

/** A directory on a server of the test's own; the clock stands until the test moves it. */
export async function openLdap(t: TestContext, { config, two, ...options }: SceneOptions = {}): Promise<LdapScene> {
  const entries = options.entries ?? contractEntries()
  const server = await startLdapServer({ ...options, entries })
  const second = await startLdapServer({ ...options, entries })
  const servers = two === true ? [server, second] : [server]
  const logged: LdapScene['logged'] = []
  const changed: string[] = []
  const time = { now: Date.UTC(2026, 10, 29) }
  const log =
    (level: string) =>
    (fields: unknown, message: string): void =>
      void logged.push({ level, fields, message })
  const directory = createLdapDirectory(
    '/people' as RealmName,
    ldapSchema.parse(written(servers, config?.([server, second]))),
    {
      clock: () => time.now as EpochMs,
      log: { error: log('error'), warn: log('warn'), info: log('info'), debug: log('debug') },
      rules: passwordRulesSchema.parse({ minLength: 12 }),
      changed: (id) => changed.push(id),
    },
  )
  t.after(async () => {
    directory.close()
    await Promise.all([server.close(), second.close()])
  })
  return { server, second, directory, logged, changed, time }
}
