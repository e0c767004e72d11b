import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SessionToken } from '../../session/session.ts'
import { CLIENT, MANAGEMENT, openZiti, text, type Data } from './ziti.fixture.ts'

const SESSIONS = `${CLIENT}/sessions`

test('a session of a service is a restricted token for one site, with where that is', async (t) => {
  const { ask, tokenOf, bench } = await openZiti(t)
  const token = await tokenOf('alice')
  const { status, data } = await ask('POST', SESSIONS, { token, body: { serviceId: 'app', type: 'Dial' } })
  assert.equal(status, 201)
  const { type, service, edgeRouters, cookie } = data
  assert.deepEqual([type, (service as Data)['id'], cookie], ['Dial', 'app', 'SSOTokenID'])
  const urls = { https: 'https://app.acme.example' }
  assert.deepEqual(edgeRouters, [
    { name: 'The app', hostname: 'app.acme.example', isOnline: true, supportedProtocols: urls, urls },
  ])
  const restricted = text(data, 'token') as SessionToken
  assert.equal((await bench.sessions.resolve(restricted, 'agent:app'))?.username, 'alice')
  assert.equal(await bench.sessions.resolve(restricted, 'agent:pay'), undefined, 'useless anywhere else')
  assert.equal(await bench.sessions.resolve(restricted, 'login'), undefined)
  const asCaller = await ask('GET', SESSIONS, { token: restricted })
  assert.equal(asCaller.status, 401)
})

test('it is listed, shown without its token, and ended: then its token opens nothing', async (t) => {
  const { ask, authenticate, bench } = await openZiti(t)
  const { data: own } = await authenticate('alice')
  const token = text(own, 'token')
  const { data } = await ask('POST', SESSIONS, { token, body: { serviceId: 'app', type: 'Dial' } })
  await ask('POST', SESSIONS, { token, body: { serviceId: 'pay', type: 'Dial' } })
  const [id, restricted] = [text(data, 'id'), text(data, 'token') as SessionToken]
  const all = await ask('GET', SESSIONS, { token })
  assert.deepEqual(
    all.list.map((each) => each['serviceId']),
    ['app', 'pay'],
  )
  assert.ok(!all.text.includes(restricted))
  const below = await ask('GET', `${MANAGEMENT}/api-sessions/${text(own, 'id')}/sessions`, { token })
  assert.deepEqual(below.list, all.list)
  assert.deepEqual((await ask('GET', `${SESSIONS}/${id}`, { token })).data['id'], id)
  const ended = await ask('DELETE', `${SESSIONS}/${id}`, { token })
  assert.deepEqual([ended.status, ended.body], [200, { data: {}, meta: {} }])
  assert.equal(await bench.sessions.resolve(restricted, 'agent:app'), undefined)
  assert.equal((await ask('DELETE', `${SESSIONS}/${id}`, { token })).status, 404)
  assert.equal((await ask('GET', `${SESSIONS}/${id}`, { token })).status, 404)
  assert.deepEqual(
    (await ask('GET', SESSIONS, { token })).list.map((each) => each['serviceId']),
    ['pay'],
  )
})

test('nobody sees or ends that of another person', async (t) => {
  const { ask, tokenOf, bench } = await openZiti(t)
  const [alice, carol] = [await tokenOf('alice'), await tokenOf('carol')]
  const { data } = await ask('POST', SESSIONS, { token: alice, body: { serviceId: 'app', type: 'Dial' } })
  for (const method of ['GET', 'DELETE'])
    assert.equal((await ask(method, `${SESSIONS}/${text(data, 'id')}`, { token: carol })).status, 404)
  assert.deepEqual((await ask('GET', SESSIONS, { token: carol })).list, [])
  assert.ok(await bench.sessions.resolve(text(data, 'token') as SessionToken, 'agent:app'))
})

test('all of them end with the session', async (t) => {
  const { ask, tokenOf, bench } = await openZiti(t)
  const token = await tokenOf('alice')
  const { data } = await ask('POST', SESSIONS, { token, body: { serviceId: 'app', type: 'Dial' } })
  await ask('DELETE', `${CLIENT}/current-api-session`, { token })
  assert.equal(await bench.sessions.resolve(text(data, 'token') as SessionToken, 'agent:app'), undefined)
})

test('what the policies deny is not there; what they deny by now has ended, and comes back to nobody', async (t) => {
  const { ask, tokenOf, bench, state } = await openZiti(t)
  const token = await tokenOf('alice')
  const open = () => ask('POST', SESSIONS, { token, body: { serviceId: 'pay', type: 'Dial' } })
  const services = async () => (await ask('GET', `${CLIENT}/services`, { token })).list.map((each) => each['id'])
  const { data } = await open()
  assert.deepEqual(await services(), ['app', 'pay'])
  state.deniesPay = true
  assert.deepEqual(await services(), ['app'])
  assert.equal((await ask('GET', `${CLIENT}/services/pay`, { token })).status, 404)
  assert.deepEqual([(await open()).status, (await open()).code], [404, 'NOT_FOUND'])
  assert.deepEqual((await ask('GET', SESSIONS, { token })).list, [])
  state.deniesPay = false
  assert.equal(await bench.sessions.resolve(text(data, 'token') as SessionToken, 'agent:pay'), undefined)
  assert.equal((await ask('GET', `${SESSIONS}/${text(data, 'id')}`, { token })).status, 404)
})

test('an administrator who looks at what somebody has open ends nothing of it', async (t) => {
  const { ask, authenticate, tokenOf, bench, state } = await openZiti(t)
  const { data: own } = await authenticate('alice')
  const opened = await ask('POST', SESSIONS, { token: text(own, 'token'), body: { serviceId: 'pay', type: 'Dial' } })
  // As for an administrator at an address that the policies of pay do not let in.
  state.deniesPay = true
  const below = `${MANAGEMENT}/api-sessions/${text(own, 'id')}/sessions`
  const { list } = await ask('GET', below, { token: await tokenOf('carol') })
  assert.deepEqual(
    list.map((each) => each['serviceId']),
    ['pay'],
  )
  assert.ok(await bench.sessions.resolve(text(opened.data, 'token') as SessionToken, 'agent:pay'))
})

test('what cannot be asked for', async (t) => {
  const { ask, tokenOf } = await openZiti(t)
  const token = await tokenOf('alice')
  const codes: unknown[] = []
  for (const body of [{}, { serviceId: 'app' }, { serviceId: 'app', type: 'Bind' }, { serviceId: 7, type: 'Dial' }]) {
    const answer = await ask('POST', SESSIONS, { token, body })
    codes.push(answer.status, answer.code)
  }
  assert.deepEqual(codes, Array.from({ length: 4 }, () => [400, 'COULD_NOT_VALIDATE']).flat())
  const unknown = await ask('POST', SESSIONS, { token, body: { serviceId: 'nothing', type: 'Dial' } })
  assert.deepEqual([unknown.status, unknown.code], [404, 'NOT_FOUND'])
})
