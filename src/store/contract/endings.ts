import assert from 'node:assert/strict'
import { CLOCK_SKEW_MS, EVERY_GEN, type DenyEntry, type OutboxEntry } from '../store.ts'
import { at, EMPLOYEES, Hearing, LIFE_MS, login, PATCH, type Rule, sidsOf, statelessLogin, times } from './scene.ts'

const entry = (sid: string, belowGen: number): DenyEntry => ({ sid, belowGen, until: at(LIFE_MS) })
const bySid = (entries: readonly DenyEntry[]) => entries.toSorted((a, b) => (a.sid < b.sid ? -1 : 1))

export function denylistRules(rule: Rule): void {
  rule('a stateless session is an index record: found, listed and touched, resolved by nothing', async (scene) => {
    const { store, clock } = scene
    const session = await statelessLogin(store, 's1')
    assert.deepEqual(await store.sessions.find('s1'), session)
    assert.deepEqual(await store.sessions.ofUser({ bucket: 17, realm: EMPLOYEES, userId: 'u-alice' }), [session])
    assert.deepEqual(await store.sessions.list({ limit: 9 }), [session])
    clock.advance(60_000)
    await store.sessions.touch([{ sid: 's1', at: clock.now }])
    assert.equal((await store.sessions.find('s1'))?.lastSeenAt, at(60_000))
    assert.deepEqual(await store.denylist.load(), [])
  })

  rule('ending a stateless session denies every gen of it, in the list and in the log', async ({ store }) => {
    await statelessLogin(store, 's1')
    const hearing = new Hearing(store)
    assert.equal((await store.sessions.end('s1', 'logout'))?.sid, 's1')
    assert.deepEqual(await store.denylist.load(), [entry('s1', EVERY_GEN)])
    const [heard] = await hearing.until(1)
    assert.deepEqual(heard?.deny, entry('s1', EVERY_GEN))
    assert.deepEqual(hearing.facts(), [{ kind: 'session-ended', sid: 's1', cause: 'logout', hashes: [] }])
    assert.equal(await store.sessions.find('s1'), undefined)
  })

  rule('upgrading a stateless session denies the gens below its new one', async ({ store }) => {
    const session = await statelessLogin(store, 's1')
    const hearing = new Hearing(store)
    const upgraded = await store.sessions.upgrade('s1', 1, PATCH, undefined)
    assert.deepEqual(upgraded, { ...session, ...PATCH, gen: 2 })
    assert.deepEqual(await store.denylist.load(), [entry('s1', 2)])
    const [heard] = await hearing.until(1)
    assert.deepEqual([heard?.kind, heard?.deny], ['token-replaced', entry('s1', 2)])
    await store.sessions.upgrade('s1', 2, PATCH, undefined)
    assert.deepEqual(await store.denylist.load(), [entry('s1', 3)])
    await store.sessions.end('s1', 'logout')
    assert.deepEqual(await store.denylist.load(), [entry('s1', EVERY_GEN)])
  })

  rule('the log says whose session ended, wherever it lived', async ({ store }) => {
    await login(store, 's1')
    await statelessLogin(store, 's2')
    const hearing = new Hearing(store)
    for (const sid of ['s1', 's2']) await store.sessions.end(sid, 'logout')
    const owners = (await hearing.until(2)).map((heard) => heard.kind === 'session-ended' && heard.owner)
    assert.deepEqual(
      owners,
      [1, 2].map(() => ({ realm: EMPLOYEES, userId: 'u-alice' })),
    )
  })

  rule('sessions that live in the store never enter the denylist', async ({ store }) => {
    await login(store, 's1')
    const hearing = new Hearing(store)
    await store.sessions.end('s1', 'logout')
    assert.deepEqual(await store.denylist.load(), [])
    const [heard] = await hearing.until(1)
    assert.equal(heard?.deny, undefined)
  })

  rule(
    'an entry is there until the maximum life of its session is over by every clock, and not after',
    async (scene) => {
      const { store, clock } = scene
      await statelessLogin(store, 's1')
      await statelessLogin(store, 's2', { maxExpiresAt: at(1_000) })
      for (const sid of ['s1', 's2']) await store.sessions.end(sid, 'admin')
      clock.advance(1_000 + CLOCK_SKEW_MS - 1)
      // Whoever writes another entry gives back the room of those that are over.
      await statelessLogin(store, 's3')
      await store.sessions.end('s3', 'admin')
      assert.deepEqual(sidsOf(bySid(await store.denylist.load())), ['s1', 's2', 's3'])
      clock.advance(1)
      assert.deepEqual(sidsOf(bySid(await store.denylist.load())), ['s1', 's3'])
      clock.advance(LIFE_MS + CLOCK_SKEW_MS)
      assert.deepEqual(await store.denylist.load(), [])
    },
  )

  rule('the denylist outlives the process that wrote it', async ({ store, open }) => {
    await statelessLogin(store, 's1')
    await statelessLogin(store, 's2')
    await store.sessions.end('s1', 'logout')
    await store.sessions.upgrade('s2', 1, PATCH, undefined)
    await store.close()
    const reopened = await open()
    assert.deepEqual(bySid(await reopened.denylist.load()), [entry('s1', EVERY_GEN), entry('s2', 2)])
  })

  rule('whoever subscribes and then loads misses no entry', async ({ store, open }) => {
    const other = await open()
    const sids = times(100, (i) => `s${i}`)
    await Promise.all(sids.map((sid) => statelessLogin(other, sid)))
    const ending = Promise.all(sids.map((sid) => other.sessions.end(sid, 'logout')))
    const hearing = new Hearing(store)
    const loaded = await store.denylist.load()
    await ending
    await store.sessions.create({ ...(await statelessLogin(other, 'last')), sid: 'mark' }, undefined)
    await store.sessions.end('mark', 'logout')
    while (!hearing.entries.some(({ sid }) => sid === 'mark')) await hearing.until(hearing.heard.length + 1)
    const known = new Set([...sidsOf(loaded), ...hearing.entries.flatMap(({ deny }) => deny?.sid ?? [])])
    assert.deepEqual(
      sids.filter((sid) => !known.has(sid)),
      [],
    )
  })
}

