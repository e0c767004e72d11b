import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { code, SECRET, send, stepUpPage, takes, withFactors } from './authenticator.ts'
import { changeLive, IN_FORCE, told, writeLive } from './live-config.ts'
import { calm, isDead, noServerError, upstreamSilent } from './oracles.ts'
import { ORIGINS, PASSWORDS, TOTP_SECRETS, TOTP_STEP } from './rig-config.ts'
import { redisRunners } from './redis.ts'
import { startRig, TOKEN_COOKIE, type Rig } from './rig.ts'
import { isNoToken, opensTheClub } from './stateless.ts'
import { afterwards, runVectors, type Vector } from './suite.ts'
import { headersOf } from './wire.ts'
import type { Page } from './browser.ts'

const SECRET_OF_CLIENT = 'the-secret-of-a-client-0123456789'
const MINUTE = 60_000
const DAY = 86_400_000

/** The process as it is after what went before, and its clock set right afterwards. */
async function fresh(outer: Rig, attack: (rig: Rig) => Promise<void>): Promise<void> {
  const rig = outer.anew()
  try {
    await attack(rig)
    await calm(rig, 'afterwards', 2_000)
  } finally {
    outer.tally.sent += rig.tally.sent
    outer.tally.checks += rig.tally.checks
    await rig.shiftClock(0)
  }
}

/** A rig of its own: keys of the next century would be in everybody's way. */
async function alone(outer: Rig, attack: (rig: Rig) => Promise<void>): Promise<void> {
  const rig = await startRig()
  try {
    await attack(rig)
    await calm(rig, 'afterwards', 2_000)
  } finally {
    outer.tally.sent += rig.tally.sent
    outer.tally.checks += rig.tally.checks
    await rig.stop()
  }
}

/** Waits as long as another process may still trust what has ended. */
async function hears(other: Rig, cookie: string): Promise<void> {
  const until = Date.now() + 1_500
  while (Date.now() < until && (await statusOf(other, '/me', cookie)) === 200);
}

async function statusOf(rig: Rig, path: string, cookie: string): Promise<number> {
  return (await rig.ask(`GET ${path} HTTP/1.1\r\nHost: app.example.com\r\n${cookie}\r\n`))?.status ?? 0
}

/** Asks for `path` again and again while `change` goes on; how often each status came. */
async function under(rig: Rig, path: string, cookie: string, change: () => Promise<void>): Promise<Set<number>> {
  const seen = new Set<number>()
  const done = new AbortController()
  const asking = (async () => {
    while (!done.signal.aborted) seen.add(await statusOf(rig, path, cookie))
  })()
  try {
    await change()
  } finally {
    done.abort()
    await asking
  }
  return seen
}

function edit(rig: Rig, file: string, change: (text: string) => string): void {
  writeLive(rig.root, { [file]: change(readFileSync(join(rig.root, file), 'utf8')) })
}

const REFUSED = 'the changed configuration has errors; the old one stays in force'
const POLICIES = 'realms/employees/policies.yaml'

