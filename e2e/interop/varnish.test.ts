import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Client } from '../client.ts'
import { exchange, signedIn, type Reply } from './exchange.ts'
import { startGateway, type Gateway } from './gateway.ts'
import { freePort } from '../../src/free-port.fixture.ts'
import { closeServer, scratchDirectory, startProgram } from './program.ts'

/** `careless` decides by the end of the path what to cache; `stubborn` caches it whatever Cache-Control says. */
const AGENTS = ['careless', 'stubborn'] as const

interface Vector {
  readonly id: string
  readonly target?: string
}

const TARGETS = (
  JSON.parse(readFileSync(new URL('../../src/gateway/vectors/cache.json', import.meta.url), 'utf8')) as Vector[]
)
  .filter(({ id }) => id.startsWith('deception-'))
  .map(({ target = '' }) => target)

const running = new AsyncDisposableStack()
const scratch = scratchDirectory('varnish')
running.defer(() => scratch.remove())
let gateway: Gateway

before(async () => {
  // An application that wants all of it cached, and says in each answer for whom it was.
  const application = createServer((request, response) => {
    const type = /\.js(?:$|\?)/.test(request.url ?? '') ? 'text/javascript' : 'text/css'
    response.writeHead(200, {
      'content-type': type,
      'cache-control': 'public, max-age=600, s-maxage=600',
      'surrogate-control': 'max-age=600',
      'cdn-cache-control': 'max-age=600',
      etag: '"for-everyone"',
    })
    response.end(`/* for ${String(request.headers['x-remote-user'] ?? 'everyone')} */`)
  })
  application.listen(0, '127.0.0.1')
  await once(application, 'listening')
  running.defer(() => closeServer(application))
  const [behind, front] = [await freePort(), await freePort()]
  const servers = [`http://127.0.0.1:${(application.address() as AddressInfo).port}`]
  const profile = { ssoOnly: true, upstream: { servers }, notEnforced: [{ path: '/public/*' }] }
  gateway = await startGateway({
    agents: Object.fromEntries(AGENTS.map((agent) => [agent, profile])),
    port: behind,
    publicPort: front,
    trustedProxies: ['127.0.0.1'],
  })
  running.defer(() => gateway.stop())
  const vcl = join(scratch.path, 'cache.vcl')
  writeFileSync(vcl, configuration(behind))
  const varnish = await startProgram({
    command: 'varnishd',
    args: [
      '-F',
      '-j',
      'none',
      '-n',
      join(scratch.path, 'work'),
      '-a',
      `127.0.0.1:${front}`,
      '-f',
      vcl,
      '-s',
      'malloc,16m',
    ],
    cwd: scratch.path,
    ready: /said Child starts/,
  })
  running.defer(() => varnish.stop())
})

after(() => running.disposeAsync())

/** What is found in many a tutorial: pictures, scripts and style sheets are for everyone. */
function configuration(port: number): string {
  return `
vcl 4.1;
backend gateway { .host = "127.0.0.1"; .port = "${port}"; }
sub vcl_recv {
  if (req.method == "GET" && req.url ~ "(?i)\\.(css|js|png|ico|txt|avif)") { return (hash); }
}
sub vcl_backend_response {
  if (bereq.http.host ~ "^stubborn" && beresp.status == 200) {
    set beresp.ttl = 1h;
    set beresp.uncacheable = false;
    return (deliver);
  }
}
sub vcl_deliver {
  set resp.http.X-Cache = obj.hits;
}
`
}

const hits = ({ headers }: Reply): number => Number(headers['x-cache'])

const people = async (agent: string): Promise<readonly [Client, Client]> => [
  await signedIn(gateway, agent, 'alice'),
  await signedIn(gateway, agent, 'bob'),
]

test('the cache works: what needs no session is served from it to everyone', async () => {
  for (const agent of AGENTS) {
    const url = `${gateway.site(agent)}/public/site.css`
    const [first, second] = [await exchange(url), await exchange(url)]
    assert.deepEqual([first.status, second.status], [200, 200])
    assert.deepEqual([hits(first), hits(second)], [0, 1])
    assert.equal(second.text, '/* for everyone */')
  }
})

for (const agent of AGENTS) {
  test(`${agent}: what a session was needed for is never served to anybody else`, { timeout: 60_000 }, async (t) => {
    const [alice, bob] = await people(agent)
    let answered = 0
    for (const target of ['/site.css', '/app.js?v=1', '/logo.png', ...TARGETS]) {
      const url = `${gateway.site(agent)}${target}`
      const own = [await exchange(url, { client: alice }), await exchange(url, { client: alice })]
      for (const { status, text } of own) {
        if (status === 200) assert.equal(text, '/* for alice */', target)
        else assert.equal(status, 400, `${target}: ${text}`)
      }
      if (own[0]?.status === 200) answered++
      const his = await exchange(url, { client: bob })
      assert.equal(his.status, own[0]?.status, target)
      assert.ok(!his.text.includes('alice'), target)
      for (const headers of [
        [],
        ['If-None-Match', '"for-everyone"'],
        ['Range', 'bytes=0-3'],
        ['Cookie', 'theme=dark'],
      ]) {
        const stranger = await exchange(url, { headers })
        assert.ok([302, 400, 401].includes(stranger.status), `${target}: ${stranger.status}`)
        assert.ok(!stranger.text.includes('alice') && !stranger.text.includes('bob'), target)
        assert.equal(hits(stranger), 0, `${target}: an answer to nobody in particular came from the cache`)
      }
    }
    t.diagnostic(`${answered} of ${TARGETS.length + 3} targets reach the application`)
    assert.ok(answered > 10)
  })
}

test('a refusal that a stranger met is not what the next person gets', async () => {
  const navigation = ['Accept', 'text/html', 'Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document']
  for (const agent of AGENTS) {
    const url = `${gateway.site(agent)}/first.css`
    const sent = [await exchange(url, { headers: navigation }), await exchange(url, { headers: navigation })]
    assert.deepEqual(
      sent.map(({ status }) => status),
      [302, 302],
    )
    assert.notEqual(sent[0]?.headers.location, sent[1]?.headers.location)
    assert.notDeepEqual(sent[0]?.headers['set-cookie'], sent[1]?.headers['set-cookie'])
    const [alice] = await people(agent)
    assert.equal((await exchange(url, { client: alice })).text, '/* for alice */')
  }
})

test('after signing out the cache has nothing for the old cookie', async () => {
  const [alice] = await people('careless')
  const url = `${gateway.site('careless')}/mine.css`
  const cookie = ['Cookie', alice.cookiesFor(url)]
  assert.equal((await exchange(url, { headers: cookie })).text, '/* for alice */')
  assert.equal((await alice.call(`${gateway.login}/logout`, { form: {} })).status, 303)
  const late = await exchange(url, { headers: cookie })
  assert.equal(late.status, 401)
  assert.ok(!late.text.includes('alice'))
})

test('X-Forwarded headers that a client sends through the cache change nothing in what is cached', async () => {
  const url = `${gateway.site('careless')}/public/poison.css`
  const poison = ['X-Forwarded-Host', 'evil.example', 'X-Forwarded-Scheme', 'nothttps', 'X-Original-URL', '/evil']
  const first = await exchange(url, { headers: poison })
  const second = await exchange(url)
  assert.deepEqual([first.status, second.status, second.text], [200, 200, '/* for everyone */'])
  assert.ok(!JSON.stringify(second.headers).includes('evil'))
})
