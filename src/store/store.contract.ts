import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { EpochMs, RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { GatehouseError } from '../errors.ts'
import { EPOCH } from './epoch.ts'
import type { Revocation, SessionPatch, SessionRecord, Store, TokenRecord } from './store.ts'

/** One empty set of data that several clients may open, as several processes would. */
export interface ContractData {
  open(): Promise<Store>
  /** Closes every store that is still open and removes the data. */
  dispose(): Promise<void>
}

export type ContractFactory = (clock: Clock) => Promise<ContractData>

const START = 1_750_000_000_000
const IDLE_MS = 30 * 60_000
const LIFE_MS = 120 * 60_000
const EMPLOYEES = '/employees' as RealmName
const PARTNERS = '/partners' as RealmName

class ManualClock {
  #now = START
  readonly read: Clock = () => this.#now as EpochMs

  advance(ms: number): void {
    this.#now += ms
  }

  get now(): EpochMs {
    return this.#now as EpochMs
  }
}

interface Scene {
  readonly clock: ManualClock
  readonly store: Store
  readonly open: () => Promise<Store>
}

const at = (offsetMs: number) => (START + offsetMs) as EpochMs

function sessionOf(sid: string, over: Partial<SessionRecord> = {}): SessionRecord {
  return {
    sid,
    bucket: 17,
    kind: 'cts',
    realm: EMPLOYEES,
    userId: 'u-alice',
    username: 'alice',
    gen: 1,
    authLevel: 1,
    authModules: ['password'],
    authInstant: at(0),
    createdAt: at(0),
    lastSeenAt: at(0),
    maxIdleMs: IDLE_MS,
    maxExpiresAt: at(LIFE_MS),
    origin: { address: '192.0.2.7', device: 'Mozilla/5.0 (Łódź)' },
    properties: { displayName: 'Zoë 🦊', empty: '' },
    ...over,
  }
}

function tokenOf(sid: string, hash: string, over: Partial<TokenRecord> = {}): TokenRecord {
  return { hash, sid, audience: 'login', gen: 1, authLevel: 1, authInstant: at(0), issuedAt: at(0), ...over }
}

const agentToken = (sid: string, hash: string, agent = 'app') => tokenOf(sid, hash, { audience: `agent:${agent}` })

function without<T extends object, K extends keyof T>(record: T, key: K): Omit<T, K> {
  const { [key]: _gone, ...rest } = record
  return rest
}

const nextToken = (sid: string, hash: string) => without(tokenOf(sid, hash, { authLevel: 2 }), 'gen')

const PATCH: SessionPatch = {
  authLevel: 2,
  authModules: ['password', 'totp'],
  authInstant: at(60_000),
  properties: { displayName: 'Zoë', factor: 'totp' },
}

/** A session `sid` whose login token is `sid-login`. */
async function login(store: Store, sid: string, over: Partial<SessionRecord> = {}): Promise<SessionRecord> {
  const session = sessionOf(sid, over)
  await store.sessions.create(session, tokenOf(sid, `${sid}-login`))
  return session
}

type Death = Exclude<Revocation, { readonly kind: 'epoch-raised' }>
const sidsOf = (sessions: readonly { readonly sid: string }[]) => sessions.map(({ sid }) => sid)
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const wins = (answers: readonly unknown[]) => answers.filter((won) => won !== undefined && won !== false).length

/** What one subscriber hears; `until` settles when it has heard that many entries. */
class Hearing {
  readonly heard: Revocation[] = []
  readonly close: () => void
  #waiting: (() => void)[] = []

  constructor(store: Store) {
    const subscription = store.revocations.subscribe((entries) => {
      this.heard.push(...entries)
      for (const wake of this.#waiting.splice(0)) wake()
    })
    this.close = () => subscription.close()
  }

  /** Those of sessions and tokens. */
  get entries(): readonly Death[] {
    return this.heard.filter((entry) => entry.kind !== 'epoch-raised')
  }

  async until(count: number): Promise<readonly Death[]> {
    while (this.heard.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return this.entries
  }

  facts() {
    return this.entries.map(({ kind, sid, cause, hashes }) => ({ kind, sid, cause, hashes: [...hashes].sort() }))
  }
}

async function eventually(check: () => boolean): Promise<void> {
  while (!check()) await pause(5)
}

const isUnavailable = (error: unknown) => error instanceof GatehouseError && error.code === 'GH_STORE_UNAVAILABLE'

type Rule = (name: string, body: (scene: Scene) => Promise<void>) => void

/** Every rule of `Store`, for any driver: `factory` gets the clock that its stores must go by. */
export function storeContract(name: string, factory: ContractFactory): void {
  const rule: Rule = (title, body) => {
    test(title, { timeout: 30_000 }, async (t: TestContext) => {
      const clock = new ManualClock()
      const data = await factory(clock.read)
      t.after(() => data.dispose())
      const open = () => data.open()
      await body({ clock, store: await open(), open })
    })
  }
  suite(`${name}: sessions`, () => {
    sessionRules(rule)
    expiryRules(rule)
    upgradeRules(rule)
    tokenRules(rule)
    endRules(rule)
    sessionRaces(rule)
  })
  suite(`${name}: revocation log`, () => logRules(rule))
  suite(`${name}: one-time values`, () => oneTimeRules(rule))
  suite(`${name}: versioned records`, () => versionedRules(rule))
  suite(`${name}: counters`, () => counterRules(rule))
  suite(`${name}: leases`, () => leaseRules(rule))
  suite(`${name}: documents`, () => documentRules(rule))
  suite(`${name}: life of the store`, () => lifeRules(rule))
}

function sessionRules(rule: Rule): void {
  rule('a created session resolves by its token with every field as it was written', async ({ store }) => {
    const session = await login(store, 's1')
    assert.deepEqual(await store.sessions.resolve('s1-login', 17), { session, token: tokenOf('s1', 's1-login') })
    assert.deepEqual(await store.sessions.find('s1'), session)
    assert.deepEqual(await store.sessions.ofUser({ bucket: 17, realm: EMPLOYEES, userId: 'u-alice' }), [session])
    assert.deepEqual(await store.sessions.list({ limit: 10 }), [session])
  })

  rule('an unknown hash, a sid and the right hash in another bucket resolve to nothing', async ({ store }) => {
    await login(store, 's1')
    assert.equal(await store.sessions.resolve('unknown', 17), undefined)
    assert.equal(await store.sessions.resolve('s1', 17), undefined)
    assert.equal(await store.sessions.resolve('s1-login', 18), undefined)
    assert.equal(await store.sessions.resolve('s1-login', 16), undefined)
    assert.equal(await store.sessions.find('s2'), undefined)
  })

  rule('create is one step: a hash or sid that is taken rejects it and leaves nothing behind', async ({ store }) => {
    const first = await login(store, 's1')
    await assert.rejects(store.sessions.create(sessionOf('s2'), tokenOf('s2', 's1-login')), isUnavailable)
    await assert.rejects(
      store.sessions.create(sessionOf('s1', { username: 'mallory' }), tokenOf('s1', 'x')),
      isUnavailable,
    )
    assert.equal(await store.sessions.find('s2'), undefined)
    assert.equal(await store.sessions.resolve('x', 17), undefined)
    assert.deepEqual((await store.sessions.resolve('s1-login', 17))?.session, first)
  })

  rule('the sessions of a user are those of that realm and immutable id', async ({ store }) => {
    await login(store, 's1')
    await login(store, 's2')
    await login(store, 's3', { realm: PARTNERS })
    await login(store, 's4', { userId: 'u-bob' })
    const found = await store.sessions.ofUser({ bucket: 17, realm: EMPLOYEES, userId: 'u-alice' })
    assert.deepEqual(sidsOf(found).sort(), ['s1', 's2'])
    assert.deepEqual(await store.sessions.ofUser({ bucket: 17, realm: EMPLOYEES, userId: 'alice' }), [])
    assert.deepEqual(await store.sessions.ofUser({ bucket: 16, realm: EMPLOYEES, userId: 'u-alice' }), [])
    assert.deepEqual(await store.sessions.ofUser({ bucket: 18, realm: EMPLOYEES, userId: 'u-alice' }), [])
  })

  rule('listing goes page by page in order of sid, of one realm when asked', async ({ store }) => {
    for (const sid of ['s3', 's1', 's5', 's2']) await login(store, sid)
    await login(store, 's4', { realm: PARTNERS })
    const page = await store.sessions.list({ limit: 2 })
    assert.deepEqual(sidsOf(page), ['s1', 's2'])
    assert.deepEqual(sidsOf(await store.sessions.list({ after: 's2', limit: 2 })), ['s3', 's4'])
    assert.deepEqual(sidsOf(await store.sessions.list({ after: 's4', limit: 2 })), ['s5'])
    assert.deepEqual(sidsOf(await store.sessions.list({ realm: EMPLOYEES, after: 's2', limit: 9 })), ['s3', 's5'])
  })
}

function expiryRules(rule: Rule): void {
  const assertDead = async ({ store }: Scene, sid: string) => {
    assert.equal(await store.sessions.resolve(`${sid}-login`, 17), undefined)
    assert.equal(await store.sessions.find(sid), undefined)
    assert.deepEqual(await store.sessions.ofUser({ bucket: 17, realm: EMPLOYEES, userId: 'u-alice' }), [])
    assert.deepEqual(await store.sessions.list({ limit: 10 }), [])
    assert.equal(await store.sessions.addToken(agentToken(sid, 'late')), false)
    assert.equal(await store.sessions.upgrade(sid, 1, PATCH, nextToken(sid, 'late')), undefined)
  }

  rule('a session is live until its idle time is over by the clock, and dead at that instant', async (scene) => {
    await login(scene.store, 's1')
    scene.clock.advance(IDLE_MS - 1)
    assert.notEqual(await scene.store.sessions.resolve('s1-login', 17), undefined)
    scene.clock.advance(1)
    await assertDead(scene, 's1')
  })

  rule('use does not carry a session past its maximum life', async (scene) => {
    await login(scene.store, 's1')
    for (let i = 0; i < 5; i++) {
      scene.clock.advance(24 * 60_000 - (i === 4 ? 1 : 0))
      await scene.store.sessions.touch([{ sid: 's1', at: scene.clock.now }])
    }
    assert.notEqual(await scene.store.sessions.resolve('s1-login', 17), undefined)
    scene.clock.advance(1)
    await assertDead(scene, 's1')
  })

  rule('touching moves lastSeenAt forward, never back', async ({ store, clock }) => {
    await login(store, 's1')
    await login(store, 's2')
    clock.advance(600_000)
    await store.sessions.touch([
      { sid: 's1', at: at(600_000) },
      { sid: 's2', at: at(60_000) },
    ])
    await store.sessions.touch([{ sid: 's1', at: at(300_000) }])
    assert.equal((await store.sessions.find('s1'))?.lastSeenAt, at(600_000))
    assert.equal((await store.sessions.find('s2'))?.lastSeenAt, at(60_000))
    clock.advance(IDLE_MS - 1)
    assert.deepEqual(sidsOf(await store.sessions.list({ limit: 9 })), ['s1'])
  })

  rule('touching passes over ended and unknown sessions and revives no expired one', async ({ store, clock }) => {
    await login(store, 's1')
    await login(store, 's2')
    await store.sessions.end('s1', 'logout')
    clock.advance(IDLE_MS)
    await store.sessions.touch([
      { sid: 's1', at: clock.now },
      { sid: 's2', at: clock.now },
      { sid: 'unknown', at: clock.now },
    ])
    assert.deepEqual(await store.sessions.list({ limit: 9 }), [])
    assert.deepEqual(sidsOf(await store.sessions.expired(9)), ['s2'])
  })

  rule('a touch from a process whose clock runs ahead counts as now', async ({ store, clock }) => {
    await login(store, 's1')
    clock.advance(1_000)
    await store.sessions.touch([{ sid: 's1', at: at(LIFE_MS) }])
    assert.equal((await store.sessions.find('s1'))?.lastSeenAt, at(1_000))
  })

  rule('expired sessions are named oldest first with the cause, until they are ended', async ({ store, clock }) => {
    await login(store, 'long')
    await login(store, 'idle-late', { maxIdleMs: 20_000 })
    await login(store, 'idle-early', { maxIdleMs: 10_000 })
    await login(store, 'max', { maxExpiresAt: at(15_000) })
    clock.advance(10_000)
    assert.deepEqual(await store.sessions.expired(9), [{ sid: 'idle-early', cause: 'idle' }])
    clock.advance(10_000)
    assert.deepEqual(await store.sessions.expired(9), [
      { sid: 'idle-early', cause: 'idle' },
      { sid: 'max', cause: 'max-life' },
      { sid: 'idle-late', cause: 'idle' },
    ])
    assert.deepEqual(sidsOf(await store.sessions.expired(2)), ['idle-early', 'max'])
    assert.equal((await store.sessions.end('idle-early', 'idle'))?.sid, 'idle-early')
    assert.deepEqual(sidsOf(await store.sessions.expired(9)), ['max', 'idle-late'])
  })
}

function upgradeRules(rule: Rule): void {
  rule(
    'an upgrade replaces the login token, counts gen up and changes only what the patch names',
    async ({ store }) => {
      const session = await login(store, 's1')
      const upgraded = await store.sessions.upgrade('s1', 1, PATCH, nextToken('s1', 'new-login'))
      const expected = { ...session, ...PATCH, gen: 2 }
      assert.deepEqual(upgraded, expected)
      assert.equal(await store.sessions.resolve('s1-login', 17), undefined)
      assert.deepEqual(await store.sessions.resolve('new-login', 17), {
        session: expected,
        token: tokenOf('s1', 'new-login', { gen: 2, authLevel: 2 }),
      })
    },
  )

  rule('an upgrade leaves restricted tokens alone, with the level they were issued with', async ({ store }) => {
    await login(store, 's1')
    await store.sessions.addToken(agentToken('s1', 'app-1'))
    await store.sessions.upgrade('s1', 1, PATCH, nextToken('s1', 'new-login'))
    const resolved = await store.sessions.resolve('app-1', 17)
    assert.deepEqual(resolved?.token, agentToken('s1', 'app-1'))
    assert.equal(resolved.session.gen, 2)
  })

  rule('an upgrade of another gen, an ended or an unknown session changes nothing', async ({ store }) => {
    const session = await login(store, 's1')
    assert.equal(await store.sessions.upgrade('s1', 2, PATCH, nextToken('s1', 'x')), undefined)
    assert.equal(await store.sessions.upgrade('s1', 0, PATCH, nextToken('s1', 'x')), undefined)
    assert.deepEqual((await store.sessions.resolve('s1-login', 17))?.session, session)
    assert.equal(await store.sessions.resolve('x', 17), undefined)
    await store.sessions.end('s1', 'logout')
    assert.equal(await store.sessions.upgrade('s1', 1, PATCH, nextToken('s1', 'x')), undefined)
    assert.equal(await store.sessions.upgrade('s9', 1, PATCH, nextToken('s9', 'x')), undefined)
    assert.equal(await store.sessions.resolve('x', 17), undefined)
  })

  rule('an upgrade whose new hash is taken rejects and keeps the old login token', async ({ store }) => {
    const session = await login(store, 's1')
    await login(store, 's2')
    await assert.rejects(store.sessions.upgrade('s1', 1, PATCH, nextToken('s1', 's2-login')), isUnavailable)
    assert.deepEqual((await store.sessions.resolve('s1-login', 17))?.session, session)
    assert.equal((await store.sessions.resolve('s2-login', 17))?.session.sid, 's2')
  })
}

function tokenRules(rule: Rule): void {
  rule('a restricted token resolves beside the login token', async ({ store }) => {
    const session = await login(store, 's1')
    assert.equal(await store.sessions.addToken(agentToken('s1', 'app-1')), true)
    assert.deepEqual(await store.sessions.resolve('app-1', 17), { session, token: agentToken('s1', 'app-1') })
    assert.notEqual(await store.sessions.resolve('s1-login', 17), undefined)
  })

  rule('a second token for an audience replaces the first, and only that', async ({ store }) => {
    await login(store, 's1')
    await login(store, 's2')
    await store.sessions.addToken(agentToken('s1', 'app-1'))
    await store.sessions.addToken(agentToken('s1', 'pay-1', 'pay'))
    await store.sessions.addToken(agentToken('s2', 'app-of-s2'))
    assert.equal(await store.sessions.addToken(agentToken('s1', 'app-2')), true)
    assert.equal(await store.sessions.resolve('app-1', 17), undefined)
    for (const hash of ['app-2', 'pay-1', 'app-of-s2', 's1-login']) {
      assert.notEqual(await store.sessions.resolve(hash, 17), undefined, hash)
    }
  })

  rule('no token is added to an ended or unknown session', async ({ store }) => {
    await login(store, 's1')
    await store.sessions.end('s1', 'logout')
    assert.equal(await store.sessions.addToken(agentToken('s1', 'app-1')), false)
    assert.equal(await store.sessions.addToken(agentToken('s9', 'app-9')), false)
    assert.equal(await store.sessions.resolve('app-1', 17), undefined)
  })
}

function endRules(rule: Rule): void {
  rule('ending returns the record and kills every token at once', async ({ store }) => {
    const session = await login(store, 's1')
    await login(store, 's2')
    await store.sessions.addToken(agentToken('s1', 'app-1'))
    assert.deepEqual(await store.sessions.end('s1', 'logout'), session)
    for (const hash of ['s1-login', 'app-1']) assert.equal(await store.sessions.resolve(hash, 17), undefined)
    assert.equal(await store.sessions.find('s1'), undefined)
    assert.deepEqual(sidsOf(await store.sessions.list({ limit: 9 })), ['s2'])
    assert.deepEqual(sidsOf(await store.sessions.ofUser({ bucket: 17, realm: EMPLOYEES, userId: 'u-alice' })), ['s2'])
  })

  rule('ending again, or what never was, is undefined and writes no revocation', async ({ store }) => {
    await login(store, 's1')
    await login(store, 's2')
    await store.sessions.end('s1', 'logout')
    const hearing = new Hearing(store)
    assert.equal(await store.sessions.end('s1', 'admin'), undefined)
    assert.equal(await store.sessions.end('s9', 'admin'), undefined)
    await store.sessions.end('s2', 'admin')
    await hearing.until(1)
    assert.deepEqual(sidsOf(hearing.entries), ['s2'])
  })
}

function sessionRaces(rule: Rule): void {
  rule('of 100 parallel ends one gets the record', async ({ store, open }) => {
    const other = await open()
    await login(store, 's1')
    const answers = await Promise.all(times(100, (i) => (i % 2 ? store : other).sessions.end('s1', 'logout')))
    assert.equal(wins(answers), 1)
  })

  rule(
    'of 100 parallel upgrades of one gen one wins, and only its token opens the session',
    async ({ store, open }) => {
      const other = await open()
      await login(store, 's1')
      const answers = await Promise.all(
        times(100, (i) => (i % 2 ? store : other).sessions.upgrade('s1', 1, PATCH, nextToken('s1', `new-${i}`))),
      )
      assert.equal(wins(answers), 1)
      const resolved = await Promise.all(times(100, (i) => store.sessions.resolve(`new-${i}`, 17)))
      assert.deepEqual(
        resolved.map((found) => found !== undefined),
        answers.map((won) => won !== undefined),
      )
      assert.equal((await store.sessions.find('s1'))?.gen, 2)
    },
  )

  rule('of 100 parallel handshakes of one agent exactly one token stays', async ({ store, open }) => {
    const other = await open()
    await login(store, 's1')
    await Promise.all(times(100, (i) => (i % 2 ? store : other).sessions.addToken(agentToken('s1', `app-${i}`))))
    const resolved = await Promise.all(times(100, (i) => store.sessions.resolve(`app-${i}`, 17)))
    assert.equal(wins(resolved), 1)
  })

  rule('a token or an upgrade that races the end never outlives it, and its hash is in the log', async (scene) => {
    const { store } = scene
    const other = await scene.open()
    const hearing = new Hearing(store)
    for (let round = 0; round < 20; round++) {
      const sid = `s${round}`
      await login(store, sid)
      const [added, , upgraded] = await Promise.all([
        other.sessions.addToken(agentToken(sid, `${sid}-app`)),
        store.sessions.end(sid, 'logout'),
        other.sessions.upgrade(sid, 1, PATCH, nextToken(sid, `${sid}-new`)),
      ])
      for (const hash of [`${sid}-login`, `${sid}-app`, `${sid}-new`]) {
        assert.equal(await other.sessions.resolve(hash, 17), undefined, hash)
      }
      await eventually(() => hearing.entries.some((entry) => entry.sid === sid && entry.kind === 'session-ended'))
      const dead = hearing.entries.filter((entry) => entry.sid === sid).flatMap(({ hashes }) => hashes)
      const issued = [`${sid}-login`, ...(added ? [`${sid}-app`] : []), ...(upgraded ? [`${sid}-new`] : [])]
      assert.deepEqual([...dead].sort(), issued.sort())
    }
  })
}

function logRules(rule: Rule): void {
  rule('each kind of death is reported with its cause and exactly the hashes that died', async ({ store, clock }) => {
    const hearing = new Hearing(store)
    await login(store, 's1')
    await store.sessions.addToken(agentToken('s1', 'app-1'))
    await store.sessions.addToken(agentToken('s1', 'pay-1', 'pay'))
    clock.advance(1_000)
    await store.sessions.addToken(agentToken('s1', 'app-2'))
    await store.sessions.upgrade('s1', 1, PATCH, nextToken('s1', 'new-login'))
    clock.advance(1_000)
    await store.sessions.end('s1', 'quota')
    await hearing.until(3)
    assert.deepEqual(hearing.facts(), [
      { kind: 'token-replaced', sid: 's1', cause: 'handshake', hashes: ['app-1'] },
      { kind: 'token-replaced', sid: 's1', cause: 'upgrade', hashes: ['s1-login'] },
      { kind: 'session-ended', sid: 's1', cause: 'quota', hashes: ['app-2', 'new-login', 'pay-1'] },
    ])
    assert.deepEqual(
      hearing.entries.map((entry) => entry.at),
      [at(1_000), at(1_000), at(2_000)],
    )
  })

  rule('a subscription starts with what happens after it, whoever wrote what was before', async ({ store, open }) => {
    const other = await open()
    for (const sid of ['s1', 's2', 's3']) await login(store, sid)
    await other.sessions.end('s1', 'logout')
    const hearing = new Hearing(store)
    await other.sessions.end('s2', 'logout')
    await store.sessions.end('s3', 'logout')
    await hearing.until(2)
    assert.deepEqual(sidsOf(hearing.entries), ['s2', 's3'])
  })

  rule('every subscriber of every process hears each entry exactly once, in one order', async ({ store, open }) => {
    const other = await open()
    const count = 200
    const hearings = [new Hearing(store), new Hearing(store), new Hearing(other)]
    await Promise.all(times(count, (i) => login(store, `s${i}`)))
    await Promise.all(times(count, (i) => (i % 3 === 0 ? store : other).sessions.end(`s${i}`, 'logout')))
    await Promise.all(hearings.map((hearing) => hearing.until(count)))
    await login(store, 'sentinel')
    await store.sessions.end('sentinel', 'logout')
    await Promise.all(hearings.map((hearing) => hearing.until(count + 1)))
    const cursors = hearings.map(({ entries }) => entries.map(({ cursor }) => cursor))
    assert.deepEqual(
      cursors[0],
      [...new Set(cursors[0])].sort((a, b) => a - b),
    )
    for (const hearing of hearings) assert.deepEqual(hearing.entries, hearings[0]?.entries)
    assert.equal(hearings[0]?.entries.length, count + 1)
    assert.equal(new Set(sidsOf(hearings[0].entries)).size, count + 1)
  })

  rule('a closed subscription hears nothing more, others go on', async ({ store }) => {
    const [closed, open] = [new Hearing(store), new Hearing(store)]
    for (const sid of ['s1', 's2']) await login(store, sid)
    await store.sessions.end('s1', 'logout')
    await closed.until(1)
    closed.close()
    await store.sessions.end('s2', 'logout')
    await open.until(2)
    assert.deepEqual(sidsOf(closed.entries), ['s1'])
  })

  rule('a listener that throws takes nothing from the others', async ({ store }) => {
    store.revocations.subscribe(() => {
      throw new Error('a listener of this test fails')
    })
    const hearing = new Hearing(store)
    await login(store, 's1')
    await store.sessions.end('s1', 'logout')
    assert.deepEqual(sidsOf(await hearing.until(1)), ['s1'])
  })

  rule('tailedAt follows the clock while the log can be read, and never runs ahead of it', async ({ store, clock }) => {
    clock.advance(5_000)
    assert.ok(store.revocations.tailedAt() < clock.now)
    await eventually(() => store.revocations.tailedAt() === clock.now)
    clock.advance(60_000)
    await eventually(() => store.revocations.tailedAt() === clock.now)
  })
}

function oneTimeRules(rule: Rule): void {
  rule('a value can be taken once', async ({ store }) => {
    assert.equal(await store.oneTime.put('code', 'k', 'v', 1_000), true)
    assert.equal(await store.oneTime.take('code', 'k'), 'v')
    assert.equal(await store.oneTime.take('code', 'k'), undefined)
    assert.equal(await store.oneTime.put('code', 'k', 'v2', 1_000), true)
  })

  rule('a key that is there already keeps its value', async ({ store }) => {
    await store.oneTime.put('code', 'k', 'first', 1_000)
    assert.equal(await store.oneTime.put('code', 'k', 'second', 1_000), false)
    assert.equal(await store.oneTime.take('code', 'k'), 'first')
  })

  rule('a value is gone after its time, and its key is free again', async ({ store, clock }) => {
    await store.oneTime.put('code', 'k', 'old', 1_000)
    await store.oneTime.put('code', 'untaken', 'old', 1_000)
    clock.advance(999)
    assert.equal(await store.oneTime.put('code', 'k', 'new', 1_000), false)
    clock.advance(1)
    assert.equal(await store.oneTime.take('code', 'untaken'), undefined)
    assert.equal(await store.oneTime.put('code', 'k', 'new', 1_000), true)
    assert.equal(await store.oneTime.take('code', 'k'), 'new')
  })

  rule('namespaces are apart, whatever characters names and keys hold', async ({ store }) => {
    const names = [
      ['a', 'bc'],
      ['ab', 'c'],
      ['a:b', 'c'],
      ['a', 'b:c'],
      ['a', 'B:c'],
      ['', 'a:b:c'],
      ['{a}', 'ü\n"'],
    ] as const
    for (const [namespace, key] of names) assert.equal(await store.oneTime.put(namespace, key, key, 1_000), true)
    for (const [namespace, key] of names) assert.equal(await store.oneTime.take(namespace, key), key)
  })

  rule('of 100 parallel takes by two processes one gets the value', async ({ store, open }) => {
    const other = await open()
    await store.oneTime.put('code', 'k', 'v', 1_000)
    const answers = await Promise.all(times(100, (i) => (i % 2 ? store : other).oneTime.take('code', 'k')))
    assert.deepEqual(
      answers.filter((value) => value !== undefined),
      ['v'],
    )
  })

  rule('of 100 parallel puts by two processes one is first', async ({ store, open }) => {
    const other = await open()
    const answers = await Promise.all(
      times(100, (i) => (i % 2 ? store : other).oneTime.put('code', 'k', `${i}`, 1_000)),
    )
    assert.equal(wins(answers), 1)
    assert.equal(await store.oneTime.take('code', 'k'), `${answers.indexOf(true)}`)
  })
}

function versionedRules(rule: Rule): void {
  rule('versions start at 1 and count each replacement', async ({ store }) => {
    assert.equal(await store.versioned.load('journey', 'k'), undefined)
    assert.equal(await store.versioned.create('journey', 'k', 'one', 1_000), true)
    assert.equal(await store.versioned.create('journey', 'k', 'again', 1_000), false)
    assert.deepEqual(await store.versioned.load('journey', 'k'), { value: 'one', version: 1 })
    assert.equal(await store.versioned.replace('journey', 'k', 1, 'two', 1_000), true)
    assert.deepEqual(await store.versioned.load('journey', 'k'), { value: 'two', version: 2 })
    assert.equal(await store.versioned.replace('journey', 'k', 1, 'late', 1_000), false)
    assert.deepEqual(await store.versioned.load('journey', 'k'), { value: 'two', version: 2 })
  })

  rule('a removed record cannot be loaded or replaced; removing again is no fault', async ({ store }) => {
    await store.versioned.create('journey', 'k', 'one', 1_000)
    await store.versioned.remove('journey', 'k')
    await store.versioned.remove('journey', 'k')
    assert.equal(await store.versioned.load('journey', 'k'), undefined)
    assert.equal(await store.versioned.replace('journey', 'k', 1, 'two', 1_000), false)
  })

  rule('a record ends after its time; a replacement gives it a new one', async ({ store, clock }) => {
    await store.versioned.create('journey', 'k', 'one', 1_000)
    clock.advance(900)
    assert.equal(await store.versioned.replace('journey', 'k', 1, 'two', 1_000), true)
    clock.advance(999)
    assert.equal((await store.versioned.load('journey', 'k'))?.value, 'two')
    clock.advance(1)
    assert.equal(await store.versioned.load('journey', 'k'), undefined)
    assert.equal(await store.versioned.replace('journey', 'k', 2, 'three', 1_000), false)
    assert.equal(await store.versioned.create('journey', 'k', 'anew', 1_000), true)
    assert.deepEqual(await store.versioned.load('journey', 'k'), { value: 'anew', version: 1 })
  })

  rule('namespaces are apart', async ({ store }) => {
    await store.versioned.create('a', 'bc', '1', 1_000)
    assert.equal(await store.versioned.create('ab', 'c', '2', 1_000), true)
    await store.versioned.remove('ab', 'c')
    assert.equal((await store.versioned.load('a', 'bc'))?.value, '1')
    await store.oneTime.put('a', 'bc', 'other kind', 1_000)
    assert.equal((await store.versioned.load('a', 'bc'))?.value, '1')
  })

  rule('of 100 parallel replacements of one version one wins', async ({ store, open }) => {
    const other = await open()
    await store.versioned.create('journey', 'k', 'one', 1_000)
    const answers = await Promise.all(
      times(100, (i) => (i % 2 ? store : other).versioned.replace('journey', 'k', 1, `${i}`, 1_000)),
    )
    assert.equal(wins(answers), 1)
    assert.deepEqual(await other.versioned.load('journey', 'k'), { value: `${answers.indexOf(true)}`, version: 2 })
  })
}

function counterRules(rule: Rule): void {
  rule('a window starts with the first count and is not moved by later ones', async ({ store, clock }) => {
    assert.equal(await store.counters.read('k'), undefined)
    assert.deepEqual(await store.counters.add('k', 1, 1_000), { count: 1, resetsAt: at(1_000) })
    clock.advance(999)
    assert.deepEqual(await store.counters.add('k', 2, 5_000), { count: 3, resetsAt: at(1_000) })
    assert.deepEqual(await store.counters.read('k'), { count: 3, resetsAt: at(1_000) })
    clock.advance(1)
    assert.equal(await store.counters.read('k'), undefined)
    assert.deepEqual(await store.counters.add('k', 1, 1_000), { count: 1, resetsAt: at(2_000) })
  })

  rule('a cleared counter starts anew; others stay', async ({ store }) => {
    await store.counters.add('k', 5, 1_000)
    await store.counters.add('l', 5, 1_000)
    await store.counters.clear('k')
    assert.equal(await store.counters.read('k'), undefined)
    assert.equal((await store.counters.add('k', 1, 1_000)).count, 1)
    assert.equal((await store.counters.read('l'))?.count, 5)
  })

  rule('no count is lost or given out twice among 100 parallel ones of two processes', async ({ store, open }) => {
    const other = await open()
    const answers = await Promise.all(times(100, (i) => (i % 2 ? store : other).counters.add('k', 1, 1_000)))
    assert.deepEqual(
      answers.map(({ count }) => count).sort((a, b) => a - b),
      times(100, (i) => i + 1),
    )
  })
}

function leaseRules(rule: Rule): void {
  rule('one owner holds a lease until it is over, and may renew it', async ({ store, clock }) => {
    assert.equal(await store.leases.acquire('reaper', 'p1', 1_000), true)
    assert.equal(await store.leases.acquire('reaper', 'p2', 1_000), false)
    assert.equal(await store.leases.acquire('rotation', 'p2', 1_000), true)
    clock.advance(900)
    assert.equal(await store.leases.acquire('reaper', 'p1', 1_000), true)
    clock.advance(999)
    assert.equal(await store.leases.acquire('reaper', 'p2', 1_000), false)
    clock.advance(1)
    assert.equal(await store.leases.acquire('reaper', 'p2', 1_000), true)
    assert.equal(await store.leases.acquire('reaper', 'p1', 1_000), false)
  })

  rule('only its holder releases a lease', async ({ store }) => {
    await store.leases.acquire('reaper', 'p1', 1_000)
    for (const owner of ['p0', 'p2']) await store.leases.release('reaper', owner)
    assert.equal(await store.leases.acquire('reaper', 'p2', 1_000), false)
    await store.leases.release('reaper', 'p1')
    assert.equal(await store.leases.acquire('reaper', 'p2', 1_000), true)
  })

  rule('of 50 processes that ask at once one gets the lease', async ({ store, open }) => {
    const other = await open()
    const answers = await Promise.all(
      times(50, (i) => (i % 2 ? store : other).leases.acquire('reaper', `p${i}`, 1_000)),
    )
    assert.equal(wins(answers), 1)
  })
}

function documentRules(rule: Rule): void {
  rule('a document is put once and replaced by whoever knows its version', async ({ store }) => {
    assert.equal(await store.documents.get('keys', 'k'), undefined)
    assert.equal(await store.documents.putIfAbsent('keys', 'k', 'one'), true)
    assert.equal(await store.documents.putIfAbsent('keys', 'k', 'again'), false)
    const document = await store.documents.get('keys', 'k')
    assert.deepEqual({ id: document?.id, value: document?.value }, { id: 'k', value: 'one' })
    const version = document?.version ?? 0
    assert.equal(await store.documents.replace('keys', 'k', version + 1, 'wrong'), false)
    assert.equal(await store.documents.replace('keys', 'k', version, 'two'), true)
    assert.equal(await store.documents.replace('keys', 'k', version, 'late'), false)
    assert.equal(await store.documents.replace('keys', 'other', version, 'none'), false)
    assert.equal((await store.documents.get('keys', 'k'))?.value, 'two')
    assert.notEqual((await store.documents.get('keys', 'k'))?.version, version)
  })

  rule('a collection is listed in order of id, apart from others', async ({ store }) => {
    for (const id of ['b', 'a', 'c']) await store.documents.putIfAbsent('keys', id, `value ${id}`)
    await store.documents.putIfAbsent('other', 'd', 'x')
    await store.documents.remove('keys', 'c')
    await store.documents.remove('keys', 'c')
    assert.deepEqual(
      (await store.documents.list('keys')).map(({ id, value }) => [id, value]),
      [
        ['a', 'value a'],
        ['b', 'value b'],
      ],
    )
    assert.deepEqual(await store.documents.list('none'), [])
  })

  rule('documents do not expire', async ({ store, clock }) => {
    await store.documents.putIfAbsent('keys', 'k', 'one')
    clock.advance(10 * 365 * 86_400_000)
    await store.ping()
    assert.equal((await store.documents.get('keys', 'k'))?.value, 'one')
  })

  rule('of 100 parallel puts and of 100 parallel replacements one wins', async ({ store, open }) => {
    const other = await open()
    const puts = await Promise.all(
      times(100, (i) => (i % 2 ? store : other).documents.putIfAbsent('keys', 'k', `put ${i}`)),
    )
    assert.equal(wins(puts), 1)
    const document = await store.documents.get('keys', 'k')
    assert.equal(document?.value, `put ${puts.indexOf(true)}`)
    const answers = await Promise.all(
      times(100, (i) => (i % 2 ? store : other).documents.replace('keys', 'k', document.version, `${i}`)),
    )
    assert.equal(wins(answers), 1)
    assert.equal((await other.documents.get('keys', 'k'))?.value, `${answers.indexOf(true)}`)
  })
}

function lifeRules(rule: Rule): void {
  rule('every process finds the same epoch of the store', async ({ store, open }) => {
    const epoch = await store.documents.get(EPOCH.collection, EPOCH.id)
    assert.ok(epoch !== undefined && epoch.value.length >= 16)
    assert.deepEqual(await (await open()).documents.get(EPOCH.collection, EPOCH.id), epoch)
  })

  rule('ping settles while the store can be read and written, and rejects when it is closed', async ({ store }) => {
    await store.ping()
    await store.close()
    await assert.rejects(store.ping(), isUnavailable)
  })

  rule('close writes what was accepted before it; another process finds it', async ({ store, open }) => {
    const writes = times(300, (i) => login(store, `s${i}`))
    await Promise.all([...writes, store.close()])
    const other = await open()
    assert.equal((await other.sessions.list({ limit: 1_000 })).length, 300)
  })

  rule('a closed store rejects reads and writes instead of saying no; closing twice is no fault', async ({ store }) => {
    await login(store, 's1')
    await Promise.all([store.close(), store.close()])
    await store.close()
    await assert.rejects(store.sessions.resolve('s1-login', 17), isUnavailable)
    await assert.rejects(store.sessions.end('s1', 'logout'), isUnavailable)
    await assert.rejects(store.oneTime.take('code', 'k'), isUnavailable)
  })
}
