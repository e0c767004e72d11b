import assert from 'node:assert/strict'
import { at, agentToken, nextToken, PATCH, login, sidsOf, times, Hearing, eventually, type Rule } from './scene.ts'

export function logRules(rule: Rule): void {
  rule('each kind of death is reported with its cause and exactly the hashes that died', async ({ store, clock }) => {
    const hearing = new Hearing(store)
    await login(store, 's1')
    await store.sessions.addToken(agentToken('s1', 'app-1'))
    await store.sessions.addToken(agentToken('s1', 'pay-1', 'pay'))
    clock.advance(1_000)
    await store.sessions.addToken(agentToken('s1', 'app-2', 'app', { issuedAt: at(10_000) }))
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
    await store.ping() // by its next answer at the latest the subscription has begun
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
