import assert from 'node:assert/strict'
import type { QuotaAction, SessionRecord, Store } from '../store.ts'
import {
  at,
  EMPLOYEES,
  Hearing,
  IDLE_MS,
  LIFE_MS,
  login,
  loginWithin,
  nextToken,
  PARTNERS,
  PATCH,
  type Rule,
  sessionOf,
  sidsOf,
  statelessLogin,
  times,
  tokenOf,
} from './scene.ts'

const ALICE = { bucket: 17, realm: EMPLOYEES, userId: 'u-alice' }
const DESTROYING = ['DESTROY_NEXT_EXPIRING', 'DESTROY_OLDEST_SESSION', 'DESTROY_OLD_SESSIONS'] as const

/** Which of these are left, in order of name. */
async function left(store: Store): Promise<readonly string[]> {
  return sidsOf(await store.sessions.ofUser(ALICE)).toSorted()
}

/** Three sessions of which `old` is the oldest and `brief` is over first. */
async function threeLogins(store: Store): Promise<void> {
  await login(store, 'old', { createdAt: at(-30_000) })
  await login(store, 'brief', { createdAt: at(-20_000), maxIdleMs: 60_000 })
  await login(store, 'young', { createdAt: at(-10_000) })
}

export function quotaRules(rule: Rule): void {
  rule('below the limit no action does anything', async ({ store }) => {
    await threeLogins(store)
    for (const [i, action] of (['DENY_ACCESS', ...DESTROYING] as const).entries()) {
      const session = sessionOf(`new-${i}`, { userId: 'u-bob' })
      assert.equal(await loginWithin(store, { limit: 4, action }, session), 'created,  ended', action)
    }
    assert.deepEqual(await left(store), ['brief', 'old', 'young'])
  })

  rule('DENY_ACCESS refuses, names the running sessions oldest first and writes nothing', async ({ store }) => {
    await threeLogins(store)
    const hearing = new Hearing(store)
    const quota = { limit: 3, action: 'DENY_ACCESS' } as const
    assert.equal(await loginWithin(store, quota, sessionOf('new')), 'refused, old+brief+young running')
    assert.deepEqual(await left(store), ['brief', 'old', 'young'])
    assert.equal(await store.sessions.find('new'), undefined)
    assert.equal(await store.sessions.resolve('new-login', 17), undefined)
    assert.deepEqual(await store.outbox.claim(9, 1_000), [])
    await store.sessions.end('old', 'logout')
    await hearing.until(1)
    assert.deepEqual(sidsOf(hearing.entries), ['old'])
    assert.equal(await loginWithin(store, quota, sessionOf('new')), 'created,  ended')
  })

  rule('DESTROY_OLDEST_SESSION ends what was created first', async ({ store }) => {
    await threeLogins(store)
    const quota = { limit: 3, action: 'DESTROY_OLDEST_SESSION' } as const
    assert.equal(await loginWithin(store, quota, sessionOf('new')), 'created, old ended')
    assert.deepEqual(await left(store), ['brief', 'new', 'young'])
  })

  rule('DESTROY_NEXT_EXPIRING ends what would be over first, by idle or by maximum time', async ({ store }) => {
    await threeLogins(store)
    await login(store, 'short', { maxExpiresAt: at(90_000) })
    const quota = { limit: 4, action: 'DESTROY_NEXT_EXPIRING' } as const
    assert.equal(await loginWithin(store, quota, sessionOf('new-1')), 'created, brief ended')
    assert.equal(await loginWithin(store, quota, sessionOf('new-2')), 'created, short ended')
    assert.deepEqual(await left(store), ['new-1', 'new-2', 'old', 'young'])
  })

  rule('DESTROY_OLD_SESSIONS ends all others once the limit is reached', async ({ store }) => {
    await threeLogins(store)
    await login(store, 'bob', { userId: 'u-bob' })
    const quota = { limit: 3, action: 'DESTROY_OLD_SESSIONS' } as const
    assert.equal(await loginWithin(store, quota, sessionOf('new')), 'created, old+brief+young ended')
    assert.deepEqual(await left(store), ['new'])
    assert.equal((await store.sessions.find('bob'))?.sid, 'bob')
  })

  rule('a limit that was lowered ends as many as it takes', async ({ store }) => {
    for (let i = 0; i < 6; i++) await login(store, `s${i}`, { createdAt: at(i), lastSeenAt: at(i) })
    const oldest = { limit: 3, action: 'DESTROY_OLDEST_SESSION' } as const
    assert.equal(await loginWithin(store, oldest, sessionOf('s6', { createdAt: at(6) })), 'created, s0+s1+s2+s3 ended')
    const next = { limit: 1, action: 'DESTROY_NEXT_EXPIRING' } as const
    assert.equal(await loginWithin(store, next, sessionOf('s7', { createdAt: at(7) })), 'created, s6+s4+s5 ended')
    assert.deepEqual(await left(store), ['s7'])
  })

  rule('what a quota ended is dead, in the log with its hashes and in the outbox', async ({ store }) => {
    await threeLogins(store)
    await store.sessions.addToken(tokenOf('old', 'old-app', { audience: 'agent:app' }))
    const hearing = new Hearing(store)
    await loginWithin(store, { limit: 3, action: 'DESTROY_OLDEST_SESSION' }, sessionOf('new'))
    for (const hash of ['old-login', 'old-app']) assert.equal(await store.sessions.resolve(hash, 17), undefined)
    await hearing.until(1)
    assert.deepEqual(hearing.facts(), [
      { kind: 'session-ended', sid: 'old', cause: 'quota', hashes: ['old-app', 'old-login'] },
    ])
    const [told, ...more] = await store.outbox.claim(9, 1_000)
    assert.deepEqual([told?.sid, told?.cause, more.length], ['old', 'quota', 0])
  })

  rule('expired and ended sessions, other users and other realms do not count', async ({ store, clock }) => {
    await login(store, 'expired', { maxIdleMs: 1_000 })
    await login(store, 'over', { maxExpiresAt: at(1_000) })
    await login(store, 'ended')
    await store.sessions.end('ended', 'logout')
    await login(store, 'elsewhere', { realm: PARTNERS })
    await login(store, 'bob', { userId: 'u-bob' })
    await login(store, 'mine')
    clock.advance(1_000)
    for (const action of ['DENY_ACCESS', ...DESTROYING] as const) {
      const session = sessionOf(`new-${action}`, { lastSeenAt: clock.now })
      assert.equal(await loginWithin(store, { limit: 2, action }, session), 'created,  ended', action)
      await store.sessions.end(session.sid, 'logout')
    }
    assert.deepEqual(await left(store), ['mine'])
  })

  rule('a session in use is not taken for one that is over first', async ({ store, clock }) => {
    await login(store, 'used')
    await login(store, 'unused', { createdAt: at(1_000), lastSeenAt: at(1_000) })
    clock.advance(IDLE_MS - 1_000)
    await store.sessions.touch([{ sid: 'used', at: clock.now }])
    const quota = { limit: 2, action: 'DESTROY_NEXT_EXPIRING' } as const
    const session = sessionOf('new', { createdAt: clock.now, lastSeenAt: clock.now })
    assert.equal(await loginWithin(store, quota, session), 'created, unused ended')
  })

  rule('stateless sessions count and are ended like any other', async ({ store }) => {
    await statelessLogin(store, 'carried', { createdAt: at(-10_000) })
    await login(store, 'kept')
    const quota = { limit: 2, action: 'DESTROY_OLDEST_SESSION' } as const
    assert.equal(await loginWithin(store, quota, sessionOf('s3', { kind: 'stateless' })), 'created, carried ended')
    assert.deepEqual(sidsOf(await store.denylist.load()), ['carried'])
    assert.deepEqual(await left(store), ['kept', 's3'])
  })

  rule('an upgrade never counts and ends nothing', async ({ store }) => {
    const deny = { limit: 1, action: 'DENY_ACCESS' } as const
    assert.equal(await loginWithin(store, deny, sessionOf('s1')), 'created,  ended')
    assert.equal((await store.sessions.upgrade('s1', 1, PATCH, nextToken('s1', 'new-login')))?.gen, 2)
    assert.deepEqual(await left(store), ['s1'])
    assert.equal(await loginWithin(store, deny, sessionOf('s2')), 'refused, s1 running')
  })

  rule('a login that fails ends nobody to make room', async ({ store }) => {
    await threeLogins(store)
    await login(store, 'bob', { userId: 'u-bob' })
    const taken = tokenOf('new', 'bob-login')
    const quota = { limit: 3, action: 'DESTROY_OLD_SESSIONS' } as const
    await assert.rejects(store.sessions.create(sessionOf('new'), taken, quota))
    assert.deepEqual(await left(store), ['brief', 'old', 'young'])
    assert.notEqual(await store.sessions.resolve('old-login', 17), undefined)
  })
}

