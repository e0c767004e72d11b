import fc from 'fast-check'
import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test, type TestContext } from 'node:test'
import type { Client } from '../http/client.ts'
import type { AccessRequest } from './access-request.ts'
import { profileOf, siteOf } from './gateway.fixture.ts'
import { plainHead, RecentHeads, type OutgoingHead } from './recent-heads.ts'
import type { Site } from './site.ts'
import type { HeaderList } from './upstream/upstream.ts'

const CLIENT: Client = { ip: '192.0.2.1', scheme: 'http', peer: '192.0.2.1' }
const RAW = ['Host', 'app.example.com', 'Accept', 'text/html', 'Cookie', 'theme=dark; SSOTokenID=abc']
const IDENTITY: HeaderList = ['x-remote-user', 'alice']

let count = 0

function requestTo(site: Site, rawHeaders: readonly string[], client = CLIENT): AccessRequest {
  const headers: Record<string, string> = {}
  for (let i = 0; i < rawHeaders.length; i += 2) headers[rawHeaders[i]?.toLowerCase() ?? ''] ??= rawHeaders[i + 1] ?? ''
  const raw = { rawHeaders, headers } as unknown as IncomingMessage
  return { id: `r-${++count}`, raw, site, client } as AccessRequest
}

/** The lines as they are written, Host apart. */
function written({ headers, checked }: OutgoingHead): string {
  const own: string[] = []
  let host = checked?.map((lines) => lines.host).find((said) => said !== null) ?? ''
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === 'host') host = headers[i + 1] ?? ''
    else own.push(`${headers[i]}: ${headers[i + 1]}`)
  }
  const after = (checked ?? []).map(({ name, value }) => `${name}: ${value}`)
  return [`host ${host}`, ...own, ...after].join('\r\n')
}

function setup(t: TestContext): { readonly heads: RecentHeads; readonly site: Site; readonly other: Site } {
  const [site, other] = ['http://app.example.com', 'http://app.example.com:8080'].map((url) =>
    siteOf(profileOf('http://127.0.0.1:9', { url })),
  )
  assert.ok(site !== undefined && other !== undefined)
  t.after(() => Promise.all([site.upstream.close(), other.upstream.close()]))
  return { heads: new RecentHeads(), site, other }
}

test('what was kept for sites of before is forgotten with them', (t) => {
  const { heads, site, other } = setup(t)
  const checkedAt = (at: Site): boolean => heads.headOf(requestTo(at, [...RAW]), IDENTITY).checked !== undefined
  assert.deepEqual([site, site, other, other].map(checkedAt), [false, true, false, true])
  heads.forget()
  assert.deepEqual([site, other, site].map(checkedAt), [false, false, true])
})

test('the third request with the same lines has nothing of its own but its id', (t) => {
  const { heads, site } = setup(t)
  const [first, second, third] = [1, 2, 3].map(() => {
    const request = requestTo(site, [...RAW])
    const head = heads.headOf(request, IDENTITY)
    assert.equal(written(head), written(plainHead(request, IDENTITY)))
    return head
  })
  assert.equal(first?.checked, undefined)
  assert.notEqual(second?.checked, undefined)
  assert.deepEqual(
    third?.checked?.map((lines, at) => lines === second?.checked?.[at]),
    [true, true],
  )
  assert.equal(third.headers.length, 2)
})

test('whatever comes in whatever order goes on as if nothing were remembered', (t) => {
  const { site, other } = setup(t)
  const value = fc.constantFrom('a', 'b', 'theme=dark; SSOTokenID=abc', 'X-A', 'x-a, close', 'SSOTokenID=abc')
  const name = fc.constantFrom('X-A', 'x-a', 'Cookie', 'Connection', 'X-Forwarded-For', 'X-Remote-User', 'TE')
  const line = fc.tuple(fc.constantFrom(...['Accept', 'Authorization']), fc.constantFrom('ours', 'theirs', 'text/html'))
  const raw = fc
    .array(fc.oneof(fc.tuple(name, value), line), { maxLength: 3 })
    .map((lines) => [...RAW, ...lines.flat()])
  const client = fc.constantFrom(
    CLIENT,
    { ...CLIENT, ip: '192.0.2.7' },
    { ...CLIENT, ip: '192.0.2.7', peer: '192.0.2.8' },
  )
  const identity = fc.constantFrom(IDENTITY, ['x-remote-user', 'bob'])
  const one = fc.record({ raw, client, identity, site: fc.constantFrom(site, other) })
  const many = fc
    .array(one, { minLength: 1, maxLength: 4 })
    .chain((forms) => fc.array(fc.constantFrom(...forms), { maxLength: 24 }))
  fc.assert(
    fc.property(many, (requests) => {
      const heads = new RecentHeads(3)
      for (const { raw, client, identity, site } of requests) {
        const request = requestTo(site, raw, client)
        assert.equal(written(heads.headOf(request, identity)), written(plainHead(request, identity)))
      }
    }),
  )
})

