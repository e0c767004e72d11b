import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { EpochMs } from '../base/brand.ts'
import { ask, NAVIGATION } from './answer.fixture.ts'
import { echoApp } from './echo-app.fixture.ts'
import { profileOf, sessionOf, siteOf, startGateway, tokenOf } from './gateway.fixture.ts'

const NEXT = 'SSOTokenID=next; Path=/; HttpOnly; SameSite=Lax'

async function setup(t: TestContext, profile: Record<string, unknown> = {}) {
  const app = await echoApp(t)
  const rig = await startGateway(t, { sites: [siteOf(profileOf(app.url, profile))] })
  const session = { ...sessionOf('s1'), stateless: { renewAt: 0 as EpochMs } }
  const cookie = `Cookie: ${rig.sessions.add(1, session)}`
  rig.sessions.renewals.set(tokenOf(1), 'next' as never)
  const cookiesOf = async (path: string, headers: readonly string[] = [...NAVIGATION, cookie], method = 'GET') => {
    const answer = await ask(rig.port, path, { headers, method })
    assert.equal(answer.status, 200)
    return { own: answer.cookies, caching: answer.headers.get('cache-control') }
  }
  return { rig, app, cookie, cookiesOf }
}

test('a navigation leaves with the next token of a browser that carries its session, and nobody may keep the answer', async (t) => {
  for (const caching of ['protect', 'upstream']) {
    const { cookiesOf } = await setup(t, { responses: { caching } })
    const { own, caching: said } = await cookiesOf('/a')
    assert.deepEqual(own, [NEXT], caching)
    assert.equal(said, 'no-store', caching)
  }
})

test('scripts, frames, not-enforced paths and sessions that live in the store get no other token', async (t) => {
  const { cookie, cookiesOf, rig } = await setup(t)
  const modes = [
    ['Sec-Fetch-Mode: cors', 'Sec-Fetch-Dest: empty'],
    ['Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: image'],
    ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe'],
    ['Accept: application/json'],
  ]
  for (const mode of modes) assert.deepEqual((await cookiesOf('/a', [...mode, cookie])).own, [], mode.join())
  assert.deepEqual((await cookiesOf('/public/a')).own, [])
  assert.deepEqual((await cookiesOf('/a')).own, [NEXT])
  rig.sessions.add(1, sessionOf('s1'))
  assert.deepEqual((await cookiesOf('/a')).own, [])
})

test('an answer that begins after the token was replaced by a step-up brings no other one along', async (t) => {
  for (const caching of ['protect', 'upstream']) {
    const { app, rig, cookiesOf } = await setup(t, { responses: { caching } })
    app.answer = (_, response) => {
      // What a session service says of a token that is refused by now.
      rig.sessions.renewals.clear()
      response.writeHead(200, { 'cache-control': 'max-age=60' }).end()
    }
    const { own, caching: said } = await cookiesOf('/slow')
    assert.deepEqual([own, said], [[], caching === 'protect' ? 'no-store' : 'max-age=60'])
  }
})
