import assert from 'node:assert/strict'
import { freePorts, startServer, type RedisServer } from '../../src/store/redis/redis-server.fixture.ts'
import { until } from '../until.ts'
import { calm, isDead, upstreamSilent } from './oracles.ts'
import { startLyingRelay, type LyingRelay, type Treatment } from './redis-relay.ts'
import { ORIGINS, PASSWORDS } from './rig-config.ts'
import { startRig, TOKEN_COOKIE, type Rig, type SignedIn } from './rig.ts'
import { isNoToken, opensTheClub } from './stateless.ts'
import { atLast, type Runner, type Vector } from './suite.ts'
import { headersOf, Wire, type WireAnswer } from './wire.ts'

/** As the sample has it, in milliseconds. */
const COMMAND_TIMEOUT_MS = 1_000
const PATIENT = { withinMs: 60_000 }
/** Of confirmed sessions on ordinary paths. */
const GRACE_MS = 15_000

interface OnRedis {
  readonly rig: Rig
  readonly redis: RedisServer
  readonly relay: LyingRelay
}

let scene: Promise<OnRedis> | undefined

async function setScene(): Promise<OnRedis> {
  const [port = 0] = await freePorts(1)
  const redis = await startServer({ port })
  const relay = await startLyingRelay(port)
  return { redis, relay, rig: await startRig({ store: JSON.stringify({ url: `redis://127.0.0.1:${relay.port}` }) }) }
}

async function clearScene(): Promise<void> {
  if (scene === undefined) return
  const { rig, relay, redis } = await scene
  const code = await rig.stop()
  relay.close()
  await redis.dispose()
  assert.equal(code, 0, 'the gateway on Redis stops cleanly')
}

/** A gateway whose store is a `redis-server` of its own, behind a relay that can lie; each attack leaves it as it found it. */
async function onRedis(outer: Rig, attack: (scene: OnRedis) => Promise<void>, from?: string): Promise<void> {
  if (scene === undefined) {
    scene = setScene()
    atLast(clearScene)
  }
  const { redis, relay, rig: shared } = await scene
  await signInAgain(shared)
  const rig = shared.anew(from)
  try {
    await attack({ rig, redis, relay })
    await calm(rig, 'afterwards', 2_000)
  } finally {
    outer.tally.sent += rig.tally.sent
    outer.tally.checks += rig.tally.checks
    redis.signal('SIGCONT')
    relay.treat({ kind: 'pass' })
    await rig.shiftClock(0)
    await rig.holdClock('not')
  }
}

