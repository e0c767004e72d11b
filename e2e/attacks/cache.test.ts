import assert from 'node:assert/strict'
import { leadsNowhereElse, noServerError, upstreamSilent } from './oracles.ts'
import { ORIGINS } from './rig-config.ts'
import type { Attacker, Rig, SignedIn } from './rig.ts'
import { NOBODY } from './rig.ts'
import { runVectors } from './suite.ts'
import { headerOf, headersOf, type WireAnswer } from './wire.ts'

interface CacheVector {
  readonly id: string
  readonly target?: string
  readonly h?: Readonly<Record<string, string>>
}

let alice: SignedIn
let bob: SignedIn

async function get(rig: Rig, target: string, attacker: Attacker, lines = '', method = 'GET'): Promise<WireAnswer> {
  const answer = await rig.ask(
    `${method} ${target} HTTP/1.1\r\nHost: app.example.com\r\nAccept: text/html\r\n${attacker.cookie('app')}${lines}\r\n`,
  )
  assert.ok(answer)
  return answer
}

/** No cache that is shared may keep it, and it belongs to the cookie. */
function notShared(rig: Rig, answer: WireAnswer, about: string): void {
  rig.tally.checks++
  const control = headersOf(answer, 'cache-control').join(',')
  assert.match(control, /no-store|private/, about)
  assert.doesNotMatch(control, /public|s-maxage/, about)
  if (answer.status === 200) assert.match(headersOf(answer, 'vary').join(','), /cookie/i, about)
  assert.deepEqual([...headersOf(answer, 'surrogate-control'), ...headersOf(answer, 'cdn-cache-control')], [], about)
}

/** A protected answer with these headers of the application, and what comes of them. */
async function protectedWith(rig: Rig, path: string, headers: string): Promise<WireAnswer> {
  rig.upstream.behave(path, (socket) => socket.write(`HTTP/1.1 200 OK\r\n${headers}Content-Length: 2\r\n\r\nok`))
  const answer = await get(rig, path, bob)
  assert.equal(answer.status, 200)
  notShared(rig, answer, headers)
  return answer
}

