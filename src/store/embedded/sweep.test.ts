import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochMs } from '../../base/brand.ts'
import { openEmbeddedStore } from './open.ts'
import { freshSession, recordedLog, scratchPath } from './scratch.fixture.ts'

const HOUR_MS = 3_600_000

test('a clock that ran ahead and is set back finds the ends of sessions that browsers carry', async (t) => {
  let now = 1_800_000_000_000 as EpochMs
  const store = await openEmbeddedStore({ path: scratchPath(t), clock: () => now, log: recordedLog() })
  t.after(() => store.close())
  const login = async (sid: string): Promise<EpochMs> => {
    const session = { ...freshSession(sid, now), kind: 'stateless' as const }
    await store.sessions.create(session, undefined)
    return session.maxExpiresAt
  }
  const maxExpiresAt = await login('s1')
  await store.sessions.end('s1', 'logout')
  const ahead = maxExpiresAt - now + 20 * HOUR_MS
  now = (now + ahead) as EpochMs
  // Each batch of writes is followed by a look at what is over.
  for (const sid of ['s2', 's3']) await login(sid)
  assert.deepEqual(await store.denylist.load(), [])
  now = (now - ahead) as EpochMs
  assert.deepEqual(
    (await store.denylist.load()).map(({ sid }) => sid),
    ['s1'],
  )
})
