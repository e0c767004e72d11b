import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as passed } from 'node:timers/promises'
import type { EpochMs } from '../base/brand.ts'
import { EPOCH } from '../store/epoch.ts'
import type { Store } from '../store/store.ts'
import { AT_APP, CARRIED, tokenFor, warm } from './carried.fixture.ts'
import { Denials } from './denials.ts'
import { ALICE, createMachine, EMPLOYEES, established, FROM, revocationOf } from './processes.fixture.ts'

test('a new life of the store that no gap told of: its tokens are good at once, those of before are not', async (t) => {
  const { start } = createMachine(t)
  const machine = await start()
  const { token } = await tokenFor(machine, await established(machine.sessions.establish(CARRIED, FROM)))
  await machine.sessions.endAllOfUser({ realm: EMPLOYEES, userId: ALICE.userId }, 'admin', FROM)
  const old = await tokenFor(machine, await established(machine.sessions.establish(CARRIED, FROM)))
  await warm(machine, old.token)
  const { collection, id } = EPOCH
  const { version = 0 } = (await machine.store.documents.get(collection, id)) ?? {}
  assert.ok(await machine.store.documents.replace(collection, id, version, 'a new life'))
  const next = await tokenFor(machine, await established(machine.sessions.establish(CARRIED, FROM)))
  assert.ok(await machine.sessions.resolve(next.token, AT_APP))
  await warm(machine, next.token)
  for (const before of [token, old.token]) assert.equal(await machine.sessions.resolve(before, AT_APP), undefined)
})

test('a store that lost its data and has no new life yet opens nothing that was ended', async (t) => {
  const { start, log, clock } = createMachine(t)
  const machine = await start()
  const { store } = machine
  let lost = false
  let gap = (): void => undefined
  const emptied: Store = {
    ...store,
    ping: () => Promise.resolve(),
    denylist: { load: () => (lost ? Promise.resolve([]) : store.denylist.load()) },
    epochs: { ...store.epochs, all: () => (lost ? Promise.resolve(new Map()) : store.epochs.all()) },
    documents: {
      ...store.documents,
      get: (...name) => (lost ? Promise.resolve(undefined) : store.documents.get(...name)),
    },
    revocations: {
      ...store.revocations,
      tailedAt: () => store.revocations.tailedAt(),
      subscribe: (listener, onGap) => {
        gap = onGap ?? gap
        return store.revocations.subscribe(listener, onGap)
      },
    },
  }
  const denials = new Denials({ store: emptied, clock, log })
  t.after(() => denials.close())
  const claimed = {
    sid: 'ended',
    gen: 1,
    life: (await store.documents.get(EPOCH.collection, EPOCH.id))?.value ?? '',
    epochs: [],
  }
  while (!denials.isComplete(claimed, clock())) await passed()
  denials.deny({ sid: 'ended', belowGen: 9, until: (clock() + 60_000) as EpochMs })
  lost = true
  gap()
  for (let i = 0; i < 50; i++) {
    assert.equal(denials.isComplete(claimed, clock()), false, 'nothing is known of a store without a life')
    await passed()
  }
  assert.ok(denials.refuses(claimed))
})

test('a clock that ran ahead and is set back revives nobody whose end was forgotten meanwhile', async (t) => {
  const { pass, start } = createMachine(t)
  const machine = await start()
  const login = await established(machine.sessions.establish(CARRIED, FROM))
  const { token } = await tokenFor(machine, login)
  const [bob, carol] = [
    await established(machine.sessions.establish({ ...CARRIED, userId: 'u-bob', username: 'bob' }, FROM)),
    await tokenFor(machine, await established(machine.sessions.establish({ ...CARRIED, userId: 'u-carol' }, FROM))),
  ]
  await warm(machine, token)
  await machine.sessions.end(login.session.sid, 'logout', FROM)
  pass(10 * CARRIED.maxLifeMs)
  const seen = revocationOf(machine, bob.session.sid)
  await machine.sessions.end(bob.session.sid, 'max-life', FROM)
  await seen
  pass(-10 * CARRIED.maxLifeMs)
  await warm(machine, carol.token)
  assert.equal(await machine.sessions.resolve(token, AT_APP), undefined)
})

test('a process that begins after a logout knows of it', async (t) => {
  const { start } = createMachine(t)
  const machine = await start()
  const login = await established(machine.sessions.establish(CARRIED, FROM))
  const { token } = await tokenFor(machine, login)
  await machine.sessions.end(login.session.sid, 'logout', FROM)
  const later = await start()
  const other = await tokenFor(later, await established(later.sessions.establish(CARRIED, FROM)))
  await warm(later, other.token)
  assert.ok(await later.sessions.resolve(other.token, AT_APP))
  assert.equal(await later.sessions.resolve(token, AT_APP), undefined)
})
