import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { GROUPS_BASE, group, PEOPLE_BASE, person, SERVICE, service } from '../../src/identity/ldap/ldap.fixture.ts'
import {
  startLdapServer,
  type FixtureEntry,
  type FixtureOptions,
  type FixtureServer,
} from '../../src/identity/ldap/ldap-server.fixture.ts'
import { createAuthority } from '../certificates.ts'
import { until } from '../until.ts'
import type { Page } from './browser.ts'
import { certificateFilter } from './certificate-filter.ts'
import { writeLive } from './live-config.ts'
import { calm, noServerError, secretsNowhere, twins } from './oracles.ts'
import { byHeader, rest, signInRoot } from './rest.ts'
import { ORIGINS } from './rig-config.ts'
import type { Rig } from './rig.ts'
import { afterwards, runVectors, type Runner, type Vector } from './suite.ts'

interface LdapVector extends Vector {
  readonly username?: string
  readonly password?: string
}

const SITE = 'https://partner.example.com'
const SECRET = 'partner-canary-3c0ffe-password'
const MARKUP = 'Eve\r\nX-Groups: admins\r\n\r\n<script>alert(1)</script>|a,b;c'
/** Every character that means something in a DN. */
const ODD = 'dn,+\\#=<>;"x'

const entries: readonly FixtureEntry[] = [
  service,
  person('admin', SECRET, { displayName: ['Admin'] }),
  person('alice', SECRET, { displayName: [MARKUP] }),
  person(ODD, SECRET),
  person('twin', SECRET),
  { ...person('twin', SECRET), dn: `uid=twin,ou=more,${PEOPLE_BASE}` },
  group('admins', [`uid=admin,${PEOPLE_BASE}`]),
]

const authority = createAuthority('Attack LDAP CA')
const servers: FixtureServer[] = []
async function serve(options: Partial<FixtureOptions> = {}): Promise<FixtureServer> {
  const server = await startLdapServer({ entries, ...options })
  servers.push(server)
  return server
}

const PATIENT = { withinMs: 60_000 }

/** One realm whose people are in LDAP; JSON is YAML. */
function writeRealm(rig: Rig, name: string, server: string, tls: Readonly<Record<string, unknown>>): void {
  const directory = {
    type: 'ldap',
    servers: [server],
    tls,
    bind: { dn: SERVICE.dn, password: '${file:data/ldap.secret}' },
    users: { base: PEOPLE_BASE, attributes: { displayName: 'displayName' } },
    groups: { from: 'member', base: GROUPS_BASE },
    connectTimeout: '2500ms',
    timeout: '2500ms',
  }
  // Nothing here is about how often one may guess.
  const authentication = { throttle: { networkFailures: 10_000 } }
  writeLive(rig.root, { [`realms/${name}/realm.yaml`]: JSON.stringify({ directory, authentication }) })
}

let partners: FixtureServer
/** Realm → its server, where no password may ever arrive. */
const untrusted = new Map<string, FixtureServer>()

async function setUp(rig: Rig): Promise<void> {
  rig.canaries.add(SECRET).add(SERVICE.password)
  writeFileSync(join(rig.root, 'data/ldap.secret'), SERVICE.password, { mode: 0o600 })
  partners = await serve()
  writeRealm(rig, 'partners', `ldap://127.0.0.1:${partners.port}`, { startTLS: false })
  const localhost = { ...authority.issue('ldap', ['localhost']), mode: 'ldaps' } as const
  const elsewhere = { ...authority.issue('ldap', ['ldap.example.com']), mode: 'ldaps' } as const
  const refused: readonly (readonly [string, FixtureServer, string, string | undefined])[] = [
    ['named', await serve({ tls: elsewhere }), 'ldaps', authority.cert],
    ['selfsigned', await serve({ tls: localhost }), 'ldaps', undefined],
    ['stripped', await serve(), 'ldap', authority.cert],
  ]
  for (const [realm, server, scheme, ca] of refused) {
    untrusted.set(realm, server)
    writeRealm(rig, realm, `${scheme}://localhost:${server.port}`, ca === undefined ? {} : { ca })
  }
  const profile = readFileSync(join(rig.root, 'agent-config/shop.yaml'), 'utf8')
    .replace(/^url: .*$/m, `url: ${SITE}`)
    .replace(/^realm: .*$/m, 'realm: /partners')
  const identity =
    'identity: { headers: { X-Remote-User: username, X-Name: "attribute:displayName", X-Groups: groups } }\n'
  writeLive(rig.root, { 'agent-config/partner.yaml': `${profile}${identity}` })
  rig.signal('SIGHUP')
  await until('it is somebody’s host', async () => (await rig.browser().call(SITE)).status !== 421, PATIENT)
}

