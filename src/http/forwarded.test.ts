import fc from 'fast-check'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { canonicalAddress, createAddressSet, createClientResolver, forwardedValues, publicOrigin } from './forwarded.ts'

type Fields = Readonly<Record<string, string>> | readonly (readonly [string, string])[]

interface Vector {
  readonly id: string
  readonly h?: Fields
}

const vectors = JSON.parse(
  readFileSync(new URL('vectors/forwarded.json', import.meta.url), 'utf8'),
) as readonly Vector[]

function entriesOf(fields: Fields): readonly (readonly [string, string])[] {
  return Array.isArray(fields) ? (fields as readonly (readonly [string, string])[]) : Object.entries(fields)
}

function request(peer: string, fields: Fields = {}): IncomingMessage {
  const headers: Record<string, string> = {}
  for (const [name, value] of entriesOf(fields)) {
    const key = name.toLowerCase()
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`
  }
  return { headers, socket: { remoteAddress: peer } } as unknown as IncomingMessage
}

const PEER = '203.0.113.9'
const PROXY = '192.0.2.1'

for (const { id, h } of vectors) {
  test(`forwarded vector ${id}: nobody is trusted by default`, () => {
    assert.deepEqual(createClientResolver([])(request(PEER, h)), { ip: PEER, scheme: 'http', peer: PEER })
  })
  test(`forwarded vector ${id}: a stranger is not trusted because somebody else is`, () => {
    assert.deepEqual(createClientResolver([PROXY])(request(PEER, h)), { ip: PEER, scheme: 'http', peer: PEER })
  })
}

const FROM_PROXY: readonly (readonly [header: string, ip: string])[] = [
  ['198.51.100.7', '198.51.100.7'],
  ['10.0.0.5, 198.51.100.7', '198.51.100.7'],
  ['198.51.100.7, 192.0.2.1', '198.51.100.7'],
  ['10.0.0.5:1234', '10.0.0.5'],
  ['[2001:DB8::1]:443', '2001:db8::1'],
  ['::ffff:10.0.0.5', '10.0.0.5'],
  ['a', ''],
  ['012.0.0.5', ''],
  ['198.51.100.7, a', ''],
  ['a, 198.51.100.7', '198.51.100.7'],
  ['fe80::1%eth0', ''],
  ['1'.repeat(9_000), ''],
  ['', ''],
]

for (const [header, ip] of FROM_PROXY) {
  test(`from a trusted proxy, X-Forwarded-For ${JSON.stringify(header.slice(0, 40))} means ${JSON.stringify(ip)}`, () => {
    assert.equal(createClientResolver([PROXY])(request(PROXY, { 'X-Forwarded-For': header })).ip, ip)
  })
}

test('only the last X-Forwarded-Proto counts, and only http and https', () => {
  const resolve = createClientResolver(['192.0.2.0/24'])
  assert.equal(resolve(request(PROXY, { 'X-Forwarded-Proto': 'https' })).scheme, 'https')
  assert.equal(resolve(request(PROXY, { 'X-Forwarded-Proto': 'https, http' })).scheme, 'http')
  assert.equal(resolve(request(PROXY, { 'X-Forwarded-Proto': 'gopher' })).scheme, 'http')
})

test('a peer that the kernel maps into IPv6 is an IPv4 peer', () => {
  assert.equal(createClientResolver([])(request('::ffff:192.0.2.1')).ip, PROXY)
  assert.equal(createClientResolver([PROXY])(request('::ffff:192.0.2.1', { 'X-Forwarded-For': PEER })).ip, PEER)
})

test('address sets hold addresses and networks, and an empty one holds nobody', () => {
  const set = createAddressSet(['10.0.0.0/8', '2001:db8::/32', '192.0.2.1'])
  assert.deepEqual(
    ['10.9.8.7', '2001:db8::5', '192.0.2.1', '11.0.0.1', '2001:db9::'].map((ip) => set.has(ip)),
    [true, true, true, false, false],
  )
  assert.equal(createAddressSet([]).has('127.0.0.1'), false)
})

test('addresses have one spelling', () => {
  assert.equal(canonicalAddress('2001:0DB8:0:0::1'), '2001:db8::1')
  assert.equal(canonicalAddress('0x7f.1'), undefined)
  assert.equal(canonicalAddress('127.1'), undefined)
  assert.equal(canonicalAddress('[::1'), undefined)
})

const ORIGIN = publicOrigin('https', 'app.example.com:8443')

test('RFC 7239 §4: a stranger’s forwarding headers are replaced by ours', () => {
  const from = request(PEER, { 'X-Forwarded-For': '1.1.1.1', Forwarded: 'for=1.1.1.1' })
  assert.deepEqual(forwardedValues(from, createClientResolver([])(from), ORIGIN), {
    xForwardedFor: PEER,
    forwarded: `for=${PEER};host="app.example.com:8443";proto=https`,
  })
})

test('a trusted proxy’s chain is continued from the client on, without what strangers put before it', () => {
  const from = request(PROXY, { 'X-Forwarded-For': '1.1.1.1, 2001:db8::7, 192.0.2.2' })
  const client = createClientResolver(['192.0.2.0/24'])(from)
  assert.deepEqual(forwardedValues(from, client, publicOrigin('http', 'app.test')), {
    xForwardedFor: '2001:db8::7, 192.0.2.2, 192.0.2.1',
    forwarded: 'for="[2001:db8::7]", for=192.0.2.2, for=192.0.2.1;host=app.test;proto=http',
  })
})

/** What each text of a hop means, told by hand; `undefined`: nobody can read it. */
const HOPS = new Map<string, string | undefined>([
  [PROXY, PROXY],
  [` ${PROXY} `, PROXY],
  ['192.0.2.9:443', '192.0.2.9'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['198.51.100.7', '198.51.100.7'],
  ['10.0.0.5:1234', '10.0.0.5'],
  ['[2001:DB8::1]:443', '2001:db8::1'],
  ['', undefined],
  ['unknown', undefined],
  ['012.0.0.5', undefined],
  ['"10.0.0.5"', undefined],
  ['10.0.0.5\r\nX-Evil: 1', undefined],
])

/** The rule told the other way round: everything from the client's hop on must be readable, and trusted but for the client itself. */
function clientAmong(texts: readonly string[]): string {
  const hops = texts.map((text) => HOPS.get(text))
  const isOurs = (hop: string | undefined): boolean => hop?.startsWith('192.0.2.') === true
  const last = hops.findLastIndex((hop) => !isOurs(hop))
  return (last === -1 ? hops[0] : hops[last]) ?? ''
}

const hops = fc.array(fc.constantFrom(...HOPS.keys()), { minLength: 1, maxLength: 8 })

test('the client is the last hop that no trusted proxy is, and nothing that a stranger wrote changes that', () => {
  const resolve = createClientResolver(['192.0.2.0/24'])
  fc.assert(
    fc.property(hops, fc.constantFrom(PROXY, PEER), (texts, peer) => {
      const { ip } = resolve(request(peer, { 'X-Forwarded-For': texts.join(',') }))
      assert.equal(ip, peer === PEER ? PEER : clientAmong(texts), texts.join(','))
    }),
    { numRuns: 3_000 },
  )
})

test('what goes upstream starts with the client, ends with the peer, and can be read by everybody', () => {
  fc.assert(
    fc.property(hops, fc.boolean(), (texts, trusts) => {
      const raw = request(PROXY, { 'X-Forwarded-For': texts.join(',') })
      const client = createClientResolver(trusts ? ['192.0.2.0/24'] : [])(raw)
      fc.pre(client.ip !== '')
      const { xForwardedFor, forwarded } = forwardedValues(raw, client, ORIGIN)
      const sent = xForwardedFor.split(', ')
      assert.deepEqual([sent[0], sent.at(-1)], [client.ip, PROXY])
      for (const ip of sent) assert.equal(canonicalAddress(ip), ip)
      const elements = forwarded.split(', ')
      assert.equal(elements.length, sent.length)
      for (const element of elements)
        assert.match(element, /^for=(?:[0-9.]+|"\[[0-9a-f:]+\]")(?:;host="app\.example\.com:8443";proto=https)?$/)
    }),
    { numRuns: 3_000 },
  )
})