function page(rig: Rig, path: string, cookie: string, host = 'app.example.com'): Promise<WireAnswer | undefined> {
  return rig.ask(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/html\r\nSec-Fetch-Mode: navigate\r\n${cookie}\r\n`,
  )
}

async function statusOf(rig: Rig, path: string, cookie = '', host?: string): Promise<number> {
  return (await page(rig, path, cookie, host))?.status ?? 0
}

/** 503 that says when to come again, takes no cookie away, and that the application does not hear of. */
async function unavailable(rig: Rig, cookie: string, about: string): Promise<void> {
  const mark = rig.mark()
  const answer = await page(rig, '/me', cookie)
  rig.tally.checks++
  assert.equal(answer?.status, 503, about)
  assert.ok(answer)
  assert.match(headersOf(answer, 'retry-after').join(), /^\d+$/, about)
  assert.deepEqual(headersOf(answer, 'set-cookie'), [], `${about}: no cookie is touched`)
  upstreamSilent(rig, mark, about)
}

/** A token of the right form and place that this process has never seen. */
function stranger(of: SignedIn, nth: number): string {
  return of.cookie('app').replace(/=[^*]+/, `=${'A'.repeat(38)}${String(nth).padStart(4, '0')}A`)
}

async function loginFails(rig: Rig, about: string): Promise<void> {
  const client = rig.browser()
  rig.tally.sent++
  const form = await client.call(`${ORIGINS.login}/login/employees`)
  const answer = form.status === 200 ? await client.submitLogin(form, 'bob', PASSWORDS.bob) : form
  rig.tally.checks++
  assert.equal(answer.status, 503, about)
  assert.equal(client.cookie('gw.example.com', TOKEN_COOKIE), undefined, about)
}

/** Sends a request and is gone. */
function leave(rig: Rig, bytes: string): void {
  const { socket } = new Wire(rig.dial)
  rig.tally.sent++
  socket.on('error', () => undefined).write(bytes, () => socket.destroy())
}

function works(rig: Rig, bob: SignedIn): Promise<number> {
  return until('it works again', async () => (await statusOf(rig, '/me', bob.cookie('app'))) === 200, PATIENT)
}

const logout = async ({ client }: SignedIn): Promise<number> =>
  (await client.call(`${ORIGINS.login}/logout`, { form: {} })).status

async function signInAgain(rig: Rig): Promise<SignedIn> {
  let bob: SignedIn | undefined
  await until(
    'people can sign in again',
    async () => {
      bob = await rig.signIn('bob').catch(() => undefined)
      return bob !== undefined
    },
    PATIENT,
  )
  assert.ok(bob)
  return bob
}

const WRONG_REPLIES = [
  ':1\r\n',
  '$5\r\nhello\r\n',
  '*2\r\n$4\r\n0000\r\n$4\r\nnone\r\n',
  '*1\r\n*-1\r\n',
  '*0\r\n',
  // Shorter than it says, then nothing.
  '*3\r\n$1\r\na\r\n',
  // One more than was asked for.
  '+OK\r\n+OK\r\n',
  '$99999999999\r\nx',
  'HTTP/1.1 200 OK\r\n\r\n',
  '\0\0\0\0',
]

const REFUSALS = [
  '-MISCONF Redis is configured to save RDB snapshots, but it cannot persist to disk\r\n',
  '-LOADING Redis is loading the dataset in memory\r\n',
  '-MOVED 99999 nowhere:0\r\n',
  '-MOVED\r\n',
  '-NOAUTH Authentication required.\r\n',
]

export const redisRunners: Readonly<Record<string, Runner<Vector>>> = {
  'redis-down-start': (outer) =>
    onRedis(outer, async ({ rig, redis }) => {
      await redis.kill()
      rig.tally.sent++
      rig.tally.checks++
      await assert.rejects(rig.second(), /the gateway ended with 1\n[^]*GH_STORE_UNAVAILABLE/)
      await redis.restart()
    }),
  'redis-down-run': (outer) =>
    onRedis(outer, async ({ rig, redis }) => {
      const bob = await rig.signIn('bob')
      assert.equal(await statusOf(rig, '/me', bob.cookie('app')), 200)
      redis.signal('SIGSTOP')
      await unavailable(rig, stranger(bob, 1), 'a session that was never confirmed')
      assert.equal(await statusOf(rig, '/public/x'), 200, 'not enforced')
      assert.equal(await statusOf(rig, '/readyz', '', 'gw.example.com'), 503)
      await loginFails(rig, 'a login while Redis hangs')
      await rig.shiftClock(GRACE_MS + 1_000)
      await unavailable(rig, bob.cookie('app'), 'after the grace')
      await rig.shiftClock(0)
      redis.signal('SIGCONT')
      await works(rig, bob)
    }),
  'redis-timeout': (outer) =>
    onRedis(outer, async ({ rig, relay }) => {
      const bob = await rig.signIn('bob')
      relay.treat({ kind: 'swallow' })
      await rig.vitals()
      const began = performance.now()
      await Promise.all(Array.from({ length: 300 }, (_, i) => unavailable(rig, stranger(bob, i), 'a tarpit')))
      const took = performance.now() - began
      rig.tally.checks++
      assert.ok(took < 30 * COMMAND_TIMEOUT_MS, `300 answers took ${took} ms: they queued up`)
      const { longestBlockMs } = await rig.vitals()
      assert.ok(longestBlockMs < 1_000, `the loop was blocked for ${longestBlockMs} ms`)
      relay.treat({ kind: 'pass' })
      await works(rig, bob)
    }),
  'redis-readonly': (outer) =>
    onRedis(outer, async ({ rig, redis, relay }) => {
      const admin = redis.client()
      const config = (name: string, value: string) => admin.config('SET', name, value)
      const treat = (treatment: Treatment) => (): Promise<void> => {
        relay.treat(treatment)
        return Promise.resolve()
      }
      const ways = [
        { about: 'READONLY', harm: () => admin.replicaof('127.0.0.1', 1), heal: () => admin.replicaof('NO', 'ONE') },
        { about: 'OOM', harm: () => config('maxmemory', '1'), heal: () => config('maxmemory', '0') },
        {
          about: 'NOREPLICAS',
          harm: () => config('min-replicas-to-write', '9'),
          heal: () => config('min-replicas-to-write', '0'),
        },
        ...REFUSALS.map((reply) => ({
          about: reply,
          harm: treat({ kind: 'answer', reply }),
          heal: treat({ kind: 'pass' }),
        })),
      ]
      for (const { about, harm, heal } of ways) {
        const bob = await signInAgain(rig)
        await harm()
        await loginFails(rig, about)
        const status = await logout(bob)
        await heal()
        await signInAgain(rig)
        // It was done, or it was said that it was not.
        if (status === 303) await isDead(rig, bob.cookie('app'), about)
        else assert.equal(status, 503, about)
      }
    }),
  'redis-garbage': (outer) =>
    onRedis(outer, async ({ rig, relay }) => {
      const bob = await rig.signIn('bob')
      for (const [i, reply] of WRONG_REPLIES.entries()) {
        relay.treat({ kind: 'answer', reply })
        const mark = rig.mark()
        const answer = await page(rig, '/me', stranger(bob, i))
        rig.tally.checks++
        assert.ok([302, 503].includes(answer?.status ?? 0), `${JSON.stringify(reply)}: ${answer?.status}`)
        upstreamSilent(rig, mark, reply)
        await loginFails(rig, reply)
      }
      relay.treat({ kind: 'pass' })
      await works(rig, bob)
    }),
  'redis-desync': (outer) =>
    onRedis(outer, async ({ rig }) => {
      const [alice, bob] = [await rig.signIn('alice'), await rig.signIn('bob')]
      const request = (cookie: string) => `GET /me HTTP/1.1\r\nHost: app.example.com\r\n${cookie}\r\n`
      for (let round = 0; round < 10; round++) {
        // Gone while their session is being read; the reply that comes then is nobody's.
        for (let i = 0; i < 100; i++) leave(rig, request(i % 2 === 0 ? alice.cookie('app') : stranger(bob, i)))
        // What is a second old is read again.
        await rig.shiftClock(2_000 * (round % 2))
        const mark = rig.mark()
        const people = [alice, bob, alice, bob]
        const answers = await Promise.all(people.map((one) => rig.ask(request(one.cookie('app')))))
        assert.deepEqual(
          answers.map((answer) => answer?.status),
          [200, 200, 200, 200],
        )
        await rig.logged()
        rig.tally.checks++
        const names = rig
          .since(mark)
          .flatMap(({ headers }) => headers.filter(([name]) => /^x-remote-user$/i.test(name)))
        const counts = ['alice', 'bob'].map((user) => names.filter(([, value]) => value === user).length)
        assert.equal(counts[1], 2, 'exactly bob’s two requests are bob’s')
        assert.equal((counts[0] ?? 0) + 2, names.length, 'and all others alice’s')
      }
    }),
  'redis-flushall': (outer) =>
    onRedis(outer, async ({ rig, redis }) => {
      const bob = await rig.signIn('bob')
      const dave = await rig.signIn('dave', 'club')
      const token = dave.client.cookie('club.example.com', TOKEN_COOKIE) ?? ''
      const gone = await rig.signIn('dave', 'club')
      assert.equal(await logout(gone), 303)
      const ended = gone.client.cookie('club.example.com', TOKEN_COOKIE) ?? ''
      await redis.client().flushall()
      await until(
        'the store has a new life',
        async () => {
          return (await statusOf(rig, '/me', bob.cookie('app'))) === 302 && !(await opensTheClub(rig, token))
        },
        PATIENT,
      )
      await isDead(rig, bob.cookie('app'), 'a session of before')
      await isNoToken(rig, token, 'a stateless token of before')
      await isNoToken(rig, ended, 'one that was ended before')
      // The keys went with the data: for a moment there is none, and nobody is let in.
      const again = await signInAgain(rig)
      assert.equal(await statusOf(rig, '/me', again.cookie('app')), 200)
    }),
}

/** The kid of the key that a login form is sealed with; empty where there is none. */
function sealedWith({ body }: WireAnswer): string {
  return /name="authId"[^>]*value="([\w-]+)\./.exec(body)?.[1] ?? ''
}

/** For the file of guesses: counters that are lost let a guesser begin anew, and nobody in. */
export const flushedCounters: Runner<Vector> = (outer) =>
  onRedis(
    outer,
    async ({ rig, redis }) => {
      const guess = async (password: string): Promise<number> => {
        const client = rig.browser()
        rig.tally.sent++
        return (await client.submitLogin(await client.call(`${ORIGINS.login}/login/employees`), 'bob', password)).status
      }
      /** How many are judged before the next is told to wait; when the data are gone, 503 comes for a moment, or 403 for a form of before. */
      const judged = async (...passing: readonly number[]): Promise<number> => {
        let count = 0
        await until(
          'guessing is slowed',
          async () => {
            const status = await guess('wrong')
            if (status === 401) count++
            else assert.ok(status === 429 || passing.includes(status), `${status}`)
            return status === 429
          },
          PATIENT,
        )
        return count
      }
      rig.tally.checks++
      // The first delay is of a second, and must not be over before the next guess.
      await rig.holdClock(Date.now())
      assert.equal(await judged(), 6)
      const mallory = rig.browser()
      const old = await mallory.call(`${ORIGINS.login}/login/employees`)
      await redis.client().flushall()
      // One that was being judged when the store had nothing is answered with 503, and counts.
      const anew = await judged(503, 403)
      assert.ok(anew >= 4 && anew <= 6, `counting begins anew, and goes on: ${anew} were judged`)
      // A form is sealed with a key, and the keys went with the data: whoever got it before gets another, and is not judged.
      const keys = new Set(['', sealedWith(old)])
      const login = (): Promise<WireAnswer> => rig.browser().call(`${ORIGINS.login}/login/employees`)
      await until('there are new keys', async () => !keys.has(sealedWith(await login())), PATIENT)
      const again = await mallory.submitLogin(old, 'mallory', PASSWORDS.mallory)
      assert.equal(again.status, 403)
      assert.ok(!keys.has(sealedWith(again)), 'of a new key')
      assert.equal((await mallory.submitLogin(again, 'mallory', PASSWORDS.mallory)).status, 303)
      redis.signal('SIGSTOP')
      assert.equal(await guess(PASSWORDS.bob), 503, 'without counters nobody is let in')
      redis.signal('SIGCONT')
    },
    '127.0.2.250',
  )
