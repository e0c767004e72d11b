import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { Client, loginForm, type Answer } from '../client.ts'
import { startEchoApp, type EchoApp } from '../echo-app.ts'
import { openEvents } from '../load.ts'
import { createMovableClock } from '../movable-clock.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from '../own-rig.ts'
import { until } from '../until.ts'

let app: EchoApp
let rig: OwnRig
const clock = createMovableClock()

before(async () => {
  app = await startEchoApp()
  const subject = { type: 'AuthenticatedUsers' }
  const pair = (path: string): string[] => [`*://app.acme.test:*${path}`, `*://app.acme.test:*${path}?*`]
  const policies = [
    { name: 'staff', resources: pair('/*'), actions: { GET: 'allow', POST: 'allow' }, subject },
    {
      name: 'proven',
      resources: pair('/proven'),
      actions: { GET: 'allow' },
      subject,
      condition: { type: 'AuthLevel', authLevel: 1 },
    },
  ]
  const files = {
    'agent-config/gatehouse.yaml': gatehouseYaml(),
    'agent-config/app.yaml': agentYaml('app', app.url, 'notEnforced: [{ path: /public/* }]\n'),
    'agent-config/other.yaml': agentYaml('other', app.url),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': '',
    'realms/staff/users.yaml': usersYaml([{ username: 'erin', hash: await hashOf('erin-password') }]),
    'realms/staff/policies.yaml': JSON.stringify({ policies }),
  }
  rig = await startOwnRig({ files, env: { ...clock.env, NODE_OPTIONS: clock.flag } })
})

after(async () => {
  assert.equal(await rig.stop(), 0)
  await app.close()
  clock.dispose()
})

const at = (name: string, path = '/'): string => `http://${name}.acme.test:${rig.port}${path}`

async function signIn(): Promise<Client> {
  const client = new Client()
  const home = await client.signIn(await client.open(at('app')), 'erin', 'erin-password')
  assert.equal(home.status, 200)
  return client
}

const statusOf = async (client: Client, url: string): Promise<number> => (await client.call(url)).status

function database(): DatabaseSync {
  return new DatabaseSync(join(rig.root, '.gatehouse/cts.db'), { timeout: 30_000 })
}

/** Takes every table away under its name, as a restore that went wrong would; what it returns puts them back. */
function breakStore(): () => void {
  const db = database()
  const names = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all()
    .map(({ name }) => String(name))
  const rename = (from: string, to: string): void => {
    db.exec('BEGIN IMMEDIATE')
    for (const name of names) db.exec(`ALTER TABLE ${name}${from} RENAME TO ${name}${to}`)
    db.exec('COMMIT')
  }
  assert.ok(names.includes('tokens'))
  rename('', '_away')
  return () => {
    rename('_away', '')
    db.close()
  }
}

/** 503, when to come back, nothing taken away from the browser and no way round in circles. */
function assertUnavailable(answer: Answer, what: string): void {
  assert.equal(answer.status, 503, what)
  assert.match(String(answer.headers['retry-after']), /^\d+$/, what)
  const cleared = (answer.headers['set-cookie'] ?? []).filter((line) => /Max-Age=0|1970/.test(line))
  assert.deepEqual(cleared, [], what)
  assert.equal(answer.headers.location, undefined, what)
}