export function epochRules(rule: Rule): void {
  rule('an epoch that was never raised is 0, and each raise adds one', async ({ store }) => {
    assert.deepEqual(await store.epochs.read(['user:a', 'realm:b']), [0, 0])
    assert.equal(await store.epochs.raise('user:a'), 1)
    assert.equal(await store.epochs.raise('user:a'), 2)
    assert.deepEqual(await store.epochs.read(['realm:b', 'user:a', 'user:a']), [0, 2, 2])
    assert.deepEqual(await store.epochs.read([]), [])
    assert.deepEqual(await store.epochs.all(), new Map([['user:a', 2]]))
  })

  rule('keys are what they are: quotes, colons, line ends and scripts of any language', async ({ store }) => {
    const keys = ['user:/e\u0000x', 'a"b', "a'b", '{5}', '日本', 'a\nb', '*']
    for (const key of keys) assert.equal(await store.epochs.raise(key), 1)
    assert.deepEqual(await store.epochs.read(keys), [1, 1, 1, 1, 1, 1, 1])
    assert.deepEqual([...(await store.epochs.all()).keys()].sort(), keys.toSorted())
  })

  rule('a raise is told to every process with its value, in the order of the values', async ({ store, open }) => {
    const other = await open()
    const hearings = [new Hearing(store), new Hearing(other)]
    await Promise.all(times(20, (i) => (i % 2 ? store : other).epochs.raise('user:a')))
    for (const hearing of hearings) {
      await hearing.until(20)
      assert.deepEqual(
        hearing.heard.map((heard) => (heard.kind === 'epoch-raised' ? heard.epoch : undefined)),
        times(20, (i) => ({ key: 'user:a', value: i + 1 })),
      )
    }
  })

  rule('epochs are durable: they neither expire nor go with the process', async ({ store, clock, open }) => {
    await store.epochs.raise('user:a')
    await store.close()
    clock.advance(10 * 365 * 86_400_000)
    const reopened = await open()
    await reopened.ping()
    assert.deepEqual(await reopened.epochs.read(['user:a']), [1])
    assert.equal(await reopened.epochs.raise('user:a'), 2)
  })
}