runVectors<CacheVector>('cache', {
  async setUp(rig) {
    alice = await rig.signIn('alice')
    bob = await rig.signIn('bob')
  },
  async every(rig, { id, target = '/account' }) {
    for (const type of ['text/css', 'text/html', 'image/png', 'application/javascript', 'application/octet-stream']) {
      rig.upstream.behave(target.split('?', 1)[0] ?? '', (socket) =>
        socket.write(
          `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nCache-Control: public, max-age=600\r\nExpires: Thu, 01 Jan 2099 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nok`,
        ),
      )
      const answer = await get(rig, target, bob)
      noServerError(rig, answer, id)
      notShared(rig, answer, `${id} ${type}`)
      assert.equal(headerOf(answer, 'expires'), undefined)
    }
    const mark = rig.mark()
    const stranger = await get(rig, target, NOBODY)
    assert.notEqual(stranger.status, 200)
    notShared(rig, stranger, `${id} for a stranger`)
    upstreamSilent(rig, mark, id)
  },
  only: {
    async 'login-redirect'(rig) {
      const answer = await get(rig, '/admin/x', NOBODY)
      assert.equal(answer.status, 302)
      assert.equal(headerOf(answer, 'cache-control'), 'no-store')
      // The redirect carries a cookie and a state of one browser.
      notShared(rig, answer, 'a redirect to the login page')
    },
    async 'set-cookie'(rig) {
      for (const path of ['/admin/x', '/.gatehouse/callback']) {
        const answer = await get(rig, path, NOBODY)
        assert.ok(headersOf(answer, 'set-cookie').length > 0)
        assert.equal(headerOf(answer, 'cache-control'), 'no-store')
      }
      for (const path of ['/login/employees', '/login/employees?locale=de']) {
        const page = await rig.browser().call(ORIGINS.login + path)
        assert.ok(headersOf(page, 'set-cookie').length > 0)
        assert.equal(headerOf(page, 'cache-control'), 'no-store')
      }
      const own = await protectedWith(
        rig,
        '/account/cookie.css',
        'Content-Type: text/css\r\nCache-Control: public\r\nSet-Cookie: a=b\r\n',
      )
      assert.equal(headerOf(own, 'cache-control'), 'no-store')
    },
    async 'upstream-public'(rig) {
      await protectedWith(rig, '/account/public', 'Cache-Control: public, max-age=600, s-maxage=600\r\n')
      await protectedWith(
        rig,
        '/account/public.css',
        'Content-Type: text/css\r\nCache-Control: PUBLIC\r\nCache-Control: s-maxage=9\r\n',
      )
    },
    async 'upstream-none'(rig) {
      for (const type of ['text/html', 'text/css', 'image/png'])
        await protectedWith(rig, '/account/none', `Content-Type: ${type}\r\n`)
    },
    async 'upstream-cdn'(rig) {
      for (const name of [
        'CDN-Cache-Control',
        'Surrogate-Control',
        'Cloudflare-CDN-Cache-Control',
        'Netlify-CDN-Cache-Control',
      ]) {
        const answer = await protectedWith(rig, '/account/cdn', `${name}: max-age=600\r\nContent-Type: text/css\r\n`)
        assert.equal(headerOf(answer, name.toLowerCase()), undefined)
      }
    },
    async '304'(rig) {
      const mark = rig.mark()
      for (const lines of [
        'If-None-Match: "x"\r\n',
        'If-None-Match: *\r\n',
        'If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT\r\n',
      ])
        assert.equal((await get(rig, '/admin/x', NOBODY, lines)).status, 302)
      upstreamSilent(rig, mark, 'a conditional request of a stranger')
    },
    async range(rig) {
      const mark = rig.mark()
      for (const lines of ['Range: bytes=0-1\r\n', 'Range: bytes=0-1,2-3\r\nIf-Range: "x"\r\n'])
        assert.equal((await get(rig, '/me', NOBODY, lines)).status, 302)
      upstreamSilent(rig, mark, 'a range for a stranger')
    },
    async 'after-logout'(rig) {
      // A browser keeps what it may and shows it to whoever presses "back": nothing of a page may be kept.
      const mallory = await rig.signIn('mallory')
      const shown: string[] = []
      for (const [path, type] of [
        ['/account/back', 'text/html'],
        ['/account/back-bare', ''],
        ['/account/back.xhtml', 'application/xhtml+xml; charset=utf-8'],
      ] as const) {
        const header = type === '' ? '' : `Content-Type: ${type}\r\n`
        rig.upstream.behave(path, (socket) =>
          socket.write(`HTTP/1.1 200 OK\r\n${header}Cache-Control: max-age=600\r\nContent-Length: 6\r\n\r\nsecret`),
        )
        const page = await mallory.client.call(ORIGINS.app + path)
        notShared(rig, page, path)
        if (!/no-store/.test(headersOf(page, 'cache-control').join())) shown.push(page.body)
      }
      for (const path of ['/', '/logout']) {
        const page = await mallory.client.call(ORIGINS.login + path)
        assert.match(headersOf(page, 'cache-control').join(), /no-store/, path)
      }
      assert.equal((await mallory.client.call(`${ORIGINS.login}/logout`, { form: {} })).status, 303)
      assert.deepEqual(shown, [], 'nothing to be shown after logout')
      const again = await mallory.client.call(`${ORIGINS.app}/account/back`)
      assert.equal(again.status, 302)
      assert.doesNotMatch(again.body, /secret/)
    },
    async 'vary-origin'(rig) {
      for (const path of ['/me', '/public/x', '/.gatehouse/whoami']) {
        const answer = await get(rig, path, bob, 'Origin: https://evil.example\r\n')
        noServerError(rig, answer, path)
        assert.equal(headerOf(answer, 'access-control-allow-origin'), undefined, 'nothing of ours allows an origin')
      }
    },
    async 'poison-xfh'(rig, { h = {} }) {
      await poisoned(rig, h)
    },
    async 'poison-xfs'(rig, { h = {} }) {
      await poisoned(rig, h)
    },
    async 'poison-404'(rig) {
      for (const [target, lines] of [
        ['/%zz', ''],
        ['/public/../x', ''],
        [`/public/x`, `A: ${'x'.repeat(40_000)}\r\n`],
        ['/.gatehouse/none', ''],
      ] as const) {
        const answer = await get(rig, target, NOBODY, lines)
        assert.ok(answer.status >= 400)
        rig.tally.checks++
        assert.equal(headerOf(answer, 'cache-control'), 'no-store', target)
      }
    },
    async head(rig) {
      for (const path of ['/me', '/public/x']) {
        const head = await get(rig, path, bob, '', 'HEAD')
        const whole = await get(rig, path, bob)
        noServerError(rig, head, path)
        assert.equal(head.body, '')
        assert.equal(whole.body, `GET ${path}`)
      }
    },
    async 'query-cloak'(rig, { target = '' }) {
      const mark = rig.mark()
      const answer = await get(rig, target, NOBODY)
      noServerError(rig, answer, target)
      assert.equal(rig.since(mark)[0]?.target, target, 'the query goes on byte for byte')
    },
    async 'decision-cache-key'(rig) {
      rig.tally.checks++
      for (let round = 0; round < 3; round++) {
        assert.equal((await get(rig, '/admin/x', alice)).status, 200)
        assert.equal((await get(rig, '/admin/x', bob)).status, 403)
        assert.equal((await get(rig, '/ro/x', bob)).status, 200)
        assert.equal((await get(rig, '/ro/x', bob, 'Content-Length: 0\r\n', 'POST')).status, 403)
        assert.equal((await get(rig, '/public/x', bob)).status, 200)
        assert.equal((await get(rig, '/public', bob)).status, 403)
        assert.equal((await get(rig, '/me', bob)).status, 200)
        assert.equal(
          (await rig.ask(`GET /me HTTP/1.1\r\nHost: pay.example.com\r\n${bob.cookie('app')}\r\n`))?.status,
          401,
        )
        assert.equal((await get(rig, '/account?x=1', bob)).status, 200)
        assert.equal((await get(rig, '/admin?x=1', bob)).status, 403)
      }
    },
  },
})

async function poisoned(rig: Rig, h: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(h).map(([name, value]) => `${name}: ${value}\r\n`)
  for (const path of ['/admin/x', '/%zz', '/.gatehouse/none', '/public/x']) {
    const answer = await get(rig, path, NOBODY, lines.join(''))
    leadsNowhereElse(rig, answer, ORIGINS.app, path)
    assert.doesNotMatch(JSON.stringify(answer), /evil/)
  }
}
