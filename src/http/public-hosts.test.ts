import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { request } from 'undici'
import { isPublicAddress, mayDialHost, publicHostsOnly } from './public-hosts.ts'

test('addresses of this machine, this network and nobody are not on the internet', () => {
  for (const address of ['8.8.8.8', '2600:1406::1']) assert.equal(isPublicAddress(address), true, address)
  const inside = ['127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.0.1', '169.254.169.254', '100.64.0.1', '0.0.0.0']
  for (const address of [
    ...inside,
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '224.0.0.1',
  ])
    assert.equal(isPublicAddress(address), false, address)
  assert.deepEqual(['[::1]', '127.0.0.1', 'idp.example', '8.8.8.8'].map(mayDialHost), [false, false, true, true])
})

test('a name that leads into this network is not dialled, nor one that leads nowhere', async (t) => {
  let dialled = 0
  const server = createServer((_, response) => response.end()).on('connection', () => dialled++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const dispatcher = publicHostsOnly()
  t.after(() => dispatcher.close())
  const { port } = server.address() as AddressInfo
  await assert.rejects(request(`http://localhost:${port}/`, { dispatcher }), /is not on the internet/)
  await assert.rejects(request(`http://nobody.invalid:${port}/`, { dispatcher }))
  assert.equal(dialled, 0)
})
