import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Provider } from 'oidc-provider'
import { fault } from '../../errors.ts'
import type { RealmName } from '../../base/brand.ts'
import type { EndCause } from '../../telemetry/audit.ts'
import { recordKey } from './adapter.ts'
import type { Shelf } from './records.ts'
import { tellClients } from './session-ends.ts'
import type { SessionRecord } from './sso-sessions.ts'

const REALM = '/staff' as RealmName

/** Clients of which `deaf` cannot be told, and what there is of one session. */
function createBench(record: SessionRecord | undefined) {
  const [removed, told, logged, ended]: [string[], string[], unknown[], string[]] = [[], [], [], []]
  const bench = { record, deaf: new Set<string>(), removed, told, logged, ended }
  const shelf: Shelf = {
    load: () => Promise.resolve(undefined),
    create: () => Promise.resolve(true),
    replace: () => Promise.resolve(true),
    remove: (key) => Promise.resolve(void removed.push(key)),
  }
  const provider = Object.create(Provider.prototype, {
    Client: {
      value: {
        find: (clientId: string) =>
          Promise.resolve({
            backchannelLogoutUri: 'https://rp.example/logout',
            backchannelLogout: (userId: string, sid: string) =>
              bench.deaf.has(clientId)
                ? Promise.reject(fault('GH_UPSTREAM_TIMEOUT'))
                : Promise.resolve(void told.push(`${clientId} ${userId} ${sid}`)),
          }),
      },
    },
  }) as Provider
  const sessions = {
    load: () => Promise.resolve(bench.record),
    replace: (_sid: string, next: SessionRecord) => Promise.resolve(void (bench.record = next)),
    remove: () => Promise.resolve(void (bench.record = undefined)),
  }
  const log = { error: (...said: unknown[]) => void logged.push(said) } as never
  const endEverything = (userId: string) => Promise.resolve(void ended.push(userId))
  const deps = { realm: REALM, provider, sessions, shortLived: shelf, durable: shelf, log, endEverything }
  const tell = (cause: EndCause = 'logout') => tellClients({ sid: 's-1', userId: 'u-alice', cause }, deps)
  return { bench, tell }
}

const TWO: SessionRecord = {
  userId: 'u-alice',
  authorizations: {
    wiki: { sid: 'c-1', grantId: 'g-1' },
    mail: { sid: 'c-2', grantId: 'g-2', persistsLogout: true },
  },
}

test('an end takes the grants that go with the session, and is told again to those alone that did not hear it', async () => {
  const { bench, tell } = createBench(TWO)
  bench.deaf.add('mail')
  await assert.rejects(tell(), /mail could not be told/)
  const key = recordKey(REALM)
  assert.deepEqual([...new Set(bench.removed)], [key('Grant', 'g-1')], 'what outlives the session stays')
  assert.deepEqual(bench.told, ['wiki u-alice c-1'])
  bench.deaf.clear()
  await tell()
  assert.deepEqual(bench.told, ['wiki u-alice c-1', 'mail u-alice c-2'])
  assert.equal(bench.record, undefined)
  await tell()
  assert.equal(bench.told.length, 2, 'nothing is told of a session that nobody knows')
})

test('a client that never hears is given up, and somebody is told', async () => {
  const { bench, tell } = createBench(TWO)
  bench.deaf.add('wiki').add('mail')
  for (let tries = 1; tries < 10; tries++) await assert.rejects(tell())
  await tell()
  assert.equal(bench.record, undefined)
  assert.equal(bench.logged.length, 2)
})

test('where a person may not sign in any more, all that they let clients have ends, once', async () => {
  const { bench, tell } = createBench(TWO)
  bench.deaf.add('mail')
  for (const cause of ['user-disabled', 'user-disabled', 'logout'] as const) await assert.rejects(tell(cause))
  assert.deepEqual(bench.ended, ['u-alice'])
})