const facts = (entries: readonly OutboxEntry[]) => entries.map(({ sid, cause }) => `${sid} ${cause}`)

export function outboxRules(rule: Rule): void {
  rule('each end of a session leaves one entry, with who, why and when', async ({ store, clock }) => {
    await login(store, 's1')
    await statelessLogin(store, 's2', { userId: 'u-bob' })
    clock.advance(1_000)
    await store.sessions.end('s1', 'logout')
    await store.sessions.end('s1', 'admin')
    clock.advance(1_000)
    await store.sessions.end('s2', 'user-removed')
    const claimed = await store.outbox.claim(9, 1_000)
    assert.deepEqual(
      claimed.map(({ id: _id, ...rest }) => rest),
      [
        { sid: 's1', realm: EMPLOYEES, userId: 'u-alice', cause: 'logout', at: at(1_000) },
        { sid: 's2', realm: EMPLOYEES, userId: 'u-bob', cause: 'user-removed', at: at(2_000) },
      ],
    )
    assert.equal(new Set(claimed.map(({ id }) => id)).size, 2)
  })

  rule('what one process holds nobody else gets; what it has not done in time comes again', async (scene) => {
    const { store, clock, open } = scene
    const other = await open()
    for (const [i, sid] of ['s1', 's2', 's3'].entries()) {
      await login(store, sid)
      clock.advance(i + 1)
      await store.sessions.end(sid, 'logout')
    }
    const first = await store.outbox.claim(2, 10_000)
    assert.deepEqual(facts(first), ['s1 logout', 's2 logout'])
    assert.deepEqual(facts(await other.outbox.claim(9, 10_000)), ['s3 logout'])
    await store.outbox.done(first.slice(0, 1).map(({ id }) => id))
    clock.advance(9_999)
    assert.deepEqual(await other.outbox.claim(9, 10_000), [])
    clock.advance(1)
    assert.deepEqual(facts(await other.outbox.claim(9, 10_000)), ['s2 logout', 's3 logout'])
  })

  rule('what is done never comes again; unknown ids are passed over', async ({ store, clock }) => {
    await login(store, 's1')
    await store.sessions.end('s1', 'logout')
    const [claimed] = await store.outbox.claim(9, 1_000)
    const id = claimed?.id ?? ''
    await store.outbox.done([id, id, '999999'])
    await store.outbox.done([])
    clock.advance(2_000)
    assert.deepEqual(await store.outbox.claim(9, 1_000), [])
  })

  rule('of many that claim at once each entry goes to one', async ({ store, open }) => {
    const other = await open()
    const sids = times(60, (i) => `s${i}`)
    for (const sid of sids) await login(store, sid)
    await Promise.all(sids.map((sid) => store.sessions.end(sid, 'admin')))
    const claims = await Promise.all(times(20, (i) => (i % 2 ? store : other).outbox.claim(5, 60_000)))
    assert.deepEqual(sidsOf(claims.flat()).sort(), sids.toSorted())
  })

  rule('entries survive their process; after a day without success they are given up', async (scene) => {
    const { store, clock, open } = scene
    await login(store, 's1')
    await store.sessions.end('s1', 'logout')
    await store.close()
    clock.advance(86_400_000 - 1)
    const reopened = await open()
    assert.deepEqual(facts(await reopened.outbox.claim(9, 1)), ['s1 logout'])
    clock.advance(1)
    assert.deepEqual(await reopened.outbox.claim(9, 1), [])
  })
}
