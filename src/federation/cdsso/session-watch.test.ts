import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochMs } from '../../base/brand.ts'
import type { Session } from '../../session/session.ts'
import { createSessionWatch, type Standing } from './session-watch.ts'

const session = { sid: 'one' } as Session

function watchOf() {
  const state = { now: 1_000_000, says: 'live' as Standing, asked: 0 }
  const watch = createSessionWatch({
    rules: { recheck: 10_000, grace: 15_000 },
    clock: () => state.now as EpochMs,
    ask: () => {
      state.asked++
      return Promise.resolve(state.says)
    },
  })
  return { state, watch }
}

const UNAVAILABLE = { code: 'GH_DIRECTORY_UNAVAILABLE' }

test('the provider’s word counts for a moment, and is asked for again after it, once for all who wait', async () => {
  const { state, watch } = watchOf()
  assert.deepEqual(await Promise.all([watch.standing(session), watch.standing(session)]), ['live', 'live'])
  assert.equal(state.asked, 1)
  state.now += 9_999
  assert.equal(watch.standing(session), 'live', 'at once, without a question')
  state.now += 1
  state.says = 'over'
  assert.equal(await watch.standing(session), 'over')
  assert.equal(state.asked, 2)
  assert.equal(await watch.standing(session), 'over', 'what is over is in no grace')
})

test('a provider that is away is asked once a second; sessions go on for the grace from when it was heard last', async () => {
  const { state, watch } = watchOf()
  watch.confirmed('one')
  state.says = 'unknown'
  state.now += 10_000
  assert.equal(await watch.standing(session), 'unconfirmed')
  assert.equal(watch.standing(session), 'unconfirmed')
  assert.equal(state.asked, 1)
  state.now += 14_999
  assert.equal(await watch.standing(session), 'unconfirmed')
  state.now += 1
  await assert.rejects(async () => watch.standing(session), UNAVAILABLE)
  state.now += 1_000
  await assert.rejects(async () => watch.standing(session), UNAVAILABLE)
  assert.equal(state.asked, 3, 'grace is never renewed by an answer that did not come')
  state.now += 1_000
  state.says = 'live'
  assert.equal(await watch.standing(session), 'live')
})

test('a session that this process has never heard of gets no grace', async () => {
  const { state, watch } = watchOf()
  state.says = 'unknown'
  await assert.rejects(async () => watch.standing(session), UNAVAILABLE)
})
