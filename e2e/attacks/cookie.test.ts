import assert from 'node:assert/strict'
import { noServerError, oneForm, secretsNowhere, upstreamSilent } from './oracles.ts'
import { WEB_SOCKET } from './requests.ts'
import { ORIGINS, PASSWORDS } from './rig-config.ts'
import { NOBODY, TOKEN_COOKIE, type Rig, type SignedIn } from './rig.ts'
import { runVectors } from './suite.ts'
import { headersOf, type WireAnswer } from './wire.ts'

interface CookieVector {
  readonly id: string
  readonly cookie?: string
  readonly gen?: string
  readonly h?: readonly (readonly [string, string])[]
  readonly upstream?: string
  readonly expect: string
}

let bob: SignedIn
let mallory: SignedIn

function tokenOf({ client }: SignedIn): string {
  return client.cookie('app.example.com', TOKEN_COOKIE) ?? ''
}

/** The vector's header with the rig's cookie name and real tokens; characters beyond ASCII as UTF-8 bytes. */
function filled(text: string): string {
  const named = text
    .replace(/(?<![\w-])(?:__Host-)?sid(?=\s*=)/g, TOKEN_COOKIE)
    .replace(/(?<![\w-])SID(?==)/g, TOKEN_COOKIE.toUpperCase())
  const tokens = named.replace(/VALID|\bA\b$|VICTIM/g, tokenOf(bob)).replace(/ATTACKER|\bB\b$/g, tokenOf(mallory))
  return Buffer.from(tokens, 'utf8').toString('latin1')
}

async function get(rig: Rig, cookies: readonly string[], path = '/me'): Promise<WireAnswer | undefined> {
  const answer = await rig.ask(
    `GET ${path} HTTP/1.1\r\nHost: app.example.com\r\n${cookies.map((text) => `Cookie: ${text}\r\n`).join('')}\r\n`,
  )
  noServerError(rig, answer, cookies.join(' + ').slice(0, 200))
  return answer
}

async function noSession(rig: Rig, cookies: readonly string[], statuses: readonly number[] = [401]): Promise<void> {
  const mark = rig.mark()
  const answer = await get(rig, cookies)
  assert.ok(statuses.includes(answer?.status ?? 0), `${cookies.join()}: ${answer?.status}`)
  upstreamSilent(rig, mark, cookies.join())
}

/** Bob's session or none; never anybody else's. The application never sees the token. */
async function atMostBob(
  rig: Rig,
  cookies: readonly string[],
  statuses: readonly number[] = [200, 400, 401, 431],
): Promise<void> {
  const mark = rig.mark()
  const answer = await get(rig, cookies)
  assert.ok(statuses.includes(answer?.status ?? 0), `${cookies.join().slice(0, 200)}: ${answer?.status}`)
  for (const { raw } of rig.since(mark)) assert.match(raw, /x-remote-user: bob\r\n/i)
  oneForm(rig, mark, bob, cookies.join())
  secretsNowhere(rig, cookies.join())
}

/** Cookies that the application is given for a `Cookie` header with a valid session in it. */
async function passedOn(rig: Rig, cookie: string): Promise<readonly string[]> {
  const mark = rig.mark()
  assert.equal((await get(rig, [filled(cookie)]))?.status, 200)
  const [seen] = rig.since(mark)
  return (seen?.headers ?? []).filter(([name]) => name.toLowerCase() === 'cookie').map(([, value]) => value)
}

/** What of an application's `Set-Cookie` comes through, on an open and on a protected path. */
async function setByUpstream(rig: Rig, lines: readonly string[]): Promise<readonly string[]> {
  const passed: string[] = []
  for (const path of ['/public/set', '/account/set']) {
    rig.upstream.behave(path, (socket) =>
      socket.write(
        `HTTP/1.1 200 OK\r\n${lines.map((line) => `Set-Cookie: ${line}\r\n`).join('')}Set-Cookie: theme=dark\r\nContent-Length: 0\r\n\r\n`,
        'latin1',
      ),
    )
    const answer = await get(rig, [filled('sid=VALID')], path)
    assert.equal(answer?.status, 200)
    passed.push(...headersOf(answer, 'set-cookie'))
  }
  return passed
}

const OURS = [TOKEN_COOKIE, 'SSOTokenID', '__Secure-SSOTokenID', '__Host-gatehouse-handshake', 'gatehouse-handshake']

function spellings(name: string): readonly string[] {
  return [name, name.toLowerCase(), name.toUpperCase(), ` ${name} `, `\t${name}`, `${name}\t`]
}

