import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALICE, createMachine, EMPLOYEES, established, FROM } from './processes.fixture.ts'
import type { Store } from '../store/store.ts'
import { CEILING, quotaFor } from './quota.ts'
import { sessionRulesSchema } from './session-rules.schema.ts'

const rules = sessionRulesSchema.parse({
  quota: { limit: 5, action: 'DENY_ACCESS' },
  quotas: [
    { group: 'kiosk', limit: 1 },
    { group: 'staff', limit: 8 },
    { user: 'alice', limit: 2 },
  ],
})
const limitOf = (username: string, ...groups: readonly string[]) =>
  quotaFor(rules, { username, groups: new Set(groups) })?.limit

test('a value for the user counts before those of their groups, the largest of these before the realm’s', () => {
  assert.equal(limitOf('alice', 'kiosk', 'staff'), 2)
  assert.equal(limitOf('bob', 'kiosk', 'staff'), 8)
  assert.equal(limitOf('bob', 'kiosk'), 1)
  assert.equal(limitOf('bob', 'finance'), 5)
  assert.deepEqual(quotaFor(rules, { username: 'alice', groups: new Set() }), { limit: 2, action: 'DENY_ACCESS' })
})

test('without a quota nobody has a limit, and exceptions from none are refused', () => {
  assert.equal(quotaFor(sessionRulesSchema.parse({}), { username: 'alice', groups: new Set() }), undefined)
  const exceptions = sessionRulesSchema.safeParse({ quotas: [{ user: 'alice', limit: 2 }] })
  assert.deepEqual(exceptions.error?.issues[0]?.path, ['quotas'])
})

test('a limit of nothing and an entry for both a user and a group are refused', () => {
  for (const wrong of [
    { quota: { limit: 0 } },
    { quota: { limit: 2 }, quotas: [{ user: 'a', group: 'b', limit: 1 }] },
  ]) {
    assert.equal(sessionRulesSchema.safeParse(wrong).success, false)
  }
})

test('a login over the quota ends the oldest in every process, with cause quota in the audit log', async (t) => {
  const { audited, pass, start } = createMachine(t)
  const [here, there] = [await start(), await start()]
  const draft = { ...ALICE, quota: { limit: 2, action: 'DESTROY_OLDEST_SESSION' } } as const
  const first = await established(here.sessions.establish(draft, FROM))
  pass(1)
  const second = await established(there.sessions.establish(draft, FROM))
  for (const { sessions } of [here, there]) assert.ok(await sessions.resolve(first.token, 'login'))
  pass(1)
  const third = await established(here.sessions.establish(draft, FROM))
  assert.equal(await here.sessions.resolve(first.token, 'login'), undefined)
  const running = await there.sessions.ofUser({ realm: EMPLOYEES, userId: ALICE.userId })
  assert.deepEqual(
    running.map(({ sid }) => sid),
    [second.session.sid, third.session.sid],
  )
  const ended = audited.flatMap((event) => (event.event === 'SessionEnded' ? [[event.sid, event.cause]] : []))
  assert.deepEqual(ended, [[first.session.sid, 'quota']])
})

test('a login that the quota denies starts nothing and says what runs, with device and address', async (t) => {
  const { audited, start } = createMachine(t)
  const { sessions } = await start()
  const draft = { ...ALICE, quota: { limit: 1, action: 'DENY_ACCESS' } } as const
  const userAgent = `Mozilla/5.0 ${'x'.repeat(500)}`
  const { session } = await established(sessions.establish(draft, { ...FROM, userAgent }))
  const denied = await sessions.establish(draft, FROM)
  assert.ok(denied.kind === 'quota-reached')
  assert.deepEqual(denied.running, [session])
  assert.deepEqual(session.origin, { address: FROM.clientIp, device: userAgent.slice(0, 200) })
  assert.deepEqual(
    audited.map((event) => [event.event, 'running' in event ? event.running : undefined]),
    [
      ['SessionCreated', undefined],
      ['QuotaReached', 1],
    ],
  )
})

test('where no quota is set a person has a thousand sessions at most: the oldest makes room (store held up by its own users)', async (t) => {
  const { start } = createMachine(t)
  const { store } = await start()
  const counted: unknown[] = []
  const create: Store['sessions']['create'] = (session, token, quota) => {
    counted.push(quota)
    return store.sessions.create(session, token, quota)
  }
  const { sessions } = await start({ store: { ...store, sessions: { ...store.sessions, create } } })
  await established(sessions.establish(ALICE, FROM))
  await established(sessions.establish({ ...ALICE, quota: { limit: 5, action: 'DENY_ACCESS' } }, FROM))
  assert.deepEqual(counted, [CEILING, { limit: 5, action: 'DENY_ACCESS' }])
  assert.deepEqual(CEILING, { limit: 1_000, action: 'DESTROY_OLDEST_SESSION' })
})
