import assert from 'node:assert/strict'
import test from 'node:test'
import type { EpochMs } from '../base/brand.ts'
import { openLoginHost } from './login-host.fixture.ts'

test('pages that count as use bring a browser that carries its session the next token; asking about it does not', async (t) => {
  const host = await openLoginHost()
  t.after(() => host.close())
  const { sid } = host.addSession({ username: 'alice', stateless: { renewAt: 0 as EpochMs } })
  const [token = ''] = [...host.sessions].find(([, session]) => session.sid === sid) ?? []
  const cookiesOf = async (path: string, cookie = token) => {
    const answer = await fetch(host.url + path, { headers: { cookie: `SSOTokenID=${cookie}` }, redirect: 'manual' })
    return answer.headers.getSetCookie().filter((text) => text.startsWith('SSOTokenID='))
  }
  for (const path of ['/', '/login/employees', '/account'])
    assert.deepEqual(await cookiesOf(path), [`SSOTokenID=${token}-next; Path=/; HttpOnly; SameSite=Lax`], path)
  assert.deepEqual(await cookiesOf('/login-state?realm=/employees'), [])
  assert.deepEqual(await cookiesOf('/', host.signIn('bob')), [])
})
