import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Session } from '../../session/session.ts'
import { awaitedBy, meets, type Awaited } from './login-prompt.ts'

const NOW = 100_000

function session(authLevel: number, authInstant: number): Session {
  return { userId: 'u-alice', authLevel, authInstant } as Session
}

const CASES: readonly [
  why: string,
  awaited: Partial<Awaited>,
  session: Session,
  since: number | undefined,
  met: boolean,
][] = [
  ['anybody', {}, session(1, 0), undefined, true],
  ['a level that is there', { level: 2 }, session(2, 0), undefined, true],
  ['a level that is not', { level: 2 }, session(1, NOW), 0, false],
  ['a proof of before', { force: true }, session(1, 49_999), 50_000, false],
  ['a proof of since then', { force: true }, session(1, 50_000), 50_000, true],
  ['a proof, before anybody was sent for one', { force: true }, session(1, NOW), undefined, false],
  ['one that is young enough', { maxAgeMs: 10_000 }, session(1, 90_000), undefined, true],
  ['one that is too old', { maxAgeMs: 10_000 }, session(1, 89_999), undefined, false],
  ['one that was new when it was asked for', { maxAgeMs: 10_000 }, session(1, 80_000), 80_000, true],
  ['alice', { userId: 'u-alice' }, session(1, 0), undefined, true],
  ['bob', { userId: 'u-bob', force: true }, session(1, NOW), 0, false],
]

for (const [why, awaited, found, since, met] of CASES) {
  test(`what a request waits for: ${why}`, () => {
    assert.equal(meets(found, { force: false, ...awaited }, { now: NOW, since }), met)
  })
}

test('is read from what the library has found missing', () => {
  const params = { max_age: '60', login_hint: 'alice' }
  const prompt = { reasons: ['login_prompt', 'acr'], details: { level: 2, sub: { value: 'u-alice' } } }
  assert.deepEqual(awaitedBy({ params, prompt }), {
    ...{ level: 2, maxAgeMs: 60_000, force: true, username: 'alice', userId: 'u-alice' },
  })
  const nothing = { reasons: [], details: {} }
  const open = { level: undefined, maxAgeMs: undefined, force: false, username: undefined, userId: undefined }
  assert.deepEqual(awaitedBy({ params: {}, prompt: nothing }), open)
})
