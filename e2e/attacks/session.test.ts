import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { systemClock } from '../../src/base/clock.ts'
import { readKeyRing } from '../../src/crypto/key-ring.ts'
import { openEmbeddedStore } from '../../src/store/embedded/open.ts'
import { until } from '../until.ts'
import { changeLive } from './live-config.ts'
import { isDead, noServerError, oneForm, secretsNowhere, upstreamSilent } from './oracles.ts'
import { passwordChange } from './password-change.ts'
import { WEB_SOCKET } from './requests.ts'
import { byHeader, EMPLOYEES, isValid, JSON_TYPE, rest, signInRoot } from './rest.ts'
import { ORIGINS, PASSWORDS, STEP_UP } from './rig-config.ts'
import { NOBODY, startRig, TOKEN_COOKIE, type Rig, type SignedIn } from './rig.ts'
import { isNoToken, opensTheClub, silent, spellings } from './stateless.ts'
import { afterwards, runVectors, type Vector } from './suite.ts'
import { headersOf, Wire } from './wire.ts'

const MINUTE = 60_000

/** So many sessions people may have in a realm of theirs. */
const FEW = 3
const RULES = {
  employees: `${STEP_UP}session: { maxIdle: 30m }\n`,
  realms: { few: `session: { quota: { limit: ${FEW} } }\n` },
}

let aside: Rig | undefined

/** Another gateway, whose clock goes far ahead; no session there lives for more than an hour. */
async function goingAhead(): Promise<Rig> {
  aside ??= await startRig({ employees: 'session: { maxIdle: 2h, maxLife: 1h }\n' })
  return aside.anew()
}

function tokenOf({ client }: SignedIn, origin: keyof typeof ORIGINS): string {
  return client.cookie(new URL(ORIGINS[origin]).hostname, TOKEN_COOKIE) ?? ''
}

function cookieOf(token: string): string {
  return `Cookie: ${TOKEN_COOKIE}=${token}\r\n`
}

async function logout({ client }: SignedIn): Promise<void> {
  assert.equal((await client.call(`${ORIGINS.login}/logout`, { form: {} })).status, 303)
}

/** An event stream or a WebSocket that is open for somebody. */
async function openStream(rig: Rig, cookie: string, upgrade: string): Promise<Wire> {
  const wire = new Wire(rig.dial)
  rig.tally.sent++
  wire.send(
    `GET ${upgrade === '' ? '/stream' : '/ws'} HTTP/1.1\r\nHost: app.example.com\r\nAccept: text/event-stream\r\n${cookie}${upgrade}\r\n`,
  )
  await wire.text('\r\n\r\n')
  return wire
}

function eventStream(rig: Rig): void {
  rig.upstream.behave('/stream', (socket) =>
    socket.write(
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevent\r\n',
    ),
  )
}

interface Key {
  readonly purpose: string
  readonly kid: string
}

/** What the command line says of the keys in the rig's store. */
async function gatehouseKeys({ root }: Rig, command: 'list' | 'rotate'): Promise<readonly Key[]> {
  const main = join(import.meta.dirname, '../../src/main.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'keys', command, '--json', '--config', root])
  return (JSON.parse(stdout) as { readonly keys: readonly Key[] }).keys
}

/** Settles when a key is in the rig's store no more. */
async function removed({ root }: Rig, kid: string): Promise<void> {
  const store = await openEmbeddedStore({ path: join(root, 'data/cts.db'), clock: systemClock, log: silent })
  const masterKey = readFileSync(join(root, 'data/master.key'), 'utf8')
  const isThere = async (): Promise<boolean> => {
    const ring = await readKeyRing({ documents: store.documents, masterKey, clock: systemClock, log: silent })
    return ring.summaries().some((key) => key.kid === kid)
  }
  try {
    await until('the old key is removed', async () => !(await isThere()))
  } finally {
    await store.close()
  }
}

/** Kids of the published keys. */
async function jwksOf(rig: Rig): Promise<readonly string[]> {
  const answer = await rig.ask('GET /.well-known/jwks.json HTTP/1.1\r\nHost: gw.example.com\r\n\r\n')
  return (JSON.parse(answer?.body ?? '') as { readonly keys: readonly Key[] }).keys.map(({ kid }) => kid)
}

/** Of the key that sealed a stateless token. */
function kidOf(token: string): string {
  const header = token.slice(token.lastIndexOf('*') + 1).split('.', 1)[0] ?? ''
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as Key).kid
}

