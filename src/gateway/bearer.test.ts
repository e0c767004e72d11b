import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, NAVIGATION } from './answer.fixture.ts'
import { echoApp, headerValues } from './echo-app.fixture.ts'
import { profileOf, sessionOf, siteOf, startGateway } from './gateway.fixture.ts'

async function setup(t: Parameters<typeof echoApp>[0], profile: Record<string, unknown> = {}) {
  const app = await echoApp(t)
  const rig = await startGateway(t, { sites: [siteOf(profileOf(app.url, profile))] })
  rig.sessions.byBearer.set('Bearer ours-alice', sessionOf('s1'))
  return { ...rig, app }
}

const alice = 'Authorization: Bearer ours-alice'

test('an access token of ours opens a site like a session, and the application never sees it', async (t) => {
  const { port, app, lines, sessions } = await setup(t)
  assert.equal((await ask(port, '/a', { headers: [alice] })).status, 200)
  assert.deepEqual(headerValues(app.seen[0]?.headers ?? [], 'authorization'), [])
  assert.deepEqual([lines[0]?.verdict, lines[0]?.sid], ['forward', 's1'])
  assert.deepEqual(sessions.touched, ['s1'])
})

test('on a path that is open, and beside a token of the application, ours is taken out and theirs passes', async (t) => {
  const { port, app } = await setup(t)
  const theirs = 'Authorization: Bearer application'
  assert.equal((await ask(port, '/public/a', { headers: [alice] })).status, 200)
  assert.equal((await ask(port, '/public/a', { headers: [theirs, 'authorization: Refresh ours-x'] })).status, 200)
  assert.equal((await ask(port, '/public/a', { headers: ['HTTP_AUTHORIZATION: ours-x'] })).status, 200)
  assert.deepEqual(
    app.seen.map(({ headers }) => headerValues(headers, 'authorization')),
    [[], ['Bearer application'], []],
  )
  assert.deepEqual(headerValues(app.seen[2]?.headers ?? [], 'http_authorization'), [])
})

test('a dead access token is 401 with a challenge, whatever cookie and kind of request come with it', async (t) => {
  const { port, app, sessions, lines } = await setup(t)
  const cookie = `Cookie: ${sessions.add(1, sessionOf('s2'))}`
  for (const headers of [[cookie], [cookie, ...NAVIGATION]]) {
    const answer = await ask(port, '/a', { headers: ['Authorization: Bearer ours-dead', ...headers] })
    assert.equal(answer.status, 401)
    assert.match(answer.text, /\r\nwww-authenticate: Bearer realm="\/employees", error="invalid_token"\r\n/i)
  }
  assert.deepEqual(app.seen, [])
  assert.equal(sessions.resolved, 0, 'the cookie was not looked at')
  assert.equal(lines[0]?.reason, 'dead-bearer')
})

test('an access token and the cookie of another session: the token counts, alone', async (t) => {
  const { port, sessions, lines } = await setup(t)
  const cookie = `Cookie: ${sessions.add(1, sessionOf('s2'))}`
  assert.equal((await ask(port, '/a', { headers: [alice, cookie] })).status, 200)
  assert.equal(lines[0]?.sid, 's1')
  const whoAmI = await ask(port, '/.gatehouse/whoami', { headers: [alice, cookie] })
  assert.equal(whoAmI.status, 200)
  assert.equal(sessions.resolved, 0)
})

test("an access token of another realm opens nothing, nor does its holder's name at whoami", async (t) => {
  const { port, app, sessions } = await setup(t)
  sessions.byBearer.set('Bearer ours-dave', { ...sessionOf('s3'), realm: '/customers' as never })
  for (const path of ['/a', '/.gatehouse/whoami'])
    assert.equal((await ask(port, path, { headers: ['Authorization: Bearer ours-dave'] })).status, 401)
  assert.deepEqual(app.seen, [])
})

test('policy decides on an access token as on a cookie, and no store is 503', async (t) => {
  const { port, sessions } = await setup(t)
  assert.equal((await ask(port, '/admin', { headers: [alice] })).status, 403)
  sessions.outage = 'without-grace'
  assert.equal((await ask(port, '/a', { headers: [alice] })).status, 503)
})
