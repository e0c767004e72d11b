import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { createClientResolver } from '../http/forwarded.ts'
import { parseHost } from '../http/host.ts'
import { arrive } from './arrival.ts'
import { plainPages } from './error-pages.ts'
import { profileOf, siteOf } from './gateway.fixture.ts'
import type { GatewayGeneration } from './generation.ts'
import { createHostTable } from './routes.ts'

const sites = ['app', 'pay'].map((id) => siteOf(profileOf('http://10.0.0.5', { id, url: `https://${id}.test` })))

const generation: GatewayGeneration = {
  generation: 1,
  hosts: createHostTable(
    'https://login.test',
    sites.map((site) => ({ site, aliases: [] })),
  ),
  clientOf: createClientResolver(['192.0.2.1']),
  pages: plainPages,
  loginHost: () => undefined,
  close: () => Promise.resolve(),
}

function arrived(host: string, servername: string | undefined, url = '/', forwardedFor?: string): string {
  const socket = { remoteAddress: '192.0.2.1', encrypted: true, servername }
  const headers = { host, ...(forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }) }
  const raw = { url, socket, headers } as unknown as IncomingMessage
  const arrival = arrive(generation, raw, { host: parseHost(host), client: generation.clientOf(raw) })
  return arrival.kind === 'refused' ? `${arrival.refuse.status} ${arrival.detail}` : arrival.kind
}

const TLS: readonly (readonly [host: string, servername: string | undefined, expected: string])[] = [
  ['app.test', 'app.test', 'site'],
  ['app.test', 'APP.test', 'site'],
  ['app.test', undefined, 'site'],
  ['app.test', '', 'site'],
  ['pay.test', 'app.test', '421 other-tls-name'],
  ['login.test', 'app.test', '421 other-tls-name'],
  ['app.test', 'login.test', '421 other-tls-name'],
  ['app.test', 'gateway.internal', '421 other-tls-name'],
  ['evil.test', 'app.test', '421 unknown-host'],
]

for (const [host, servername, expected] of TLS) {
  test(`invariant 2: Host ${host} under the TLS name ${JSON.stringify(servername)} is ${expected}`, () =>
    assert.equal(arrived(host, servername), expected))
}

test('a TLS name that is nobody’s may be what a trusted proxy calls us', () => {
  assert.equal(arrived('app.test', 'gateway.internal', '/', '198.51.100.7'), 'site')
  assert.equal(arrived('pay.test', 'app.test', '/', '198.51.100.7'), '421 other-tls-name')
})

test('CVE-2024-47070: what a trusted proxy says of the client and nobody can read is refused, not taken for the proxy', () => {
  assert.equal(arrived('app.test', undefined, '/', 'a'), '400 bad-forwarded-for')
  assert.equal(arrived('login.test', undefined, '/', '198.51.100.7, unknown'), '400 bad-forwarded-for')
})

test('a refused target names its fault for the log', () => {
  assert.equal(arrived('app.test', undefined, '/a/../b'), '400 dot-segment')
  assert.equal(arrived('login.test', undefined, '//x'), '400 empty-segment')
  assert.equal(arrived('a/b', undefined), '400 bad-host')
})