const rig = runVectors<Vector>(
  'session',
  {
    beyond,
    only: {
      async 'fixation-attacker-sid'(rig) {
        const client = rig.browser()
        const chosen = `${'A'.repeat(42)}A*AgRV*`
        for (const host of ['gw.example.com', 'app.example.com']) client.setCookie(host, TOKEN_COOKIE, chosen)
        rig.tally.sent++
        const home = await client.signIn(await client.open(`${ORIGINS.app}/me`), 'bob', PASSWORDS.bob)
        assert.equal(home.status, 200)
        for (const host of ['gw.example.com', 'app.example.com'])
          assert.notEqual(client.cookie(host, TOKEN_COOKIE), chosen)
        await isDead(rig, cookieOf(chosen), 'a chosen token')
      },
      async 'fixation-live'(rig) {
        const mallory = await rig.signIn('mallory')
        const planted = tokenOf(mallory, 'login')
        const victim = rig.browser()
        victim.setCookie('gw.example.com', TOKEN_COOKIE, planted)
        const form = await victim.call(`${ORIGINS.login}/login/employees?ForceAuth=true`)
        assert.equal((await victim.submitLogin(form, 'bob', PASSWORDS.bob)).status, 303)
        assert.notEqual(victim.cookie('gw.example.com', TOKEN_COOKIE), planted)
        await isDead(rig, mallory.cookie('app'), 'the planted session ended and did not become the victim’s')
        const page = await victim.call(`${ORIGINS.login}/`)
        assert.match(page.body, /bob/)
      },
      async quota(rig) {
        // At the login host, since a login that has to make room meanwhile does not come further.
        const signIn = async (): Promise<string> => {
          const client = rig.browser()
          const form = await client.call(`${ORIGINS.login}/login/few`)
          rig.tally.sent++
          assert.equal((await client.submitLogin(form, 'bob', PASSWORDS.bob)).status, 303)
          return cookieOf(client.cookie('gw.example.com', TOKEN_COOKIE) ?? '')
        }
        let before: readonly string[] = []
        for (let round = 0; round < 12; round++) {
          const now = await Promise.all(Array.from({ length: FEW + 1 }, signIn))
          const homes = await Promise.all(
            now.map((cookie) =>
              rig.ask(`GET / HTTP/1.1\r\nHost: gw.example.com\r\nAccept: text/html\r\n${cookie}\r\n`),
            ),
          )
          rig.tally.checks++
          const alive = homes.filter((home) => home?.body.includes('You are signed in as bob')).length
          assert.equal(alive, FEW, 'all but one are alive')
          for (const cookie of before) await isDead(rig, cookie, 'the oldest had to make room', 'login')
          before = now
        }
      },
      async 'rotate-stepup'(rig) {
        const bob = await rig.signIn('bob')
        const [old, oldLogin] = [bob.cookie('app'), cookieOf(tokenOf(bob, 'login'))]
        const levelTwo = (cookie: string) => rig.ask(`GET /level2/x HTTP/1.1\r\nHost: app.example.com\r\n${cookie}\r\n`)
        assert.equal((await levelTwo(old))?.status, 401)
        const home = await bob.client.signIn(await bob.client.open(`${ORIGINS.app}/level2/x`), 'bob', PASSWORDS.bob)
        assert.equal(home.status, 200)
        const mark = rig.mark()
        rig.tally.checks++
        assert.equal((await levelTwo(old))?.status, 401, 'the old token never reaches the new level')
        upstreamSilent(rig, mark, 'the token of before the step-up')
        await isDead(rig, oldLogin, 'the login token of before')
        assert.equal((await levelTwo(bob.cookie('app')))?.status, 200)
      },
      async 'rotate-reauth'(rig) {
        const bob = await rig.signIn('bob')
        const before = tokenOf(bob, 'login')
        const form = await bob.client.call(`${ORIGINS.login}/login/employees?ForceAuth=true`)
        assert.equal((await bob.client.submitLogin(form, 'bob', PASSWORDS.bob)).status, 303)
        assert.notEqual(tokenOf(bob, 'login'), before)
        rig.tally.checks++
        const old = await rig.ask(`GET /logout HTTP/1.1\r\nHost: gw.example.com\r\n${cookieOf(before)}\r\n`)
        assert.equal(old?.status, 302, 'the old login token is nobody')
        const child = bob.cookie('app')
        const again = await bob.client.call(`${ORIGINS.login}/login/employees?ForceAuth=true`)
        assert.equal((await bob.client.submitLogin(again, 'mallory', PASSWORDS.mallory)).status, 303)
        await isDead(rig, child, 'another user signed in: the old session is over')
      },
      async 'logout-jwt-variants'(rig) {
        const dave = await rig.signIn('dave', 'club')
        const [token, login] = [tokenOf(dave, 'club'), tokenOf(dave, 'login')]
        assert.ok(await opensTheClub(rig, token))
        for (const text of spellings(token)) await isNoToken(rig, text, `before the logout ${text.slice(-40)}`)
        await logout(dave)
        for (const text of [token, login, ...spellings(token), ...spellings(login)])
          await isNoToken(rig, text, `after the logout ${text.slice(-40)}`)
        const other = await rig.second()
        try {
          await isNoToken(other, token, 'in another process, which began later')
        } finally {
          assert.equal(await other.stop(), 0)
        }
      },
      async 'logout-ws'(rig) {
        eventStream(rig)
        const bob = await rig.signIn('bob')
        const streams = [
          await openStream(rig, bob.cookie('app'), WEB_SOCKET),
          await openStream(rig, bob.cookie('app'), ''),
        ]
        await logout(bob)
        for (const stream of streams) await stream.closed()
        await isDead(rig, bob.cookie('app'), 'after logout')
      },
      async 'logout-inflight'(rig) {
        rig.upstream.behave('/account/download', (socket) =>
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(1_000)}`),
        )
        const bob = await rig.signIn('bob')
        const wire = new Wire(rig.dial)
        rig.tally.sent++
        wire.send(`GET /account/download HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}\r\n`)
        await wire.text('xxx')
        await logout(bob)
        await wire.closed()
        await isDead(rig, bob.cookie('app'), 'no new request passes')
      },
      async 'logout-all'(rig) {
        eventStream(rig)
        const [bob, again, root] = [await rig.signIn('bob'), await rig.signIn('bob', 'shop'), await signInRoot(rig)]
        const stream = await openStream(rig, bob.cookie('app'), '')
        const headers = byHeader(root) + JSON_TYPE
        const ended = await rest(rig, `${EMPLOYEES}?_action=logoutByUser`, { headers, body: '{"username":"bob"}' })
        assert.equal(ended.status, 200)
        await stream.closed()
        await isDead(rig, bob.cookie('app'), 'an administrator ended all sessions')
        await isDead(rig, again.cookie('shop'), 'the child of another session', 'shop')
        for (const each of [bob, again]) assert.equal(await isValid(rig, tokenOf(each, 'login')), false)
      },
      'pwd-change': passwordChange,
      async 'disable-user'(rig) {
        const bob = await rig.signIn('bob')
        const file = 'realms/employees/users.yaml'
        const before = readFileSync(join(rig.root, file), 'utf8')
        await changeLive(rig, { [file]: before.replace('    groups: []\n', '    groups: []\n    disabled: true\n') })
        await isDead(rig, bob.cookie('app'), 'disabled')
        assert.doesNotMatch((await bob.client.call(`${ORIGINS.login}/`)).body, /\bbob\b/)
        await changeLive(rig, { [file]: before })
        await isDead(rig, bob.cookie('app'), 'enabled again, the old session stays ended')
      },
      async absolute(outer) {
        const rig = await goingAhead()
        const bob = await rig.signIn('bob')
        for (const minutes of [10, 30, 50, 59]) {
          await rig.shiftClock(minutes * MINUTE)
          assert.equal((await bob.client.call(`${ORIGINS.app}/me`)).status, 200, 'being used')
        }
        await rig.shiftClock(61 * MINUTE)
        await isDead(rig, bob.cookie('app'), 'being used does not make a session live longer')
        await rig.shiftClock(0)
        outer.tally.sent += rig.tally.sent
        outer.tally.checks += rig.tally.checks
      },
      async 'idle-not-by-bg'(rig) {
        const [bob, busy, root] = [await rig.signIn('bob'), await rig.signIn('mallory'), await signInRoot(rig)]
        const began = Date.now()
        const filter = encodeURIComponent('username eq "mallory" and realm eq "/employees"')
        const isNoted = async (): Promise<boolean> => {
          const list = await rest(rig, `${EMPLOYEES}?_queryFilter=${filter}`, {
            method: 'GET',
            headers: byHeader(root),
          })
          const { result } = JSON.parse(list.body) as { readonly result: readonly { latestAccessTime: string }[] }
          return result.some(({ latestAccessTime }) => Date.parse(latestAccessTime) > began + 20 * MINUTE)
        }
        try {
          for (let minutes = 5; minutes < 30; minutes += 5) {
            await rig.shiftClock(minutes * MINUTE)
            await bob.client.call(`${ORIGINS.app}/.gatehouse/whoami`)
            await bob.client.call(`${ORIGINS.login}/login-state?realm=/employees`)
            assert.equal((await busy.client.call(`${ORIGINS.app}/me`)).status, 200)
          }
          // Uses are written together, and the one that counts came last.
          await until('the use of an application is written', isNoted)
          await rig.shiftClock(31 * MINUTE)
          await isDead(rig, bob.cookie('app'), 'asking who is there keeps nobody signed in')
          assert.equal((await busy.client.call(`${ORIGINS.app}/me`)).status, 200, 'using an application does')
        } finally {
          await rig.shiftClock(0)
        }
      },
      async 'realm-cross'(rig) {
        const [bob, dave] = [await rig.signIn('bob'), await rig.signIn('dave', 'club')]
        await isDead(rig, cookieOf(tokenOf(bob, 'app')), 'employee at the club', 'club')
        await isDead(rig, cookieOf(tokenOf(dave, 'club')), 'customer at the intranet')
        await isDead(rig, cookieOf(tokenOf(dave, 'login')), 'customer’s login token at the intranet')
        assert.equal((await dave.client.call(`${ORIGINS.app}/me`)).status, 302)
      },
      async 'app-cross'(rig) {
        const bob = await rig.signIn('bob')
        for (const site of ['shop', 'pay', 'club'] as const)
          await isDead(rig, bob.cookie('app'), `app's token at ${site}`, site)
        await isDead(rig, cookieOf(tokenOf(bob, 'login')), 'the login token at an application')
        const atLogin = await rig.ask(`GET / HTTP/1.1\r\nHost: gw.example.com\r\n${bob.cookie('app')}\r\n`)
        assert.doesNotMatch(atLogin?.body ?? '', /\bbob\b/, 'a restricted token is nobody at the login host')
      },
      async 'key-rotate'(outer) {
        const rig = await goingAhead()
        const second = await rig.second()
        const dave = await rig.signIn('dave', 'club')
        const old = tokenOf(dave, 'club')
        const opens = async (token: string) =>
          (await rig.ask(`GET /me HTTP/1.1\r\nHost: club.example.com\r\n${cookieOf(token)}\r\n`))?.status === 200
        const late = rig.browser()
        const form = await late.open(`${ORIGINS.club}/`)
        const successors = await gatehouseKeys(rig, 'rotate')
        const published = successors.find(({ purpose }) => purpose === 'assertion')?.kid ?? ''
        for (const process of [rig, second])
          await until('the successor is published', async () => (await jwksOf(process)).includes(published))
        const sealing = successors.find(({ purpose }) => purpose === 'session')?.kid
        assert.notEqual(kidOf(old), sealing)
        // Published two seconds ahead.
        await rig.shiftClock(3_000)
        assert.equal(kidOf(tokenOf(await rig.signIn('dave', 'club'), 'club')), sealing, 'the successor seals')
        assert.ok(await opens(old), 'what the old key sealed opens, and nobody is logged out')
        assert.equal(
          (await late.signIn(form, 'dave', PASSWORDS.dave)).status,
          200,
          'a login that was under way goes on',
        )
        assert.equal(await second.stop(), 0)
        await rig.shiftClock(31 * 86_400_000)
        await removed(rig, kidOf(old))
        assert.ok((await gatehouseKeys(rig, 'list')).every(({ kid }) => kid !== kidOf(old)))
        await isDead(rig, cookieOf(old), 'its key is gone', 'club')
        outer.tally.sent += rig.tally.sent
        outer.tally.checks += rig.tally.checks
      },
      async entropy(rig) {
        const seen = new Set<string>()
        for (let round = 0; round < 25; round++) {
          const bob = await rig.signIn('bob')
          for (const site of ['app', 'login'] as const) seen.add(tokenOf(bob, site).slice(0, 43))
        }
        rig.tally.checks++
        assert.equal(seen.size, 50)
        // Byte positions of the first 42 characters: no position is constant, and no character is favoured.
        const secrets = [...seen]
        for (let at = 0; at < 42; at++)
          assert.ok(new Set(secrets.map((text) => text.charAt(at))).size > 15, `position ${at}`)
      },
      async 'id-in-url'(rig) {
        const bob = await rig.signIn('bob')
        const token = tokenOf(bob, 'app')
        // Its holder put it into the address: that it is logged and forwarded there is theirs. Here it must only open nothing.
        rig.canaries.delete(token.split('*', 1)[0] ?? '')
        const encoded = encodeURIComponent(token)
        const mark = rig.mark()
        const names = [TOKEN_COOKIE, 'SSOTokenID', 'sid', 'iPlanetDirectoryPro', 'tokenId']
        const tries = names.flatMap((name) => [
          `GET /me?${name}=${encoded} HTTP/1.1\r\nHost: app.example.com\r\n\r\n`,
          `GET /me;${name}=${encoded} HTTP/1.1\r\nHost: app.example.com\r\n\r\n`,
          `GET /me HTTP/1.1\r\nHost: app.example.com\r\n${name}: ${token}\r\n\r\n`,
          `POST /me HTTP/1.1\r\nHost: app.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${name.length + 1 + encoded.length}\r\n\r\n${name}=${encoded}`,
        ])
        for (const bytes of [
          ...tries,
          `GET /me HTTP/1.1\r\nHost: app.example.com\r\nAuthorization: Bearer ${token}\r\n\r\n`,
        ])
          assert.equal((await rig.ask(bytes))?.status, 401, bytes)
        upstreamSilent(rig, mark, 'a token outside the cookie')
      },
      async 'id-in-logs'(rig) {
        const bob = await rig.signIn('bob')
        const pages: string[] = []
        for (const path of ['/me', '/admin/x', '/.gatehouse/whoami', '/%2e%2e/', '/.gatehouse/nothing'])
          pages.push((await bob.client.call(ORIGINS.app + path)).body)
        for (const path of ['/', '/logout', '/login/employees?ForceAuth=true', '/nowhere', '/healthz', '/readyz'])
          pages.push((await bob.client.call(ORIGINS.login + path)).body)
        await rig.ask(
          `GET /me HTTP/1.1\r\nHost: app.example.com\r\nReferer: https://app.example.com/x\r\n${bob.cookie('app')}\r\n`,
        )
        secretsNowhere(rig, 'logs, pages and the application', pages)
      },
      async 'type-confusion-store'(rig) {
        const client = rig.browser()
        rig.tally.sent++
        const start = await client.call(`${ORIGINS.app}/me`)
        const state = new URL(start.location ?? '').searchParams.get('state') ?? ''
        const form = await client.call(start.location ?? '')
        const authId = /name="authId"[^>]*value="([^"]*)"/.exec(form.body)?.[1] ?? ''
        const back = await client.submitLogin(form, 'bob', PASSWORDS.bob)
        const code = new URL(back.location ?? '').searchParams.get('code') ?? ''
        const handshake = client.cookie('app.example.com', '__Host-gatehouse-handshake') ?? ''
        const login = client.cookie('gw.example.com', TOKEN_COOKIE) ?? ''
        const others = [
          code,
          `${code}*AgRV*`,
          state.slice(0, 43),
          handshake.slice(0, 43),
          authId,
          `${handshake.slice(0, 43)}*AgRV*`,
          login,
          login.slice(0, 43),
        ]
        for (const value of others) await isDead(rig, cookieOf(value), 'something else as a token')
        for (const value of [login.slice(0, 43), handshake.slice(0, 43), state.slice(0, 43), authId.slice(0, 43)]) {
          const answer = await client.call(
            `${ORIGINS.app}/.gatehouse/callback?code=${encodeURIComponent(value)}&state=${state}`,
          )
          assert.ok(
            headersOf(answer, 'set-cookie').every((line) => !line.includes('SSOTokenID=')),
            'something else as a code',
          )
        }
      },
    },
  },
  RULES,
)