const main = runVectors<Vector>(
  'store_and_race',
  {
    beyond,
    only: {
      ...redisRunners,
      'code-race': openIdCodeRace,
      'otp-race': (outer) =>
        withFactors(outer, async (rig) => {
          const people = await Promise.all([rig.signIn('bob'), rig.signIn('bob'), rig.signIn('bob'), rig.signIn('bob')])
          const taken = await Promise.all(people.map((person) => takes(rig, person, code(TOTP_SECRETS.bob))))
          assert.equal(taken.filter(Boolean).length, 1)
        }),
      'enrol-race': (outer) =>
        withFactors(outer, async (rig) => {
          const people = [await rig.signIn('mallory'), await rig.signIn('mallory')]
          const pages = await Promise.all(people.map((person) => stepUpPage(person)))
          const ends = await Promise.all(
            people.map((person, i) => {
              rig.tally.sent++
              const page = pages[i]
              assert.ok(page)
              return send(person, page, code((SECRET.exec(page.body)?.[1] ?? '').replaceAll(' ', '')))
            }),
          )
          assert.deepEqual(
            ends.map(({ status }) => status).sort(),
            [200, 303],
            'one, and the other is asked for its code',
          )
          const late = ends.find(({ status }) => status === 200)
          assert.match(late?.body ?? '', /one-time-code/)
          assert.doesNotMatch(late?.body ?? '', SECRET)
        }),
      'denylist-ttl': (outer) =>
        fresh(outer, async (rig) => {
          const { client } = await rig.signIn('dave', 'club')
          const token = client.cookie('club.example.com', TOKEN_COOKIE) ?? ''
          const kept = await rig.signIn('dave', 'club')
          assert.ok(await opensTheClub(rig, token))
          assert.equal((await client.call(`${ORIGINS.login}/logout`, { form: {} })).status, 303)
          // A moment before the maximum life is over: the token verifies still, and nothing but the denylist stands against it.
          const late = 120 * MINUTE - 20_000
          await rig.shiftClock(late)
          assert.ok(
            await opensTheClub(rig, kept.client.cookie('club.example.com', TOKEN_COOKIE) ?? ''),
            'tokens verify still',
          )
          await isNoToken(rig, token, 'in the process of the logout')
          const other = await rig.second(late)
          try {
            await isNoToken(other, token, 'in one that loads the denylist now')
          } finally {
            assert.equal(await other.stop(), 0)
          }
        }),
      async 'sid-as-other-type'(rig) {
        const client = rig.browser()
        const start = await client.call(`${ORIGINS.app}/me`)
        const page = await client.call(start.location ?? '')
        const back = await client.submitLogin(page, 'bob', PASSWORDS.bob)
        const token = client.cookie('gw.example.com', TOKEN_COOKIE) ?? ''
        const code = new URL(back.location ?? '').searchParams.get('code') ?? ''
        for (const value of [code, code.slice(0, 43), `${code.slice(0, 43)}*AgRV*`, token])
          await isDead(rig, `Cookie: ${TOKEN_COOKIE}=${value}\r\n`, 'a key of another kind')
        const state = new URL(start.location ?? '').searchParams.get('state') ?? ''
        const crossed = await client.call(
          `${ORIGINS.app}/.gatehouse/callback?code=${token.slice(0, 43)}&state=${state}`,
        )
        assert.ok(headersOf(crossed, 'set-cookie').every((line) => !/SSOTokenID=./.test(line)))
      },
      'toctou-policy': (outer) =>
        fresh(outer, async (rig) => {
          const bob = await rig.signIn('bob')
          const seen = await under(rig, '/me', bob.cookie('app'), async () => {
            for (let i = 0; i < 4; i++) {
              await told(rig, IN_FORCE, () =>
                edit(rig, POLICIES, (text) =>
                  i % 2 === 0 ? text.replaceAll(':*/me', ':*/you') : text.replaceAll(':*/you', ':*/me'),
                ),
              )
              assert.equal(await statusOf(rig, '/me', bob.cookie('app')), i % 2 === 0 ? 403 : 200, `change ${i}`)
            }
          })
          // A request that is with the application when the policy turns is cut off with 401.
          seen.delete(401)
          assert.deepEqual([...seen].sort(), [200, 403], 'each request sees one version')
          outer.faults.add(REFUSED)
          const good = readFileSync(join(rig.root, POLICIES), 'utf8')
          await told(rig, 'ConfigRefused', () => edit(rig, POLICIES, (text) => `${text}  - name: [\n`))
          assert.equal(await statusOf(rig, '/me', bob.cookie('app')), 200, 'a bad policy leaves the old one')
          assert.equal(await statusOf(rig, '/admin/x', bob.cookie('app')), 403)
          await told(rig, IN_FORCE, () => edit(rig, POLICIES, () => good))
        }),
      'toctou-user': (outer) =>
        fresh(outer, async (rig) => {
          const alice = await rig.signIn('alice')
          for (let i = 0; i < 20; i++) assert.equal(await statusOf(rig, '/admin/x', alice.cookie('app')), 200)
          const regroup = (from: string, to: string): Promise<void> =>
            told(rig, IN_FORCE, () => edit(rig, 'realms/employees/users.yaml', (text) => text.replace(from, to)))
          await regroup('[admins, finance]', '[finance, beside]')
          const mark = rig.mark()
          assert.equal(await statusOf(rig, '/admin/x', alice.cookie('app')), 403, 'no decision outlives the group')
          upstreamSilent(rig, mark, 'a group that was taken away')
          await regroup('[finance, beside]', '[admins, finance]')
        }),
      'config-reload': (outer) =>
        fresh(outer, async (rig) => {
          outer.faults.add(REFUSED)
          const bob = await rig.signIn('bob')
          const path = join(rig.root, POLICIES)
          const whole = readFileSync(path, 'utf8')
          const seen = await under(rig, '/me', bob.cookie('app'), async () => {
            // Cut off where a slow writer would have stopped; nothing at all; then a link to somewhere else and back.
            await told(rig, 'ConfigRefused', () => writeFileSync(path, whole.slice(0, whole.indexOf('actions') + 9)))
            await told(rig, 'ConfigRefused', () => writeFileSync(path, '\0'))
            mkdirSync(join(rig.root, 'elsewhere'))
            const other = join(rig.root, 'elsewhere/policies.yaml')
            writeFileSync(other, whole.replaceAll(':*/ro/', ':*/rw/'))
            await told(rig, IN_FORCE, () => {
              symlinkSync(other, `${path}.link`)
              renameSync(`${path}.link`, path)
            })
            assert.equal(await statusOf(rig, '/ro/x', bob.cookie('app')), 403)
            await told(rig, IN_FORCE, () => {
              rmSync(path)
              writeFileSync(`${other}~`, whole)
              copyFileSync(`${other}~`, path)
            })
          })
          assert.deepEqual([...seen], [200], 'the configuration that was in force stayed until a whole one came')
          assert.equal(await statusOf(rig, '/ro/x', bob.cookie('app')), 200)
          assert.equal(await statusOf(rig, '/me', ''), 401)
        }),
      'clock-fwd': (outer) =>
        fresh(outer, async (rig) => {
          const bob = await rig.signIn('bob')
          await rig.shiftClock(DAY)
          await isDead(rig, bob.cookie('app'), 'a day later')
          const again = await rig.signIn('bob')
          assert.equal(await statusOf(rig, '/me', again.cookie('app')), 200)
          await rig.shiftClock(0)
          const status = await statusOf(rig, '/me', again.cookie('app'))
          assert.ok([200, 401].includes(status), `set back: ${status}`)
          await calm(rig, 'a clock that jumps', 400)
        }),
      'clock-skew-nodes': (outer) =>
        fresh(outer, async (rig) => {
          const other = second
          const skewed = async (offset: number): Promise<void> => {
            await other.shiftClock(offset)
            const bob = await rig.signIn('bob')
            for (let i = 0; i < 5; i++) {
              assert.equal(await statusOf(other, '/me', bob.cookie('app')), 200, `${offset} ms`)
              assert.equal(await statusOf(rig, '/me', bob.cookie('app')), 200)
            }
            // A login that begins at one process and ends at the other.
            const there = await other.signIn('mallory')
            assert.equal(await statusOf(rig, '/me', there.cookie('app')), 200)
            assert.equal((await bob.client.call(`${ORIGINS.login}/logout`, { form: {} })).status, 303)
            await rig.logged()
            await hears(other, bob.cookie('app'))
            await isDead(other, bob.cookie('app'), `after logout, ${offset} ms`)
          }
          try {
            for (const offset of [-30_000, 30_000]) await skewed(offset)
          } finally {
            await other.shiftClock(0)
          }
        }),
      year2038: (outer) =>
        alone(outer, async (rig) => {
          for (const date of ['2038-01-19T03:14:00Z', '2038-01-20T00:00:00Z', '2100-03-01T00:00:00Z']) {
            await rig.shiftClock(Date.parse(date) - Date.now())
            const bob = await rig.signIn('bob')
            assert.equal(await statusOf(rig, '/me', bob.cookie('app')), 200, date)
            assert.equal(await statusOf(rig, '/admin/x', bob.cookie('app')), 403, date)
            assert.equal((await bob.client.call(`${ORIGINS.login}/logout`, { form: {} })).status, 303)
            await isDead(rig, bob.cookie('app'), date)
          }
        }),
    },
  },
  { employees: TOTP_STEP },
)

