import assert from 'node:assert/strict'
import {
  IDLE_MS,
  LIFE_MS,
  EMPLOYEES,
  PARTNERS,
  type Scene,
  at,
  sessionOf,
  tokenOf,
  agentToken,
  nextToken,
  PATCH,
  login,
  sidsOf,
  isUnavailable,
  type Rule,
} from './scene.ts'

export function sessionRules(rule: Rule): void {
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

  rule(
    'a partial session is kept as one, has no token, is listed and ended, and counts beside its own kind',
    async (scene) => {
      const { store } = scene
      const half = sessionOf('half', { kind: 'partial', properties: { authQueries: '[]' } })
      assert.deepEqual(await store.sessions.create(half, undefined, { limit: 1, action: 'DESTROY_OLDEST_SESSION' }), {
        kind: 'created',
        ended: [],
      })
      assert.deepEqual(await store.sessions.find('half'), half)
      assert.deepEqual(await store.sessions.ofUser({ bucket: 17, realm: EMPLOYEES, userId: 'u-alice' }), [half])
      assert.deepEqual(await store.sessions.list({ limit: 10 }), [half])
      assert.equal(await store.sessions.resolve('half-login', 17), undefined)
      assert.equal((await store.sessions.end('half', 'login-over'))?.kind, 'partial')
      assert.equal(await store.sessions.end('half', 'admin'), undefined, 'once')
      assert.deepEqual(await store.denylist.load(), [], 'no browser carries it')
    },
  )

  rule('confirms says yes as long as nothing about the session has changed, and resolve agrees', async (scene) => {
    const { clock, store } = scene
    const { sessions } = store
    // A store that has to wait for its answers has no such method.
    if (sessions.confirms === undefined) return
    const session = await login(store, 's1')
    await login(store, 's2')
    const confirms = (hash = 's1-login', seen = session) => sessions.confirms?.(hash, seen.bucket, seen)
    assert.equal(confirms(), true)
    assert.equal(confirms('unknown'), false)
    assert.equal(confirms('s1-login', { ...session, bucket: 18 }), false)
    clock.advance(60_000)
    await sessions.touch([{ sid: 's1', at: at(60_000) }])
    assert.equal(confirms(), false, 'used since')
    const used = await sessions.find('s1')
    assert.ok(used)
    assert.equal(confirms('s1-login', used), true)
    assert.ok(await sessions.upgrade('s1', 1, PATCH, nextToken('s1', 'new-login')))
    assert.equal(confirms('s1-login', used), false, 'the token was replaced')
    assert.equal(confirms('new-login', used), false, 'the session is stronger now')
    assert.equal(confirms('new-login', { ...used, gen: 2 }), true)
    await sessions.end('s1', 'logout')
    assert.equal(confirms('new-login', { ...used, gen: 2 }), false)
    const other = await sessions.find('s2')
    assert.ok(other)
    clock.advance(IDLE_MS)
    assert.equal(confirms('s2-login', other), false, 'expired')
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

export function expiryRules(rule: Rule): void {
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