let guests = 0

async function guess(rig: Rig, username: string, password: string, realm = 'partners'): Promise<Page> {
  rig.tally.sent++
  guests++
  const client = rig.browser(`127.0.${1 + (guests >> 8)}.${guests & 255}`)
  const page = await client.submitLogin(await client.call(`${ORIGINS.login}/login/${realm}`), username, password)
  return page
}

function binds(server: FixtureServer): readonly { readonly dn: string; readonly password: string }[] {
  return server.heard.filter((each) => each.kind === 'bind').filter(({ dn }) => dn !== SERVICE.dn)
}

/** What the directory cannot say is a fault that names nobody, and afterwards everything is as it was. */
async function fault(rig: Rig, about: string, realm?: string): Promise<void> {
  rig.tally.checks++
  const [known, unknown] = [await guess(rig, 'alice', SECRET, realm), await guess(rig, 'nobody', 'wrong', realm)]
  assert.deepEqual([known.status, unknown.status], [503, 503], about)
  secretsNowhere(rig, about, [known.body, unknown.body])
  await calm(rig, about)
}

/** While the server behaves like that, and then again as usual. */
async function meanwhile(rig: Rig, options: Partial<FixtureOptions>, check: () => Promise<void>): Promise<void> {
  partners.options = options
  await check()
  partners.options = {}
  // The back-off after a failure.
  await until('it works again', async () => (await guess(rig, 'alice', SECRET)).status === 303, PATIENT)
}

const literal: Runner<LdapVector> = async (rig, { id, username = '' }) => {
  const before = binds(partners).length
  const page = await guess(rig, username, SECRET)
  assert.equal(page.status, 401, id)
  noServerError(rig, page, id)
  for (const { dn } of binds(partners).slice(before))
    assert.ok(!entries.some((entry) => entry.dn === dn), `${id} found ${dn}`)
  twins(rig, await guess(rig, 'nobody', SECRET), page, id)
}

const refusedTls: Runner<LdapVector> = async (rig, { id }) => {
  for (const realm of id === 'starttls-strip' ? ['stripped'] : ['named', 'selfsigned']) {
    await fault(rig, `${id} ${realm}`, realm)
    const heard = untrusted.get(realm)?.heard.filter(({ kind }) => kind !== 'startTLS')
    assert.deepEqual(heard, [], `${id}: the server was told something`)
  }
}