const RP = 'https://rp.example/cb'

/** A code of the OpenID provider, given out by one process, at both of them at once: one wins, and its tokens end with the others' try. */
async function openIdCodeRace(): Promise<void> {
  const [rig, other] = [main(), second]
  const client = { id: 'rp', secret: SECRET_OF_CLIENT, redirectUris: [RP], consent: 'implied' }
  const files = { 'realms/employees/clients.yaml': JSON.stringify({ clients: [client] }) }
  await Promise.all([changeLive(rig, files), changeLive(other, files)])
  const issuer = `${ORIGINS.login}/oauth2/realms/root/realms/employees`
  const verifier = 'v'.repeat(43)
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const { client: browser } = await rig.signIn('bob')
  const post = (at: Rig, path: string, form: Readonly<Record<string, string>>): Promise<Page> => {
    rig.tally.sent++
    const authorization = `Basic ${Buffer.from(`rp:${SECRET_OF_CLIENT}`).toString('base64')}`
    const headers = { authorization, origin: undefined, 'sec-fetch-site': undefined, 'sec-fetch-mode': undefined }
    return at.browser().call(`${issuer}${path}`, { form, headers })
  }
  const redeem = async (at: Rig): Promise<(from: Rig) => Promise<Page>> => {
    const asked = { client_id: 'rp', redirect_uri: RP, response_type: 'code', scope: 'openid' }
    const query = new URLSearchParams({ ...asked, code_challenge: challenge, code_challenge_method: 'S256' })
    const back = new URL((await browser.call(`${issuer}/authorize?${query.toString()}`)).location ?? '')
    assert.equal(back.origin, new URL(RP).origin, at.root)
    const code = back.searchParams.get('code') ?? ''
    const form = { grant_type: 'authorization_code', code, redirect_uri: RP, code_verifier: verifier }
    return (from) => post(from, '/access_token', form)
  }
  const elsewhere = await (await redeem(rig))(other)
  assert.equal(elsewhere.status, 200, 'a code of one process is good at the other')
  const tokenOf = ({ body }: Page): string => (JSON.parse(body) as { readonly access_token: string }).access_token
  const isActive = async (at: Rig, token: string): Promise<boolean> =>
    (JSON.parse((await post(at, '/introspect', { token })).body) as { readonly active: boolean }).active
  assert.deepEqual(await Promise.all([rig, other].map((at) => isActive(at, tokenOf(elsewhere)))), [true, true])
  const race = await redeem(rig)
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => race(i % 2 === 0 ? rig : other)))
  const won = answers.filter(({ status }) => status === 200)
  assert.equal(won.length, 1)
  for (const answer of answers) noServerError(rig, answer, 'a code')
  for (const at of [rig, other]) assert.equal(await isActive(at, tokenOf(won[0] as Page)), false)
}

