import assert from 'node:assert/strict'
import { headersExact, leadsNowhereElse, noServerError, upstreamSilent } from './oracles.ts'
import { ORIGINS } from './rig-config.ts'
import type { Rig, SignedIn } from './rig.ts'
import { webSocket } from './requests.ts'
import { startTlsRig } from './tls-rig.ts'
import { runVectors } from './suite.ts'
import { headerOf, type WireAnswer } from './wire.ts'

interface HostVector {
  readonly id: string
  readonly host?: string | readonly string[] | null
  readonly h?: Readonly<Record<string, string>>
  readonly expect: string
}

let bob: SignedIn
let alice: SignedIn

/** Bytes as an attacker would send them: UTF-8. */
function bytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

async function tryHost(rig: Rig, { host, expect, id }: HostVector, target: string): Promise<void> {
  const own = target === '/login/employees' ? 'gw' : 'app'
  const hosts = host === null || host === undefined ? [] : [host].flat()
  const lines = hosts.map(
    (each) => `Host: ${bytes(each.replace(/gw([.．%]|$)/i, (_, dot: string) => `${own}${dot}`))}\r\n`,
  )
  const mark = rig.mark()
  const answer = await rig.ask(
    `GET ${target} HTTP/1.1\r\n${lines.join('')}Accept: text/html\r\n${bob.cookie('app')}\r\n`,
  )
  assert.ok(answer, id)
  noServerError(rig, answer, id)
  leadsNowhereElse(rig, answer, ORIGINS.app, id)
  upstreamSilent(rig, mark, id)
  assert.doesNotMatch(
    answer.body + JSON.stringify(answer.headers),
    /evil|<script>alert|:1337/,
    `${id}: nothing of it is echoed`,
  )
  const wanted = expect.startsWith('400') ? [400] : expect.startsWith('421') ? [421] : undefined
  if (wanted !== undefined) assert.ok(wanted.includes(answer.status), `${id}: ${answer.status}`)
}

/** Every spelling of the site's name is under the site's rules: denied where it denies. */
async function sameRules(rig: Rig, host: string, about: string): Promise<WireAnswer> {
  const mark = rig.mark()
  const get = (cookie: string): Promise<WireAnswer | undefined> =>
    rig.ask(`GET /admin/x HTTP/1.1\r\nHost: ${host}\r\nAccept: text/html\r\n${cookie}\r\n`)
  const nobody = await get('')
  const low = await get(bob.cookie('app'))
  assert.ok(nobody)
  assert.equal(nobody.status, 302, about)
  assert.equal(low?.status, 403, about)
  leadsNowhereElse(rig, nobody, ORIGINS.app, about)
  upstreamSilent(rig, mark, about)
  assert.equal((await get(alice.cookie('app')))?.status, 200, about)
  const seen = rig.since(mark).at(-1)
  assert.ok(seen)
  headersExact(rig, seen, 'alice', about)
  assert.equal(seen.headers.find(([name]) => name.toLowerCase() === 'host')?.[1], 'app.example.com', about)
  return nobody
}

runVectors<HostVector>('host', {
  async setUp(rig) {
    bob = await rig.signIn('bob')
    alice = await rig.signIn('alice')
  },
  async every(rig, vector) {
    await tryHost(rig, vector, '/admin/x')
    await tryHost(rig, vector, '/login/employees')
  },
  only: {
    case: (rig) => sameRules(rig, 'APP.EXAMPLE.COM', 'capitals').then(() => undefined),
    'trailing-dot': (rig) => sameRules(rig, 'app.example.com.', 'a dot at the end').then(() => undefined),
    async port(rig) {
      const answer = await sameRules(rig, 'app.example.com:1337', 'another port')
      assert.doesNotMatch(headerOf(answer, 'location') ?? '', /1337/)
    },
    async xfh(rig, { h = {} }) {
      await withHeaders(rig, h)
    },
    async 'sni-mismatch'(rig) {
      const tls = await startTlsRig()
      const seen = tls.seen()
      try {
        for (const path of ['/', '/open/x', '/.gatehouse/whoami'])
          for (const lines of ['', 'Cookie: __Host-SSOTokenID=x\r\n', webSocket(`https://${tls.host('app')}`)]) {
            rig.tally.sent++
            assert.equal(await tls.status('other.acme.test', tls.host('app'), path, lines), 421, path + lines)
            assert.equal(await tls.status('app.acme.test', tls.host('login'), path, lines), 421, path + lines)
            assert.equal(await tls.status('nobody.acme.test', tls.host('app'), path, lines), 421, path + lines)
          }
        rig.tally.checks++
        assert.equal(tls.seen(), seen, 'nothing reached the application')
        assert.equal(await tls.status('app.acme.test', tls.host('app'), '/open/x'), 200, 'the right name passes')
      } finally {
        await tls.stop()
      }
    },
    async xhost(rig, { h = {} }) {
      await withHeaders(rig, h)
    },
  },
})

async function withHeaders(rig: Rig, h: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(h).map(([name, value]) => `${name}: ${value}\r\n`)
  const login = await rig.ask(
    `GET /admin/x HTTP/1.1\r\nHost: app.example.com\r\nAccept: text/html\r\n${lines.join('')}\r\n`,
  )
  assert.equal(login?.status, 302)
  leadsNowhereElse(rig, login, ORIGINS.app, 'a forwarded host')
  const page = await rig.ask(
    `GET /login/employees HTTP/1.1\r\nHost: gw.example.com\r\nAccept: text/html\r\n${lines.join('')}\r\n`,
  )
  assert.ok(page)
  leadsNowhereElse(rig, page, ORIGINS.login, 'a forwarded host at the login page')
  assert.doesNotMatch(page.body, /evil/)
  const mark = rig.mark()
  assert.equal(
    (await rig.ask(`GET /me HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}${lines.join('')}\r\n`))?.status,
    200,
  )
  const [seen] = rig.since(mark)
  assert.ok(seen)
  headersExact(rig, seen, 'bob', 'a forwarded host')
}
