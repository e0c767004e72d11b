import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { APPLICATION, createLoginHost } from '../login-host.fixture.ts'
import { createAlive } from './alive.ts'

test('a client may ask where it can send people of a realm on', async (t) => {
  const host = await createLoginHost(t)
  const ask = async (goto: unknown, realm = 'employees') => {
    const path = `/json/realms/root/realms/${realm}/users?_action=validateGoto`
    return (await host.call(path, { body: { goto } })).body
  }
  const goto = `${APPLICATION}/a?b=c`
  assert.deepEqual(await ask(goto), { successURL: goto })
  for (const bad of [
    'https://evil.example/',
    'javascript:alert(1)',
    '//evil.example',
    '',
    `${APPLICATION}.evil.example/`,
  ])
    assert.deepEqual(await ask(bad), { successURL: '/' }, bad)
  assert.deepEqual(await ask(goto, 'customers'), { successURL: '/' }, 'of another realm')
  assert.match(JSON.stringify(await ask(7)), /goto: write/)
  const unknown = await host.call('/json/users?_action=fly', { body: {} })
  assert.equal(unknown.status, 400)
})

test('serverinfo says whether name and password may come in headers', async (t) => {
  const told = async (zeroPage?: object) => {
    const host = await createLoginHost(t, zeroPage === undefined ? {} : { zeroPage })
    const { body } = await host.call('/json/serverinfo/*', {
      method: 'GET',
      headers: { 'accept-api-version': 'resource=1.1' },
    })
    return (body as { zeroPageLogin: unknown }).zeroPageLogin
  }
  assert.deepEqual(await told(), { enabled: false, refererWhitelist: [], allowedWithoutReferer: true })
  const rules = { enabled: true, referers: [APPLICATION], allowedWithoutReferer: false }
  const { referers: refererWhitelist, ...rest } = rules
  assert.deepEqual(await told(rules), { ...rest, refererWhitelist })
})

test('whoever balances load finds the words of OpenAM where this server may be sent traffic', async (t) => {
  let problems: string[] = []
  const alive = createAlive({
    readiness: {
      report: () => (problems[0] === 'broken' ? Promise.reject(new Error('x')) : Promise.resolve({ problems })),
    },
  })
  const facts = { requestId: 'r', client: { ip: '192.0.2.1', scheme: 'http', peer: '192.0.2.1' } } as const
  const server = createServer((request, response) => {
    if (!alive(request, response, facts)) response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)
    return [answer.status, /Server is (ALIVE|DOWN)/.exec(await answer.text())?.[1]]
  }
  for (const path of ['/isAlive.jsp', '/am/isAlive.jsp', '/openam/isAlive.jsp?x=y'])
    assert.deepEqual(await get(path), [200, 'ALIVE'], path)
  for (problems of [['store'], ['broken']]) assert.deepEqual(await get('/isAlive.jsp'), [503, 'DOWN'])
  assert.deepEqual(await get('/isAlive.jspx'), [404, undefined])
})