/** On the same store, from before the first test. */
let second: Rig

function beyond(): void {
  let started: Rig | undefined
  before(async () => {
    second = started = await main().second()
  })
  afterwards(async () => {
    started?.resume()
    if (started !== undefined) assert.equal(await started.stop(), 0)
  })

  test('one code, shown to two processes at once, gives one token', async () => {
    const [rig, other] = [main(), second]
    for (let round = 0; round < 5; round++) {
      const client = rig.browser()
      const page = await client.call((await client.call(`${ORIGINS.app}/me`)).location ?? '')
      const back = new URL((await client.submitLogin(page, 'bob', PASSWORDS.bob)).location ?? '')
      const name = '__Host-gatehouse-handshake'
      const cookie = `${name}=${client.cookie('app.example.com', name) ?? ''}`
      const bytes = `GET ${back.pathname}${back.search} HTTP/1.1\r\nHost: app.example.com\r\nAccept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nCookie: ${cookie}\r\n\r\n`
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? rig : other).ask(bytes)))
      for (const answer of answers) noServerError(rig, answer, 'a code')
      const given = answers.filter(
        (each) => each && headersOf(each, 'set-cookie').some((line) => /SSOTokenID=./.test(line)),
      )
      assert.equal(given.length, 1)
    }
  })

  test('a logout that races with requests and a login leaves nothing of the old session alive, in either process', async () => {
    const [rig, other] = [main(), second]
    for (let round = 0; round < 5; round++) {
      const bob = await rig.signIn('bob')
      const cookie = bob.cookie('app')
      await Promise.all([
        bob.client.call(`${ORIGINS.login}/logout`, { form: {} }),
        ...Array.from({ length: 10 }, (_, i) => statusOf(i % 2 === 0 ? rig : other, '/me', cookie)),
        rig.signIn('bob'),
      ])
      await isDead(rig, cookie, 'at the process of the logout')
      await hears(other, cookie)
      await isDead(other, cookie, 'at the other process')
    }
  })

  test('a process that was stopped for a while trusts nothing that ended meanwhile', async () => {
    const [rig, other] = [main(), second]
    const bob = await rig.signIn('bob')
    assert.equal(await statusOf(other, '/me', bob.cookie('app')), 200)
    other.pause()
    assert.equal((await bob.client.call(`${ORIGINS.login}/logout`, { form: {} })).status, 303)
    // The first thing it hears when it goes on is the request.
    const waiting = other.ask(`GET /me HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}\r\n`)
    // Longer than it trusts what it has read.
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    const mark = rig.mark()
    other.resume()
    assert.equal((await waiting)?.status, 401)
    upstreamSilent(rig, mark, 'a session that ended while the process slept')
  })
}
