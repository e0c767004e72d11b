import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT_APP, CARRIED, PROOF, tokenFor, warm, watched } from './carried.fixture.ts'
import { createMachine, established, FROM, revocationOf } from './processes.fixture.ts'
import { epochKeys } from './stateless-claims.ts'

test('a navigation after a quarter of the idle time gets another token, whose idle time begins anew', async (t) => {
  const { pass, start } = createMachine(t)
  const machine = await start()
  const { sessions } = machine
  const { session, token } = await tokenFor(machine, await established(sessions.establish(CARRIED, FROM)))
  pass(CARRIED.maxIdleMs / 4 - 1)
  assert.equal(sessions.renew(token, session), undefined)
  pass(1)
  const fresh = sessions.renew(token, session)
  assert.ok(fresh)
  assert.notEqual(fresh.slice(0, 43), token.slice(0, 43), 'a secret of its own')
  const renewed = await sessions.resolve(fresh, AT_APP)
  assert.deepEqual(
    { ...renewed, lastSeenAt: 0, idleExpiresAt: 0, stateless: 0 },
    { ...session, origin: renewed?.origin, lastSeenAt: 0, idleExpiresAt: 0, stateless: 0 },
  )
  assert.equal(renewed?.idleExpiresAt, session.idleExpiresAt + CARRIED.maxIdleMs / 4)
  assert.equal(sessions.renew(fresh, renewed), undefined)
  assert.equal(sessions.renew(token, { ...session, unconfirmed: true }), undefined, 'not on grace')
  await sessions.end(session.sid, 'logout', FROM)
  assert.equal(await sessions.resolve(fresh, AT_APP), undefined, 'it ends with its session')
})

test('a renewed token outlives neither "end all" nor the maximum life of its session', async (t) => {
  const { pass, start } = createMachine(t)
  const machine = await start()
  const { sessions } = machine
  const draft = { ...CARRIED, maxLifeMs: 25 * 60_000, maxIdleMs: 20 * 60_000 }
  const { session, token } = await tokenFor(machine, await established(sessions.establish(draft, FROM)))
  pass(10 * 60_000)
  await machine.store.epochs.raise(epochKeys(session)[0])
  const laundered = sessions.renew(token, session)
  assert.ok(laundered)
  assert.equal(await sessions.resolve(laundered, AT_APP), undefined)
  const second = await tokenFor(machine, await established(sessions.establish(draft, FROM)))
  pass(20 * 60_000 - 1)
  const last = sessions.renew(second.token, second.session)
  assert.ok(last && (await sessions.resolve(last, AT_APP)))
  pass(5 * 60_000 + 1)
  await warm(machine, (await tokenFor(machine, await established(sessions.establish(CARRIED, FROM)))).token)
  assert.equal(sessions.resolve(last, AT_APP), undefined, 'without a word from the store')
})

test('a step-up after a renewal: neither the token nor what it was renewed to opens anything, or is renewed again', async (t) => {
  const { pass, start } = createMachine(t)
  const [here, there] = [await start(), await start()]
  const login = await established(here.sessions.establish(CARRIED, FROM))
  const child = await tokenFor(here, login)
  for (const process of [here, there]) await warm(process, child.token)
  pass(CARRIED.maxIdleMs / 4)
  const renewed = {
    login: there.sessions.renew(login.token, login.session) ?? assert.fail(),
    child: there.sessions.renew(child.token, child.session) ?? assert.fail(),
  }
  const session = (await here.sessions.resolve(renewed.login, 'login')) ?? assert.fail()
  const seen = revocationOf(there, session.sid)
  const upgraded = (await here.sessions.upgrade(session, PROOF, FROM)) ?? assert.fail()
  await seen
  assert.deepEqual([upgraded.session.sid, upgraded.session.gen, upgraded.session.authLevel], [session.sid, 2, 2])
  pass(CARRIED.maxIdleMs / 4)
  for (const { sessions } of [here, there]) {
    for (const token of [login.token, renewed.login]) {
      assert.equal(await sessions.resolve(token, 'login'), undefined)
      // A request that came before the step-up and is answered after it.
      assert.equal(sessions.renew(token, login.session), undefined)
    }
    for (const token of [child.token, renewed.child]) {
      assert.equal(await sessions.resolve(token, AT_APP), undefined)
      assert.equal(sessions.renew(token, child.session), undefined)
    }
    assert.ok(sessions.renew(upgraded.token, upgraded.session))
  }
})

test('requests that are no navigations keep the session alive too: the store knows of them', async (t) => {
  const { pass, start } = createMachine(t)
  const here = await start()
  const { state, store } = watched(here.store)
  const there = await start({ carried: { store } })
  const draft = { ...CARRIED, maxIdleMs: 120_000 }
  const used = await tokenFor(here, await established(here.sessions.establish(draft, FROM)))
  const unused = await tokenFor(here, await established(here.sessions.establish(draft, FROM)))
  await warm(there, used.token)
  pass(90_000)
  here.sessions.touch(used.session)
  await here.sessions.close()
  pass(30_000)
  await warm(there, used.token)
  assert.equal(await there.sessions.resolve(unused.token, AT_APP), undefined)
  const alive = await there.sessions.resolve(used.token, AT_APP)
  assert.equal(alive?.lastSeenAt, used.session.createdAt + 90_000)
  state.asked = 0
  assert.ok(there.sessions.resolve(used.token, AT_APP))
  assert.equal(state.asked, 0, 'what the store said is remembered')
  assert.ok(there.sessions.renew(used.token, alive), 'and the next navigation leaves with another token')
  pass(90_000)
  assert.equal(await there.sessions.resolve(used.token, AT_APP), undefined)
})