const rig = runVectors<LdapVector>(
  'ldap',
  {
    setUp,
    beyond,
    every: literal,
    only: {
      'empty-password': async (rig, { id }) => {
        const heard = partners.heard.length
        for (const password of ['', '\0', '\0x']) {
          const page = await guess(rig, 'alice', password)
          noServerError(rig, page, id)
          assert.ok(page.status === 401 || page.status === 400, `${page.status}`)
        }
        assert.equal(partners.heard.length, heard, 'the server was not asked')
      },
      'space-password': async (rig, { id, password = '' }) => {
        noServerError(rig, await guess(rig, 'alice', password), id)
        assert.equal(binds(partners).at(-1)?.password, password)
      },
      'two-entries': async (rig, { id }) => {
        const page = await guess(rig, 'twin', SECRET)
        assert.equal(page.status, 401)
        twins(rig, await guess(rig, 'nobody', SECRET), page, id)
      },
      'cert-filter': certificateFilter,
      referral: async (rig, { id }) => {
        const message = `ldap://127.0.0.1:${rig.canaryPort}/dc=example,dc=com`
        await meanwhile(rig, { onSearch: () => ({ code: 10, message }) }, () => fault(rig, id))
      },
      'dn-injection': async (rig, { id }) => {
        const page = await guess(rig, ODD, SECRET)
        rig.tally.checks++
        assert.equal(page.status, 303, id)
        assert.equal(binds(partners).at(-1)?.dn, entries.find(({ attributes }) => attributes['uid']?.[0] === ODD)?.dn)
      },
      'attr-injection': async (rig, { id }) => {
        rig.tally.sent++
        const client = rig.browser()
        const mark = rig.mark()
        const page = await client.signIn(await client.open(`${SITE}/account`), 'alice', SECRET)
        assert.equal(page.status, 200)
        // For the first person at an application there is more to read and to make than for all others: no attack's doing.
        await rig.vitals()
        const values = (name: string): readonly string[] =>
          rig
            .since(mark)
            .flatMap(({ headers }) => headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value))
        const [name = ''] = values('x-name')
        assert.ok(name.includes('Eve') && !/[\r\n]/.test(name), `${id}: ${name}`)
        assert.deepEqual(
          values('x-groups').filter((value) => value !== ''),
          [],
          id,
        )
        const account = await client.open(`${ORIGINS.login}/account`)
        noServerError(rig, account, id)
        assert.ok(!account.body.includes('<script>alert'), id)
      },
      'tls-name': refusedTls,
      'starttls-strip': refusedTls,
      'pool-identity': async (rig, { id }) => {
        rig.tally.checks++
        const from = partners.heard.length
        const pages = await Promise.all(
          Array.from({ length: 24 }, (_, at) =>
            guess(rig, at % 3 === 0 ? 'admin' : 'alice', at % 3 === 2 ? 'wrong' : SECRET),
          ),
        )
        assert.deepEqual(
          pages.map(({ status }) => status),
          pages.map((_, at) => (at % 3 === 2 ? 401 : 303)),
          id,
        )
        const searches = partners.heard.slice(from).filter((each) => each.kind === 'search')
        assert.ok(searches.length > 0 && searches.every(({ as }) => as === SERVICE.dn), id)
      },
      timeout: async (rig, { id }) => {
        for (const options of [
          { onSearch: () => 'hang' as const },
          { onBind: (dn: string) => (dn === SERVICE.dn ? undefined : ('hang' as const)) },
        ])
          await meanwhile(rig, options, async () => {
            const started = performance.now()
            await fault(rig, id)
            assert.ok(performance.now() - started < 25_000, id)
          })
      },
      down: async (rig, { id }) => {
        const { port } = partners
        await partners.close()
        await fault(rig, id)
        partners = await serve({ port })
        await meanwhile(rig, {}, () => Promise.resolve())
      },
      'pwd-policy': async (rig, { id }) => {
        for (const [code, error] of [
          [0, 0],
          [0, 1],
          [0, 2],
          [49, 0],
          [49, 1],
        ] as const) {
          const onBind: FixtureOptions['onBind'] = (dn) => (dn === SERVICE.dn ? undefined : { code, policy: { error } })
          await meanwhile(rig, { onBind }, async () => {
            const page = await guess(rig, 'alice', SECRET)
            noServerError(rig, page, id)
            assert.equal(page.status, 401, `${id}: ${code} ${error}`)
          })
        }
      },
      'search-api': async (rig, { id }) => {
        const root = await signInRoot(rig)
        assert.equal((await guess(rig, 'alice', SECRET)).status, 303)
        for (const username of ['*', 'al*', '*)(uid=*', '\\61lice']) {
          const filter = `username eq ${JSON.stringify(username)} and realm eq "/partners"`
          const path = `/json/realms/root/realms/partners/sessions?_queryFilter=${encodeURIComponent(filter)}`
          const answer = await rest(rig, path, { method: 'GET', headers: byHeader(root) })
          noServerError(rig, answer, id)
          const found = answer.status === 200 ? (JSON.parse(answer.body) as { result: unknown[] }).result : []
          assert.deepEqual(found, [], `${id}: ${username}`)
        }
      },
    },
  },
  { own: true },
)

function beyond(): void {
  afterwards(async () => {
    authority.remove()
    await Promise.all(servers.map((server) => server.close()))
  })

  test('who is removed from LDAP has no session a minute later; while LDAP is down nobody is let through, and nobody loses one', async () => {
    const it = rig()
    const [alice, admin] = [it.browser(), it.browser()]
    const open = (client: typeof alice): Promise<Page> => client.call(`${SITE}/account`)
    await alice.signIn(await alice.open(`${SITE}/account`), 'alice', SECRET)
    await admin.signIn(await admin.open(`${SITE}/account`), 'admin', SECRET)
    assert.deepEqual([(await open(alice)).status, (await open(admin)).status], [200, 200])
    partners.entries = partners.entries.filter(({ attributes }) => attributes['uid']?.[0] !== 'alice')
    await it.shiftClock(61_000)
    assert.equal((await open(alice)).status, 302)
    assert.equal((await open(admin)).status, 200)
    await until('their session is ended', () => it.log().includes('"cause":"user-removed"'), PATIENT)
    const { port } = partners
    await partners.close()
    assert.equal((await open(admin)).status, 200, 'the last answer is young enough')
    await it.shiftClock(122_000)
    const mark = it.mark()
    assert.equal((await open(admin)).status, 503)
    assert.equal(it.since(mark).length, 0)
    partners = await serve({ port })
    await until('others go on', async () => (await open(admin)).status === 200, PATIENT)
  })
}
