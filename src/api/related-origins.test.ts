import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createRelatedOrigins } from './related-origins.ts'

const FACTS = { requestId: 'r-1', client: { ip: '192.0.2.1', scheme: 'https', peer: '192.0.2.1' } } as const

async function serve(t: TestContext, origins: readonly string[]) {
  const api = createRelatedOrigins(origins)
  const server = createServer((request, response) => {
    if (!api(request, response, FACTS)) response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return (path: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method })
}

test('browsers learn in whose pages the keys of the login host are good', async (t) => {
  const origins = ['https://app.acme.example', 'https://shop.acme.example:8443']
  const get = await serve(t, origins)
  const answer = await get('/.well-known/webauthn')
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
  assert.deepEqual(await answer.json(), { origins })
  assert.equal((await get('/.well-known/webauthn', 'POST')).status, 404)
  assert.equal((await get('/.well-known/webauthn/')).status, 404)
})

test('where no site may call there is nothing', async (t) => {
  const get = await serve(t, [])
  assert.equal((await get('/.well-known/webauthn')).status, 404)
})
