import assert from 'node:assert/strict'
import { TOKEN_OVERLAP, type Store } from '../store.ts'
import {
  EMPLOYEES,
  tokenOf,
  agentToken,
  nextToken,
  PATCH,
  login,
  sidsOf,
  at,
  times,
  wins,
  Hearing,
  eventually,
  isUnavailable,
  type Rule,
} from './scene.ts'

export function upgradeRules(rule: Rule): void {
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

async function alive(store: Store, hashes: readonly string[]): Promise<readonly string[]> {
  const resolved = await Promise.all(hashes.map((hash) => store.sessions.resolve(hash, 17)))
  return hashes.filter((_, i) => resolved[i] !== undefined)
}

export function tokenRules(rule: Rule): void {
  rule('a restricted token resolves beside the login token', async ({ store }) => {
    const session = await login(store, 's1')
    assert.equal(await store.sessions.addToken(agentToken('s1', 'app-1')), true)
    assert.deepEqual(await store.sessions.resolve('app-1', 17), { session, token: agentToken('s1', 'app-1') })
    assert.notEqual(await store.sessions.resolve('s1-login', 17), undefined)
  })

  rule('a later token for an audience replaces the earlier one, and only that', async ({ store }) => {
    await login(store, 's1')
    await login(store, 's2')
    await store.sessions.addToken(agentToken('s1', 'app-1'))
    await store.sessions.addToken(agentToken('s1', 'pay-1', 'pay'))
    await store.sessions.addToken(agentToken('s2', 'app-of-s2'))
    assert.equal(await store.sessions.addToken(agentToken('s1', 'app-2', 'app', { issuedAt: at(10_000) })), true)
    assert.deepEqual(await alive(store, ['app-1', 'app-2', 'pay-1', 'app-of-s2', 's1-login']), [
      ...['app-2', 'pay-1', 'app-of-s2', 's1-login'],
    ])
  })

  rule('tokens of tabs that were opened together stay beside each other, the eight newest', async ({ store }) => {
    await login(store, 's1')
    const hashes = Array.from({ length: 10 }, (_, i) => `app-${i}`)
    for (const [i, hash] of hashes.entries()) {
      await store.sessions.addToken(agentToken('s1', hash, 'app', { issuedAt: at(i) }))
    }
    assert.deepEqual(await alive(store, hashes), hashes.slice(2))
    await store.sessions.addToken(agentToken('s1', 'late', 'app', { issuedAt: at(10_005) }))
    assert.deepEqual(await alive(store, [...hashes, 'late']), [...hashes.slice(6), 'late'])
    assert.deepEqual(sidsOf(await store.sessions.list({ limit: 9 })), ['s1'])
    await store.sessions.end('s1', 'logout')
    assert.deepEqual(await alive(store, [...hashes, 'late']), [])
  })

  rule('a token of a stronger login replaces the weaker ones at once', async ({ store }) => {
    await login(store, 's1')
    await store.sessions.addToken(agentToken('s1', 'weak'))
    await store.sessions.upgrade('s1', 1, PATCH, nextToken('s1', 'new-login'))
    await store.sessions.addToken(agentToken('s1', 'strong', 'app', { gen: 2, authLevel: 2 }))
    assert.deepEqual(await alive(store, ['weak', 'strong']), ['strong'])
  })

  rule('tokens of one audience can be removed, and are in the log; all others stay', async ({ store }) => {
    const hearing = new Hearing(store)
    const session = await login(store, 's1')
    for (const token of [agentToken('s1', 'app-1'), agentToken('s1', 'app-2'), agentToken('s1', 'pay-1', 'pay')]) {
      await store.sessions.addToken(token)
    }
    assert.equal(await store.sessions.removeTokens('s1', 'agent:app'), true)
    assert.deepEqual(await alive(store, ['app-1', 'app-2', 'pay-1', 's1-login']), ['pay-1', 's1-login'])
    assert.deepEqual(await store.sessions.find('s1'), session)
    assert.equal(await store.sessions.removeTokens('s1', 'agent:app'), false)
    assert.equal(await store.sessions.removeTokens('s9', 'agent:app'), false)
    await hearing.until(1)
    assert.deepEqual(hearing.facts(), [
      { kind: 'token-replaced', sid: 's1', cause: 'removed', hashes: ['app-1', 'app-2'] },
    ])
  })

  rule('no token is added to an ended or unknown session', async ({ store }) => {
    await login(store, 's1')
    await store.sessions.end('s1', 'logout')
    assert.equal(await store.sessions.addToken(agentToken('s1', 'app-1')), false)
    assert.equal(await store.sessions.addToken(agentToken('s9', 'app-9')), false)
    assert.equal(await store.sessions.resolve('app-1', 17), undefined)
  })
}

export function endRules(rule: Rule): void {
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

export function sessionRaces(rule: Rule): void {
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

  rule('of 100 parallel handshakes of one agent eight tokens stay', async ({ store, open }) => {
    const other = await open()
    await login(store, 's1')
    await Promise.all(times(100, (i) => (i % 2 ? store : other).sessions.addToken(agentToken('s1', `app-${i}`))))
    const resolved = await Promise.all(times(100, (i) => store.sessions.resolve(`app-${i}`, 17)))
    assert.equal(wins(resolved), TOKEN_OVERLAP.atMost)
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