function beyond(): void {
  afterwards(async () => {
    if (aside !== undefined) assert.equal(await aside.stop(), 0)
  })

  test('a token has one spelling: every other one opens nothing', async () => {
    const bob = await rig().signIn('bob')
    const token = tokenOf(bob, 'app')
    const [secret = '', extension = ''] = token.split('*')
    const last = secret.charAt(42)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const lowBits = alphabet.charAt(alphabet.indexOf(last) ^ 1)
    const variants = [
      `${secret}=*${extension}*`,
      `${secret.slice(0, 42)}${lowBits}*${extension}*`,
      `${token} x`,
      `${token}*`,
      `${token}\t\u0085`,
      token.replaceAll('*', '%2A'),
      `${secret}*${extension}`,
      secret,
      `${secret.toLowerCase()}*${extension}*`,
      `${secret}*AAAA*`,
    ].filter((text) => text !== token)
    for (const variant of variants) {
      const mark = rig().mark()
      const answer = await rig().ask(`GET /me HTTP/1.1\r\nHost: app.example.com\r\n${cookieOf(variant)}\r\n`)
      noServerError(rig(), answer, variant)
      assert.notEqual(answer?.status, 200, variant.replace(secret, '…'))
      oneForm(rig(), mark, NOBODY, variant)
    }
    await logout(bob)
    for (const variant of [token, `"${token}"`, ` ${token} `]) await isDead(rig(), cookieOf(variant), 'after logout')
  })
}
