import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createPasswordHasher } from '../../src/crypto/password-hash.ts'
import { loginForm } from '../client.ts'
import type { Browser, Page } from './browser.ts'
import { changeLive } from './live-config.ts'
import { calm, noServerError, twins } from './oracles.ts'
import { flushedCounters } from './redis.ts'
import { ORIGINS, PASSWORDS } from './rig-config.ts'
import type { Rig, RigOptions } from './rig.ts'
import { runVectors, type Vector } from './suite.ts'

const LOGIN = `${ORIGINS.login}/login/employees`
/** Where one network may fail ten times, and where failing costs nothing. */
const [TIGHT, LENIENT] = [`${ORIGINS.login}/login/tight`, `${ORIGINS.login}/login/lenient`]
const PROXY = '127.0.0.99'
const RULES: RigOptions = {
  hashes: 'costly',
  realms: {
    tight: 'authentication: { throttle: { networkFailures: 10 } }\n',
    lenient: 'authentication: { throttle: { freeFailures: 1000, networkFailures: 1000 } }\n',
  },
  trustedProxies: [`${PROXY}/32`],
}

interface Guess {
  readonly client?: Browser
  readonly headers?: Readonly<Record<string, string>>
  readonly login?: string
}

async function guess(rig: Rig, username: string, password: string, how: Guess = {}): Promise<Page> {
  const { client = rig.browser(), headers = {}, login = LOGIN } = how
  rig.tally.sent++
  const page = await client.submitLogin(await client.call(login), username, password, { headers })
  // Too many at once is said, and nothing else is a fault.
  if (page.status !== 503) noServerError(rig, page, username)
  return page
}

async function statuses(rig: Rig, usernames: readonly string[], login = LOGIN): Promise<readonly number[]> {
  const seen: number[] = []
  for (const username of usernames) seen.push((await guess(rig, username, 'wrong', { login })).status)
  return seen
}

let networks = 0

/** From a network that nobody has guessed from: an account's failures count for each apart. */
async function fresh(outer: Rig, attack: (rig: Rig) => Promise<void>, from = `127.0.2.${++networks}`): Promise<void> {
  const rig = outer.anew(from)
  // Who has to wait waits for a second at first: on a slow machine it would be over before the next guess.
  await rig.holdClock(Date.now())
  try {
    await attack(rig)
    await calm(rig, 'after guessing', 2_000)
  } finally {
    await rig.holdClock('not')
    outer.tally.sent += rig.tally.sent
    outer.tally.checks += rig.tally.checks
  }
}