const PARALLEL = 50
const LIMIT = 5

/** Half of the logins in one process, half in another. */
async function loginsAtOnce(stores: readonly [Store, Store], action: QuotaAction): Promise<readonly string[]> {
  const session = (i: number): SessionRecord => sessionOf(`s${i}`, { maxExpiresAt: at(LIFE_MS + i) })
  return Promise.all(times(PARALLEL, (i) => loginWithin(stores[i % 2 ? 0 : 1], { limit: LIMIT, action }, session(i))))
}

export function quotaRaces(rule: Rule): void {
  rule(`of ${PARALLEL} logins at once DENY_ACCESS lets exactly ${LIMIT} in`, async ({ store, open }) => {
    const answers = await loginsAtOnce([store, await open()], 'DENY_ACCESS')
    assert.equal(answers.filter((answer) => answer.startsWith('created')).length, LIMIT)
    assert.equal((await left(store)).length, LIMIT)
  })

  for (const action of ['DESTROY_NEXT_EXPIRING', 'DESTROY_OLDEST_SESSION'] as const) {
    rule(`${PARALLEL} logins at once leave exactly ${LIMIT} with ${action}`, async ({ store, open }) => {
      const hearing = new Hearing(store)
      const answers = await loginsAtOnce([store, await open()], action)
      assert.ok(answers.every((answer) => answer.startsWith('created')))
      const running = await left(store)
      assert.equal(running.length, LIMIT)
      await hearing.until(PARALLEL - LIMIT)
      const ended = sidsOf(hearing.entries)
      assert.deepEqual([...new Set([...ended, ...running])].sort(), times(PARALLEL, (i) => `s${i}`).sort())
      assert.equal(ended.length, PARALLEL - LIMIT)
    })
  }

  rule(
    `${PARALLEL} logins at once never leave more than ${LIMIT} with DESTROY_OLD_SESSIONS`,
    async ({ store, open }) => {
      await loginsAtOnce([store, await open()], 'DESTROY_OLD_SESSIONS')
      const running = (await left(store)).length
      assert.ok(running >= 1 && running <= LIMIT, `${running} are left`)
    },
  )
}
