import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bucketOf, partialBucketOf } from './bucket.ts'
import { authQueriesOf, createPartialSessions } from './partial.ts'
import { ALICE, createMachine, EMPLOYEES, established, FROM } from './processes.fixture.ts'
import { hashSecret, newToken } from './token.ts'

const QUERY = { module: 'totp', type: 'totp', or: [], enrols: false }
const HALF = { ...ALICE, authQueries: [QUERY], lifeMs: 300_000 }
const OWNER = { realm: EMPLOYEES, userId: ALICE.userId }

async function setup(t: Parameters<typeof createMachine>[0]) {
  const machine = createMachine(t)
  const { store, sessions } = await machine.start()
  const partials = createPartialSessions({ store, clock: machine.clock })
  return { ...machine, store, sessions, partials }
}

test('a partial session says what is outstanding, and is over by itself soon', async (t) => {
  const { store, partials, pass } = await setup(t)
  const sid = (await partials.begin(HALF, { ...FROM, userAgent: 'Firefox' })) ?? ''
  const record = await store.sessions.find(sid)
  assert.ok(record)
  assert.deepEqual(authQueriesOf(record), [QUERY])
  assert.deepEqual(
    [record.username, record.authModules, record.origin],
    ['alice', ['password'], { address: '192.0.2.7', device: 'Firefox' }],
  )
  assert.equal(await partials.isLive(sid), true)
  pass(300_000)
  assert.equal(await partials.isLive(sid), false)
})

test('it opens nothing: no list of a person, no name and no token leads to it', async (t) => {
  const { store, sessions, partials, clock } = await setup(t)
  const sid = (await partials.begin(HALF, FROM)) ?? ''
  assert.equal(await sessions.find(sid), undefined)
  assert.deepEqual(await sessions.ofUser(OWNER), [])
  // Nobody issues one; should one come to be, it is none.
  const bucket = partialBucketOf(EMPLOYEES, ALICE.userId)
  const { token, hash } = newToken({ siteId: '01', serverId: '02' }, bucket)
  const level = { gen: 1, authLevel: 9, authInstant: clock(), issuedAt: clock() }
  await store.sessions.addToken({ hash, sid, audience: 'login', ...level })
  assert.equal((await store.sessions.resolve(hash, bucket))?.session.sid, sid)
  assert.equal(await sessions.resolve(token, 'login'), undefined)
  assert.equal(hash, hashSecret(token.slice(0, 43)))
})

test('unfinished logins take nobody’s place in a quota, and none pushes out another: after very many they go without a record', async (t) => {
  const { sessions, partials } = await setup(t)
  const sids: (string | undefined)[] = []
  for (let i = 0; i < 21; i++) sids.push(await partials.begin(HALF, FROM))
  const last = sids.pop()
  assert.equal(last, undefined)
  assert.deepEqual(new Set(await Promise.all(sids.map((sid) => partials.isLive(sid ?? '')))), new Set([true]))
  const quota = { limit: 1, action: 'DENY_ACCESS' } as const
  await established(sessions.establish({ ...ALICE, quota }, FROM))
  assert.equal((await sessions.ofUser(OWNER)).length, 1)
  assert.notEqual(bucketOf(EMPLOYEES, ALICE.userId), partialBucketOf(EMPLOYEES, ALICE.userId))
})

test('ending all of a person ends what they have not finished; an end is one, whoever comes first', async (t) => {
  const { sessions, partials } = await setup(t)
  const [one = '', two = ''] = [await partials.begin(HALF, FROM), await partials.begin(HALF, FROM)]
  const ended = await Promise.all([partials.over(one), sessions.end(one, 'admin', FROM)])
  assert.equal(ended.filter(Boolean).length, 1)
  assert.equal(await sessions.endAllOfUser(OWNER, 'admin', FROM), 1)
  assert.equal(await partials.isLive(two), false)
})