const rig = runVectors<Vector>(
  'bruteforce',
  {
    beyond,
    only: {
      'per-account': (outer) =>
        fresh(outer, async (rig) => {
          const seen = await statuses(
            rig,
            Array.from({ length: 9 }, () => 'bob'),
          )
          assert.deepEqual(seen.slice(0, 5), [401, 401, 401, 401, 401])
          assert.ok(
            seen.slice(6).every((status) => status === 429),
            seen.join(),
          )
          assert.equal(
            (await guess(rig, 'bob', PASSWORDS.bob)).status,
            429,
            'the right password is not looked at either',
          )
          assert.equal((await guess(rig, 'mallory', PASSWORDS.mallory)).status, 303, 'nobody else is kept out')
        }),
      spray: (outer) =>
        fresh(outer, async (rig) => {
          const names = Array.from({ length: 20 }, (_, i) => `user${i}`)
          const seen = await statuses(rig, names, TIGHT)
          assert.equal(seen.filter((status) => status === 401).length, 10)
          assert.equal(seen.at(-1), 429)
          // The same from another network, all at once.
          const client = rig.browser('127.0.2.240')
          const answers = await Promise.all(names.map((name) => guess(rig, name, 'wrong', { client, login: TIGHT })))
          assert.equal(answers.filter(({ status }) => status === 401).length, 10, 'of twenty at once')
        }),
      'channel-variants': (outer) =>
        fresh(outer, async (rig) => {
          const names = ['bob', 'BOB', ' bob', 'bob ', 'Bob', 'ｂｏｂ', 'bob\u200b', 'bo\u0062', 'bOb']
          const seen = await statuses(rig, [...names, ...names])
          const judged = seen.filter((status) => status === 401).length
          assert.ok(judged <= 5 * 3, `${judged} guesses were judged: spellings share one count, or are no user at all`)
          assert.equal((await guess(rig, 'BOB', 'wrong')).status, 429)
          assert.equal((await guess(rig, 'bob', PASSWORDS.bob)).status, 429)
        }),
      xff: (outer) =>
        fresh(outer, async (rig) => {
          const seen: number[] = []
          for (let i = 0; i < 9; i++) {
            const headers = {
              'x-forwarded-for': `10.0.0.${i}`,
              forwarded: `for=10.1.1.${i}`,
              'x-real-ip': `10.2.2.${i}`,
            }
            seen.push((await guess(rig, 'bob', 'wrong', { headers })).status)
          }
          assert.equal(seen.at(-1), 429)
        }),
      parallel: (outer) =>
        fresh(outer, async (rig) => {
          const answers = await Promise.all(Array.from({ length: 60 }, () => guess(rig, 'bob', 'wrong')))
          const judged = answers.filter(({ status }) => status === 401).length
          assert.ok(judged <= 6, `${judged} of 60 were judged`)
        }),
      'reset-by-success': (outer) =>
        fresh(outer, async (rig) => {
          const seen: number[] = []
          for (let i = 0; i < 8; i++) {
            seen.push((await guess(rig, 'bob', 'wrong')).status)
            assert.equal((await guess(rig, 'mallory', PASSWORDS.mallory)).status, 303)
          }
          assert.equal(seen.at(-1), 429)
        }),
      'lock-dos': (outer) =>
        fresh(outer, async (rig) => {
          // The attacker guesses from another network; bob signs in from his.
          const client = rig.browser('127.0.0.66')
          for (let i = 0; i < 12; i++) await guess(rig, 'bob', 'wrong', { client })
          assert.equal((await guess(rig, 'bob', PASSWORDS.bob)).status, 303)
        }),
      'enum-msg': async (rig) => {
        const known = await guess(rig, 'alice', 'wrong')
        for (const username of ['nobody-here', 'carla', 'dave', 'x'.repeat(100)]) {
          const answer = await guess(rig, username, 'wrong')
          const same = (page: Page, name: string): Page => ({ ...page, body: page.body.replaceAll(name, 'NAME') })
          twins(rig, same(known, 'alice'), same(answer, username), username)
        }
        const disabled = await guess(rig, 'carla', PASSWORDS.carla)
        assert.equal(disabled.status, 401, 'disabled, right password')
      },
      'enum-time': (outer) =>
        fresh(outer, async (rig) => {
          // How long an answer takes is what is computed for it: one comparison, of one cost, whoever it is.
          for (const name of ['bob', 'nobody', 'carla', 'x'.repeat(100)]) {
            await rig.vitals()
            await guess(rig, name, 'wrong', { login: LENIENT })
            rig.tally.checks++
            assert.deepEqual((await rig.vitals()).compared, ['$argon2id$v=19$m=19456,t=2,p=1'], name)
          }
        }),
      'ipv6-64': (outer) => {
        const behindProxy = async (rig: Rig): Promise<void> => {
          const from = async (address: string, i: number): Promise<number> => {
            const headers = { 'x-forwarded-for': address }
            return (await guess(rig, `user${i}`, 'wrong', { headers, login: TIGHT })).status
          }
          const seen: number[] = []
          for (let i = 0; i < 14; i++) seen.push(await from(`2001:db8:1:1:${i}:${i * 7}::${i + 1}`, i))
          assert.equal(seen.filter((status) => status === 401).length, 10)
          assert.equal(seen.at(-1), 429, 'one /64 is one network, whatever address in it is used')
          assert.equal(await from('[2001:DB8:1:1:ffff::9]:443', 20), 429, 'in another spelling')
          assert.equal(await from('2001:db8:1:2::1', 21), 401, 'the /64 beside it is another network')
          assert.equal(await from('::ffff:192.0.2.1', 22), 401)
        }
        return fresh(outer, behindProxy, PROXY)
      },
      'unicode-norm': (outer) =>
        fresh(outer, async (rig) => {
          const [composed, decomposed] = ['pass-\u00e9-word', 'pass-e\u0301-word']
          const file = 'realms/employees/users.yaml'
          const before = readFileSync(join(rig.root, file), 'utf8')
          const hash = await createPasswordHasher().hash(decomposed)
          await changeLive(rig, { [file]: `${before}  - { username: "Zo\u00eb", password: "${hash}" }\n` })
          // One person and one password, however the keyboard writes them.
          for (const username of ['Zo\u00eb', 'Zoe\u0308', 'ZOE\u0308', '\uff3ao\u00eb'])
            for (const password of [composed, decomposed])
              assert.equal((await guess(rig, username, password)).status, 303, username)
          // Compatibility forms and letter case make another password: nothing is thrown away of what it says.
          for (const password of ['pass-e-word', '\uff50ass-\u00e9-word', 'Pass-\u00e9-word', `${composed} `])
            assert.equal((await guess(rig, 'Zo\u00eb', password)).status, 401, password)
        }),
      'captcha-bypass': (outer) =>
        fresh(outer, async (rig) => {
          await statuses(
            rig,
            Array.from({ length: 7 }, () => 'bob'),
          )
          // What slows guessing down is a count, so there is no token whose absence, reuse or value would get past it.
          for (const extra of [
            {},
            { captcha: '', 'g-recaptcha-response': '' },
            { captcha: 'solved', token: 'solved', 'h-captcha-response': 'solved' },
          ]) {
            const client = rig.browser()
            const page = await client.call(LOGIN)
            const { action, form } = loginForm({ ...page, headers: {} }, 'bob', PASSWORDS.bob)
            const answer = await client.call(action, { form: { ...form, ...extra } })
            rig.tally.checks++
            assert.equal(answer.status, 429, Object.keys(extra).join())
          }
        }),
      'nul-password': async (rig) => {
        for (const password of [`${PASSWORDS.mallory}\0x`, `${PASSWORDS.mallory}\0`, PASSWORDS.mallory.slice(0, -1)])
          assert.equal((await guess(rig, 'mallory', password)).status, 401)
        assert.equal((await guess(rig, 'mallory', PASSWORDS.mallory)).status, 303)
      },
      'hash-dos': (outer) =>
        fresh(outer, async (rig) => {
          // Said to whom would have to wait for too many others.
          outer.faults.add('"code":"GH_BUSY"')
          const bob = await rig.signIn('bob')
          await rig.vitals()
          const logins = Promise.all(
            Array.from({ length: 80 }, (_, i) => guess(rig, `flood${i}`, 'x'.repeat(1_000), { login: LENIENT })),
          )
          for (let i = 0; i < 30; i++) assert.equal((await bob.client.call(`${ORIGINS.app}/me`)).status, 200)
          await logins
          const { compared, longestBlockMs } = await rig.vitals()
          rig.tally.checks++
          assert.ok(compared.length > 0, 'by threads of their own')
          assert.ok(longestBlockMs < 500, `others wait ${longestBlockMs} ms`)
        }),
      'redis-flush': flushedCounters,
      'session-per-guess': (outer) =>
        fresh(outer, async (rig) => {
          const before = (await rig.vitals('collected')).rssBytes
          for (let i = 0; i < 200; i++)
            await rig.ask('GET /login/employees HTTP/1.1\r\nHost: gw.example.com\r\nAccept: text/html\r\n\r\n')
          rig.tally.checks++
          assert.ok(
            (await rig.vitals('collected')).rssBytes - before < 60e6,
            'a login page that nobody answers leaves nothing behind',
          )
        }),
    },
  },
  RULES,
)

function beyond(): void {
  test('a password longer than any hash input limit is compared whole', async () => {
    for (const padding of [72, 128, 1_000]) {
      const page = await guess(rig(), `long${padding}`, PASSWORDS.alice + 'x'.repeat(padding))
      assert.equal(page.status, 401)
    }
    const status = (await guess(rig(), 'alice', PASSWORDS.alice + ' '.repeat(3))).status
    assert.equal(status, 401)
  })
}
