import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { fault } from '../errors.ts'
import { ask, NAVIGATION } from './answer.fixture.ts'
import { echoApp, headerValues } from './echo-app.fixture.ts'
import { profileOf, sessionOf, siteOf, startGateway } from './gateway.fixture.ts'
import type { RequestTokens, TokenFault } from './request-tokens.ts'

const TOKEN = 'Authorization: Bearer signed-for-us'

/** alice has to bring a token; what is said of it, by the header's value. */
async function setup(t: TestContext, profile: Record<string, unknown> = {}) {
  const app = await echoApp(t)
  const asked: string[] = []
  const answers = new Map<string | undefined, TokenFault>([
    [undefined, 'token-missing'],
    ['Bearer old', 'token-expired'],
    ['Bearer of-bob', 'token-refused'],
    ['Bearer ours-alice', 'token-refused'],
  ])
  const requestTokens: RequestTokens = {
    demandOn: ({ username }) =>
      username !== 'alice'
        ? undefined
        : {
            issuers: ['https://idp.example', 'not "quotable"'],
            faultOf: (authorization, { userId }) => {
              asked.push(`${authorization ?? ''} of ${userId}`)
              if (authorization === 'Bearer unknown') return Promise.reject(fault('GH_KEYS_UNAVAILABLE'))
              const found = answers.get(authorization)
              return authorization === 'Bearer old' ? Promise.resolve(found) : found
            },
          },
    carries: (value) => value.includes('signed-for-us'),
  }
  const site = siteOf(profileOf(app.url, profile), { requestTokens })
  const rig = await startGateway(t, { sites: [site] })
  const alice = `Cookie: ${rig.sessions.add(1, sessionOf('s1'))}`
  const bob = `Cookie: ${rig.sessions.add(2, sessionOf('s2', { userId: 'bob', username: 'bob' }))}`
  return { ...rig, app, asked, alice, bob }
}

test('without the token a session opens nothing: 401, and a challenge that says whose token is missing', async (t) => {
  const { port, app, alice, lines, audit, asked } = await setup(t)
  const answer = await ask(port, '/a', { headers: [alice] })
  assert.equal(answer.status, 401)
  assert.match(answer.text, /\r\nwww-authenticate: Bearer realm="\/employees", issuer="https:\/\/idp\.example"\r\n/i)
  assert.match(answer.text, /"error":"token_required"/)
  assert.deepEqual([lines[0]?.verdict, lines[0]?.reason, lines[0]?.sid], ['token-needed', 'token-missing', 's1'])
  const [denied] = audit
  assert.ok(denied?.event === 'AccessDenied')
  assert.deepEqual([denied.username, denied.reason, denied.path], ['alice', 'token-missing', '/a'])
  assert.deepEqual(asked, [' of alice'])
  assert.deepEqual(app.seen, [])
})

test('a page is told so as well, and is never sent to a login that could not help', async (t) => {
  const { port, alice } = await setup(t)
  const answer = await ask(port, '/a', { headers: [alice, ...NAVIGATION] })
  assert.equal(answer.status, 401)
  assert.match(answer.text, /<h1>token-needed<\/h1>/)
})

test('a token that is too old, of another user, or one of ours in its place is invalid_token', async (t) => {
  const { port, app, sessions, alice } = await setup(t)
  sessions.byBearer.set('Bearer ours-alice', sessionOf('s1'))
  for (const [token, text] of [
    ['old', 'The token has expired'],
    ['of-bob', 'The token is not one of this user that counts here'],
    ['ours-alice', 'The token is not one of this user that counts here'],
  ]) {
    const answer = await ask(port, '/a', { headers: [alice, `Authorization: Bearer ${token ?? ''}`] })
    assert.equal(answer.status, 401, token)
    assert.ok(answer.text.includes(`error="invalid_token", error_description="${text ?? ''}"`), answer.text)
  }
  assert.deepEqual(app.seen, [])
})

test('with the token policy decides as ever, on sites without policies too, and the application does not see it', async (t) => {
  const { port, app, alice } = await setup(t)
  assert.equal((await ask(port, '/a', { headers: [alice, TOKEN] })).status, 200)
  assert.equal((await ask(port, '/admin', { headers: [alice, TOKEN] })).status, 403)
  assert.deepEqual(headerValues(app.seen[0]?.headers ?? [], 'authorization'), [])
  const free = await setup(t, { ssoOnly: true })
  assert.equal((await ask(free.port, '/a', { headers: [free.alice] })).status, 401)
  assert.equal((await ask(free.port, '/a', { headers: [free.alice, TOKEN] })).status, 200)
})

test('who cannot be judged is not let through', async (t) => {
  const { port, app, alice } = await setup(t)
  assert.equal((await ask(port, '/a', { headers: [alice, 'Authorization: Bearer unknown'] })).status, 503)
  assert.deepEqual(app.seen, [])
})

test('others bring none; on open paths nothing is asked, and the token is kept back all the same', async (t) => {
  const { port, app, bob, asked } = await setup(t)
  const theirs = 'Authorization: Bearer application'
  assert.equal((await ask(port, '/a', { headers: [bob] })).status, 200)
  assert.equal((await ask(port, '/a', { headers: [bob, theirs] })).status, 200)
  assert.equal((await ask(port, '/public/a', { headers: [TOKEN] })).status, 200)
  assert.deepEqual(asked, [])
  const seen = app.seen.map(({ headers }) => headerValues(headers, 'authorization'))
  assert.deepEqual(seen, [[], ['Bearer application'], []])
})

test('an application gets the token where its profile says so', async (t) => {
  const { port, app, alice } = await setup(t, { identity: { requestToken: true } })
  assert.equal((await ask(port, '/a', { headers: [alice, TOKEN] })).status, 200)
  assert.deepEqual(headerValues(app.seen[0]?.headers ?? [], 'authorization'), ['Bearer signed-for-us'])
})