test(
  'a store that can be neither read nor written: nothing is let through, nothing is lost, and it recovers by itself',
  { timeout: 110_000 },
  async (t) => {
    const erin = await signIn()
    const withoutCode = await signIn()
    const handshake = await withoutCode.call(at('other'))
    const issued = await withoutCode.call(String(handshake.headers.location))
    const callback = String(issued.headers.location)
    assert.match(callback, /\/\.gatehouse\/callback\?code=/)
    const guest = new Client()
    const filled = loginForm(await guest.open(at('app')), 'erin', 'erin-password')
    const cold = new Client()
    cold.setCookie(
      'app.acme.test',
      'SSOTokenID',
      `${'A'.repeat(43)}${(erin.cookie('app.acme.test', 'SSOTokenID') ?? '').slice(43)}`,
    )
    const stream = await openEvents({ url: at('app', '/events'), cookie: erin.cookiesFor(at('app')) })

    // The gateway's clock goes on only when it is told to: however long the rest takes, this is so long after the confirmation.
    const confirmed = Date.now()
    await clock.hold(rig.pid, confirmed)
    assert.equal(await statusOf(erin, at('app')), 200)
    const repair = breakStore()
    await clock.hold(rig.pid, confirmed + 2_000)
    await until('readiness tells', async () => (await statusOf(new Client(), at('login', '/readyz'))) === 503)
    assert.equal(await statusOf(erin, at('app')), 200, 'a session that was confirmed goes on')
    assert.equal(await statusOf(new Client(), at('login', '/healthz')), 200)
    const seen = app.seen.length

    await t.test('whoever needs the store is told to come back', async () => {
      assertUnavailable(await cold.call(at('app')), 'a token nobody has confirmed')
      assertUnavailable(await cold.call(at('app', '/.gatehouse/whoami')), 'who am I')
      assertUnavailable(await cold.call(at('app', '/.gatehouse/logout'), { form: {} }), 'logout at the site')
      assertUnavailable(await withoutCode.call(callback), 'a code')
      assertUnavailable(await erin.call(at('login')), 'the login host')
      assertUnavailable(await erin.call(at('login', '/login/staff')), 'the login page of somebody who is signed in')
      assertUnavailable(await erin.call(at('login', '/logout'), { form: {} }), 'logout at the login host')
      assertUnavailable(await guest.call(filled.action, { form: filled.form }), 'a login')
      await until(
        'no grace where a level is asked for',
        async () => (await statusOf(erin, at('app', '/proven'))) === 503,
      )
      assertUnavailable(await erin.call(at('app', '/proven')), 'no grace where a level is asked for')
      assert.deepEqual(
        app.seen
          .slice(seen)
          .map(({ url }) => url)
          .filter((url) => url !== '/proven'),
        [],
      )
    })

    await t.test('what needs no store goes on', async () => {
      for (const client of [erin, cold, new Client()]) assert.equal(await statusOf(client, at('app', '/public/x')), 200)
      assert.equal(await statusOf(new Client(), at('app')), 302)
      assert.equal(await statusOf(new Client(), at('login', '/.well-known/jwks.json')), 200)
    })

    await t.test('a session that was confirmed goes on for the time of grace and not longer', async () => {
      await clock.hold(rig.pid, confirmed + 12_000)
      assert.equal(await statusOf(erin, at('app')), 200, 'not before its time')
      await clock.hold(rig.pid, confirmed + 16_000)
      assertUnavailable(await erin.call(at('app')), 'after the grace')
      assertUnavailable(
        await erin.call(at('app'), { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' } }),
        'for a script',
      )
    })

    repair()
    await clock.move(rig.pid, 16_000)
    await until('it is ready again', async () => (await statusOf(new Client(), at('login', '/readyz'))) === 200)
    assert.equal(await statusOf(erin, at('app')), 200, 'no session is lost')
    assert.equal(await statusOf(erin, at('app', '/proven')), 200)
    assert.equal(await statusOf(erin, at('login')), 200)
    assert.equal((await withoutCode.open(at('other'))).status, 200)
    assert.equal(
      (await guest.open(filled.action, { form: filled.form })).status,
      200,
      'the form that could not be sent can be sent again',
    )
    assert.equal(await statusOf(cold, at('app')), 302)
    assert.ok(stream.isOpen, 'what is open stays open')

    const out = await erin.call(at('app', '/.gatehouse/logout'), { form: {} })
    assert.equal(out.status, 303)
    await until('the stream ends with its session', () => !stream.isOpen)
  },
)

test(
  'a store that another process holds locked: sessions go on, logins are told to come back',
  { timeout: 110_000 },
  async () => {
    const erin = await signIn()
    const db = database()
    db.exec('BEGIN IMMEDIATE')
    const guest = new Client()
    const filled = loginForm(await guest.open(at('app')), 'erin', 'erin-password')
    const login = guest.call(filled.action, { form: filled.form })
    const logout = erin.call(at('login', '/logout'), { form: {} })
    assert.equal(await statusOf(erin, at('app')), 200)
    assert.equal(await statusOf(erin, at('app', '/proven')), 200)
    await until('readiness tells', async () => (await statusOf(new Client(), at('login', '/readyz'))) === 503)
    assertUnavailable(await login, 'a login')
    assertUnavailable(await logout, 'a logout that could not be written is not confirmed')
    db.exec('ROLLBACK')
    db.close()
    await until('it is ready again', async () => (await statusOf(new Client(), at('login', '/readyz'))) === 200)
    assert.equal(await statusOf(erin, at('app')), 200)
    assert.equal((await guest.open(filled.action, { form: filled.form })).status, 200)
  },
)

test('a user who is disabled is nobody at once, at the sites and at the login host, though the store cannot write it down', async () => {
  const client = await signIn()
  const [hash, enabled] = [await hashOf('erin-password'), 'realms/staff/users.yaml']
  const db = database()
  db.exec('BEGIN IMMEDIATE')
  try {
    const before = rig.log().length
    rig.write({ [enabled]: usersYaml([{ username: 'erin', hash, disabled: true }]) })
    await until('the change is in force', () => rig.log().slice(before).includes('is in force'))
    assert.doesNotMatch((await client.call(at('login'))).body, /erin/, 'the login host knows no session')
    const form = await client.open(at('app'))
    assert.match(form.body, /type="password"/, 'the login page, and not a round of handshakes')
    assert.equal(rig.log().slice(before).includes('SessionEnded'), false, 'the store has not been told yet')
  } finally {
    db.exec('ROLLBACK')
    db.close()
  }
  await until('the end is written down', () => rig.log().includes('"cause":"user-disabled"'), { withinMs: 60_000 })
})