runVectors<CookieVector>('cookie', {
  async setUp(rig) {
    bob = await rig.signIn('bob')
    mallory = await rig.signIn('mallory')
  },
  async every(rig, { cookie = '' }) {
    await noSession(rig, [filled(cookie)])
  },
  only: {
    'dup-header': (rig, { h = [] }) =>
      noSession(
        rig,
        h.map(([, value]) => filled(value)),
      ),
    quoted: (rig, { cookie = '' }) => atMostBob(rig, [filled(cookie)], [200]),
    version: (rig, { cookie = '' }) => atMostBob(rig, [filled(cookie)]),
    // The browser's own cookie counts; the planted one is another name.
    'host-prefix-unicode': (rig, { cookie = '' }) => atMostBob(rig, [filled(cookie)]),
    space: (rig, { cookie = '' }) => atMostBob(rig, [filled(cookie)]),
    garbage: (rig, { cookie = '' }) => noSession(rig, [filled(cookie)], [400, 401]),
    huge: (rig) => noSession(rig, [`${TOKEN_COOKIE}=${'A'.repeat(8_192)}`], [400, 401, 431]),
    async 'strip-crafted'(rig, { cookie = '' }) {
      for (const text of [
        cookie,
        `${cookie} ${filled('sid=VALID')}`,
        '='.repeat(3_000),
        ';'.repeat(3_000),
        '"'.repeat(3_000),
      ])
        await atMostBob(rig, [text], [200, 401])
    },
    async 'strip-only'(rig, { cookie = '' }) {
      rig.tally.checks++
      assert.deepEqual(await passedOn(rig, cookie), [])
    },
    async 'strip-prefix'(rig) {
      rig.tally.checks++
      assert.deepEqual(await passedOn(rig, `xsid=1; sid2=2; ${TOKEN_COOKIE}=VALID; x${TOKEN_COOKIE}=3`), [
        `xsid=1; sid2=2; x${TOKEN_COOKIE}=3`,
      ])
    },
    async many(rig) {
      const others = Array.from({ length: 1_000 }, (_, i) => `c${i}=v${i}`).join('; ')
      await atMostBob(rig, [`${others}; ${filled('sid=VALID')}`], [200, 431])
    },
    async 'jar-overflow'(rig) {
      // What a sibling can put beside a host-only cookie: the bare name, for the whole domain.
      await atMostBob(rig, [`${filled('sid=VALID')}; SSOTokenID=${tokenOf(mallory)}`], [200])
      await noSession(rig, [`SSOTokenID=${tokenOf(mallory)}; gatehouse-handshake=${'A'.repeat(43)}.0.0`])
    },
    async 'toss-domain'(rig) {
      const page = await rig.ask(
        `GET /login/employees HTTP/1.1\r\nHost: gw.example.com\r\nCookie: SSOTokenID=${mallory.client.cookie('gw.example.com', TOKEN_COOKIE)}\r\n\r\n`,
      )
      assert.equal(page?.status, 200, 'a tossed cookie under the bare name is nothing at the login host')
      assert.match(page.body, /type="password"/)
      await atMostBob(rig, [`SSOTokenID=${tokenOf(mallory)}; ${filled('sid=VALID')}`], [200])
    },
    async 'set-cookie-attrs'(rig) {
      const client = rig.browser()
      rig.tally.sent++
      rig.tally.checks++
      const seen: string[] = []
      let page = await client.open(`${ORIGINS.app}/me`)
      page = await client.submitLogin(page, 'bob', PASSWORDS.bob)
      for (let hops = 0; hops < 3 && page.location !== undefined; hops++) {
        seen.push(...headersOf(page, 'set-cookie'))
        page = await client.call(new URL(page.location, page.url).href)
      }
      const tokens = seen.filter((line) => line.includes('SSOTokenID'))
      assert.equal(tokens.length, 2, 'one for the login host, one for the application')
      for (const line of seen) {
        assert.match(line, /^__Host-/)
        const attributes = line
          .split('; ')
          .slice(1)
          .filter((text) => !text.startsWith('Max-Age'))
        assert.deepEqual(attributes.sort(), ['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'])
        assert.ok(line.length < 4_096)
      }
      for (const line of tokens) rig.canaries.add(/=([\w-]{43})/.exec(line)?.[1] ?? 'none')
    },
    async 'upstream-set-cookie'(rig) {
      rig.tally.checks++
      const lines = OURS.map((name) => `${name}=evil; Path=/; Secure`)
      assert.deepEqual(await setByUpstream(rig, lines), ['theme=dark', 'theme=dark'])
      assert.match(rig.log(), /upstream tried to set a cookie of ours/)
    },
    async 'upstream-set-cookie-case'(rig) {
      rig.tally.checks++
      const lines = OURS.flatMap(spellings).map((name) => `${name}=evil; Max-Age=0`)
      assert.deepEqual(await setByUpstream(rig, lines), ['theme=dark', 'theme=dark'])
    },
    async 'upstream-nameless'(rig) {
      rig.tally.checks++
      const lines = [
        `=${TOKEN_COOKIE}=evil`,
        TOKEN_COOKIE,
        `==${TOKEN_COOKIE}=evil`,
        ` =${TOKEN_COOKIE}=evil`,
        `${TOKEN_COOKIE};=evil`,
      ]
      assert.deepEqual(await setByUpstream(rig, lines), ['theme=dark', 'theme=dark'])
    },
    async 'upstream-ws'(rig) {
      rig.upstream.behave('/public/ws-set', (socket, { headers }) => {
        const key = headers.find(([name]) => name.toLowerCase() === 'sec-websocket-key')?.[1] ?? ''
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key === '' ? '' : 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='}\r\nSet-Cookie: ${TOKEN_COOKIE}=evil\r\nSet-Cookie: theme=dark\r\n\r\n`,
        )
      })
      const answer = await rig.ask(`GET /public/ws-set HTTP/1.1\r\nHost: app.example.com\r\n${WEB_SOCKET}\r\n`)
      noServerError(rig, answer, 'a 101 with cookies')
      assert.equal(answer?.status, 101)
      assert.deepEqual(headersOf(answer, 'set-cookie'), ['theme=dark'])
      oneForm(rig, rig.mark() - 1, NOBODY, 'a 101 with cookies')
    },
  },
})
