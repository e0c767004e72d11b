import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RealmName } from '../../base/brand.ts'
import { fault } from '../../errors.ts'
import { createProviderSessions } from './provider-sessions.ts'
import { MARK, markText, sidHash } from './session-mark.ts'

test('a logout that met a fault counts when it is sent again, and then never more', async () => {
  const used = new Set<string>()
  const ended: string[] = []
  let isBroken = true
  const mark = markText({ provider: 'corp', sid: sidHash('theirs'), tokens: '' })
  const sessions = createProviderSessions({
    realm: '/staff' as RealmName,
    name: 'corp',
    client: { readLogoutToken: (jti: string) => Promise.resolve({ sub: undefined, sid: 'theirs', jti }) },
    store: {
      versioned: { load: () => Promise.resolve({ value: 'u-alice', version: 1 }) },
      oneTime: {
        put: (_: string, key: string) => Promise.resolve(used.size !== used.add(key).size),
        take: (_: string, key: string) => Promise.resolve(used.delete(key) ? '' : undefined),
      },
    },
    sessions: {
      ofUser: () => Promise.resolve([{ sid: 's-1', properties: { [MARK]: mark } }]),
      end: (sid: string) =>
        isBroken ? Promise.reject(fault('GH_STORE_UNAVAILABLE')) : Promise.resolve(ended.push(sid) > 0),
    },
  } as never)
  await assert.rejects(sessions.signedOut('jti-1'))
  isBroken = false
  assert.equal(await sessions.signedOut('jti-1'), true)
  assert.deepEqual(ended, ['s-1'])
  assert.equal(await sessions.signedOut('jti-1'), false)
})