test('one byte, another address, another site or another identity make another head', (t) => {
  const { heads, site, other } = setup(t)
  const fresh = (request: AccessRequest, identity = IDENTITY): void => {
    // Each time: those that were looked at before have pushed it out.
    for (let i = 0; i < 3; i++) heads.headOf(requestTo(site, RAW), IDENTITY)
    const before = heads.headOf(requestTo(site, RAW), IDENTITY)
    for (let i = 0; i < 3; i++) {
      const head = heads.headOf(request, identity)
      assert.notDeepEqual(head.checked, before.checked)
      assert.equal(written(head), written(plainHead(request, identity)))
    }
  }
  fresh(requestTo(site, RAW.with(3, 'text/htmL')))
  fresh(requestTo(site, RAW.with(2, 'accept')))
  fresh(requestTo(site, [...RAW, 'X-A', '1']))
  fresh(requestTo(site, RAW.slice(0, 4)))
  fresh(requestTo(site, RAW, { ...CLIENT, ip: '192.0.2.2' }))
  fresh(requestTo(site, RAW, { ...CLIENT, peer: '192.0.2.2' }))
  fresh(requestTo(site, RAW.with(5, 'theme=darK; SSOTokenID=abc')))
  fresh(requestTo(other, RAW))
  fresh(requestTo(site, RAW), ['x-remote-user', 'bob'])
})

test('people with the same browser share its lines, and nothing that is theirs', (t) => {
  const { heads, site } = setup(t)
  const sessions = ['alice', 'bob'].map((name) => ({
    raw: RAW.with(5, `theme=${name}; SSOTokenID=${name}`),
    client: { ...CLIENT, ip: `192.0.2.${name.length}` },
    identity: ['x-remote-user', name, 'cookie', `who=${name}`],
  }))
  const [alice, bob] = sessions.map(({ raw, client, identity }) => {
    for (let i = 0; i < 2; i++) heads.headOf(requestTo(site, [...raw], client), identity)
    const request = requestTo(site, [...raw], client)
    const head = heads.headOf(request, identity)
    assert.equal(written(head), written(plainHead(request, identity)))
    return head
  })
  assert.equal(alice?.checked?.[0], bob?.checked?.[0])
  assert.match(written(bob ?? { headers: [], checked: undefined }), /cookie: who=bob; theme=bob\r\n/i)
  assert.doesNotMatch(JSON.stringify(bob), /alice/)
})

test('a forwarded address that came is part of what is remembered', (t) => {
  const { heads, site } = setup(t)
  const client = { ...CLIENT, ip: '192.0.2.7', peer: '192.0.2.8' }
  for (const sent of ['192.0.2.7', '192.0.2.7, 192.0.2.9', '192.0.2.9, 192.0.2.7']) {
    for (let i = 0; i < 3; i++) {
      const request = requestTo(site, [...RAW, 'X-Forwarded-For', sent], client)
      assert.equal(written(heads.headOf(request, IDENTITY)), written(plainHead(request, IDENTITY)))
    }
  }
})

test('two Cookie headers are worked out each time', (t) => {
  const { heads, site } = setup(t)
  for (let i = 0; i < 3; i++) {
    const request = requestTo(site, [...RAW, 'cookie', `nth=${i}`])
    const head = heads.headOf(request, IDENTITY)
    assert.equal(head.checked, undefined)
    assert.equal(written(head), written(plainHead(request, IDENTITY)))
  }
})

test('requests with credentials or a body are worked out each time', (t) => {
  const { heads, site } = setup(t)
  for (const line of [
    ['Authorization', 'Bearer theirs'],
    ['Content-Length', '3'],
    ['Transfer-Encoding', 'chunked'],
  ]) {
    for (let i = 0; i < 3; i++)
      assert.equal(heads.headOf(requestTo(site, [...RAW, ...line]), IDENTITY).checked, undefined)
  }
})

test('long heads are not kept, and of many forms the last ones', (t) => {
  const { site } = setup(t)
  const heads = new RecentHeads(4)
  const isKept = (raw: readonly string[]): boolean => heads.headOf(requestTo(site, raw), IDENTITY).checked !== undefined
  const long = [...RAW, 'X-A', 'a'.repeat(4_096)]
  assert.deepEqual([isKept(long), isKept(long)], [false, false])
  const many = [...RAW, ...Array.from({ length: 40 }, (_, nth) => [`X-${nth}`, '1']).flat()]
  assert.deepEqual([isKept(many), isKept(many)], [false, false])
  const forms = Array.from({ length: 9 }, (_, nth) => [...RAW, 'X-A', String(nth)])
  for (const form of forms) assert.equal(isKept(form), false)
  assert.deepEqual(forms.slice(5).map(isKept), [true, true, true, true])
  assert.equal(isKept(forms[0] ?? []), false)
})
