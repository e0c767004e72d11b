import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RealmName } from '../base/brand.ts'
import { GatehouseError } from '../errors.ts'
import { onSessionEnded } from './ended.ts'
import { createPartialSessions } from './partial.ts'
import {
  ALICE,
  APP,
  inEachMode,
  createMachine,
  EMPLOYEES,
  FROM,
  revocationOf,
  established,
} from './processes.fixture.ts'
import type { SessionToken } from './session.ts'
import { parseToken, TOKEN_LENGTH } from './token.ts'

inEachMode('a login makes a session that its token opens at the login host, in every process', async (t, alice) => {
  const { start, time } = createMachine(t)
  const [here, there] = [await start(), await start()]
  const { session, token } = await established(here.sessions.establish(alice, FROM))
  assert.equal(session.gen, 1)
  assert.equal(session.authInstant, time.now)
  assert.equal(session.idleExpiresAt, time.now + alice.maxIdleMs)
  assert.equal(session.maxExpiresAt, time.now + alice.maxLifeMs)
  assert.deepEqual(await here.sessions.resolve(token, 'login'), session)
  assert.deepEqual(await there.sessions.resolve(token, 'login'), session)
  assert.deepEqual(parseToken(token.slice(0, TOKEN_LENGTH)), {
    secret: token.slice(0, 43),
    siteId: '01',
    serverId: '02',
    bucket: session.bucket,
  })
})

inEachMode('a login token is good for no agent', async (t, alice) => {
  const { start } = createMachine(t)
  const { sessions } = await start()
  const { token } = await established(sessions.establish(alice, FROM))
  assert.equal(await sessions.resolve(token, 'agent:app'), undefined)
  assert.equal(await sessions.resolve(token, 'domain:example.org'), undefined)
})

inEachMode('malformed tokens, tokens of another site and tokens with another bucket open nothing', async (t, alice) => {
  const { start } = createMachine(t)
  const { sessions } = await start()
  const elsewhere = await start({ place: { siteId: '09', serverId: '02' } })
  const { token } = await established(sessions.establish(alice, FROM))
  const bad = ['', 'x', `${token}x`, token.slice(0, 43), `${token.slice(0, 44)}AAAA*`, `"${token}"`]
  for (const text of bad) assert.equal(await sessions.resolve(text as SessionToken, 'login'), undefined, text)
  assert.equal(await elsewhere.sessions.resolve(token, 'login'), undefined)
})

inEachMode('a live session is found by its name, an ended one is not', async (t, alice) => {
  const { start } = createMachine(t)
  const { sessions } = await start()
  const { session } = await established(sessions.establish(alice, FROM))
  assert.deepEqual(await sessions.find(session.sid), session)
  await sessions.end(session.sid, 'account', FROM)
  for (const name of [session.sid, '', 'x', '0001.nobody']) assert.equal(await sessions.find(name), undefined, name)
})

inEachMode(
  'a session that one process ends is refused by the other as soon as it has seen the revocation',
  async (t, alice) => {
    const { start } = createMachine(t)
    const [here, there] = [await start(), await start()]
    const { session, token } = await established(here.sessions.establish(alice, FROM))
    assert.ok(await there.sessions.resolve(token, 'login'), 'it is in the memory of the other now')
    const seen = revocationOf(there, session.sid)
    assert.equal(await here.sessions.end(session.sid, 'logout', FROM), true)
    assert.equal(await here.sessions.resolve(token, 'login'), undefined)
    await seen
    assert.equal(await there.sessions.resolve(token, 'login'), undefined)
  },
)

inEachMode('ending twice, in one process or two, ends once and is audited once', async (t, alice) => {
  const { audited, start } = createMachine(t)
  const [here, there] = [await start(), await start()]
  const { session } = await established(here.sessions.establish(alice, FROM))
  const ended = await Promise.all([
    here.sessions.end(session.sid, 'admin', FROM),
    there.sessions.end(session.sid, 'admin', FROM),
    here.sessions.end(session.sid, 'admin', FROM),
  ])
  assert.equal(ended.filter(Boolean).length, 1)
  assert.equal(audited.filter(({ event }) => event === 'SessionEnded').length, 1)
})

inEachMode(
  'every process is told once of a session that ended anywhere, also when a listener fails',
  async (t, alice) => {
    const { log, logged, start } = createMachine(t)
    const [here, there] = [await start(), await start()]
    const told: string[] = []
    onSessionEnded(here.store.revocations, (sid) => void told.push(`here ${sid}`), log)
    onSessionEnded(
      there.store.revocations,
      (sid) => {
        told.push(`there ${sid}`)
        throw new Error('listener trouble')
      },
      log,
    )
    const { session } = await established(here.sessions.establish(alice, FROM))
    const other = await established(here.sessions.establish(alice, FROM))
    const third = await established(here.sessions.establish(alice, FROM))
    await here.sessions.upgrade(third.session, { authLevel: 2, authModules: ['totp'], properties: {} }, FROM)
    const seen = Promise.all([revocationOf(here, other.session.sid), revocationOf(there, other.session.sid)])
    await here.sessions.end(session.sid, 'logout', FROM)
    await there.sessions.end(other.session.sid, 'logout', FROM)
    await seen
    const sids = [session.sid, other.session.sid]
    assert.deepEqual(told.sort(), [...sids.map((sid) => `here ${sid}`), ...sids.map((sid) => `there ${sid}`)].sort())
    assert.match(logged.join('\n'), /listener failed/)
  },
)

inEachMode(
  'a step-up kills the old secret before it answers and keeps the session (session fixation)',
  async (t, alice) => {
    const { audited, pass, start, time } = createMachine(t)
    const { sessions } = await start()
    const before = await established(sessions.establish(alice, FROM))
    await sessions.resolve(before.token, 'login')
    pass(60_000)
    const proof = { authLevel: 2, authModules: ['totp', 'password'], properties: { phone: 'yes' } }
    const after = await sessions.upgrade(before.session, proof, FROM)
    assert.ok(after)
    assert.equal(await sessions.resolve(before.token, 'login'), undefined)
    assert.deepEqual(await sessions.resolve(after.token, 'login'), after.session)
    const { sid, gen, authLevel, authModules, authInstant, properties, maxExpiresAt } = after.session
    assert.deepEqual(
      { sid, gen, authLevel, authModules, authInstant, properties, maxExpiresAt },
      {
        sid: before.session.sid,
        gen: 2,
        authLevel: 2,
        authModules: ['password', 'totp'],
        authInstant: time.now,
        properties: { tier: 'gold', phone: 'yes' },
        maxExpiresAt: before.session.maxExpiresAt,
      },
    )
    assert.ok(audited.some((event) => event.event === 'SessionUpgraded' && event.authLevel === 2))
  },
)

inEachMode('proving the same factor again makes a new token and does not weaken the session', async (t, alice) => {
  const { pass, start } = createMachine(t)
  const { sessions } = await start()
  const first = await established(sessions.establish({ ...alice, authLevel: 3 }, FROM))
  pass(1_000)
  const again = await sessions.upgrade(first.session, { authLevel: 1, authModules: ['password'], properties: {} }, FROM)
  assert.equal(again?.session.authLevel, 3)
  assert.equal(again.session.authInstant, first.session.authInstant + 1_000)
  assert.notEqual(again.token, first.token)
})

inEachMode('of step-ups at once exactly one wins, in any process', async (t, alice) => {
  const { start } = createMachine(t)
  const [here, there] = [await start(), await start()]
  const { session } = await established(here.sessions.establish(alice, FROM))
  const proof = { authLevel: 2, authModules: ['totp'], properties: {} }
  const results = await Promise.all(
    [here, there, here, there, here].map(({ sessions }) => sessions.upgrade(session, proof, FROM)),
  )
  const winners = results.filter((result) => result !== undefined)
  assert.equal(winners.length, 1)
  assert.equal(winners[0]?.session.gen, 2)
})

inEachMode('the process that ends or steps up a session need not wait for the log to say so', async (t, alice) => {
  const { clock, start } = createMachine(t)
  const { store } = await start()
  const silent = { subscribe: () => ({ close: () => undefined }), tailedAt: clock }
  const { sessions } = await start({ store: { sessions: store.sessions, revocations: silent } })
  const first = await established(sessions.establish(alice, FROM))
  assert.ok(await sessions.resolve(first.token, 'login'))
  const second = await sessions.upgrade(first.session, { authLevel: 2, authModules: ['totp'], properties: {} }, FROM)
  assert.ok(second)
  assert.equal(await sessions.resolve(first.token, 'login'), undefined)
  assert.ok(await sessions.resolve(second.token, 'login'))
  await sessions.end(first.session.sid, 'logout', FROM)
  assert.equal(await sessions.resolve(second.token, 'login'), undefined)
})

inEachMode('a session that ended cannot be stepped up', async (t, alice) => {
  const { start } = createMachine(t)
  const { sessions } = await start()
  const { session } = await established(sessions.establish(alice, FROM))
  await sessions.end(session.sid, 'admin', FROM)
  const proof = { authLevel: 2, authModules: ['totp'], properties: {} }
  assert.equal(await sessions.upgrade(session, proof, FROM), undefined)
})

inEachMode('signing in to another realm ends the first session with its cause (realm switch)', async (t, alice) => {
  const { audited, start } = createMachine(t)
  const { sessions } = await start()
  const first = await established(sessions.establish(alice, FROM))
  const bob = { ...alice, realm: '/customers' as RealmName, userId: 'u-bob', username: 'bob' }
  const second = await established(sessions.establish(bob, FROM, { session: first.session, cause: 'realm-switch' }))
  assert.equal(await sessions.resolve(first.token, 'login'), undefined)
  assert.equal((await sessions.resolve(second.token, 'login'))?.realm, '/customers')
  assert.deepEqual(
    audited.map((event) => [event.event, 'cause' in event ? event.cause : '']),
    [
      ['SessionCreated', ''],
      ['SessionEnded', 'realm-switch'],
      ['SessionCreated', ''],
    ],
  )
})

inEachMode('two logins of one person share neither sid nor secret', async (t, alice) => {
  const { start } = createMachine(t)
  const { sessions } = await start()
  const [one, two] = [
    await established(sessions.establish(alice, FROM)),
    await established(sessions.establish(alice, FROM)),
  ]
  assert.notEqual(one.session.sid, two.session.sid)
  assert.notEqual(one.token, two.token)
  assert.equal(one.session.bucket, two.session.bucket)
})

inEachMode('all sessions of one user end, and nobody else is touched', async (t, alice) => {
  const { start } = createMachine(t)
  const { sessions } = await start()
  const mine = [await established(sessions.establish(alice, FROM)), await established(sessions.establish(alice, FROM))]
  const namesake = await established(sessions.establish({ ...alice, realm: '/customers' as RealmName }, FROM))
  const user = { realm: EMPLOYEES, userId: alice.userId }
  assert.equal((await sessions.ofUser(user)).length, 2)
  assert.equal(await sessions.endAllOfUser(user, 'user-disabled', FROM), 2)
  for (const { token } of mine) assert.equal(await sessions.resolve(token, 'login'), undefined)
  assert.ok(await sessions.resolve(namesake.token, 'login'))
  assert.deepEqual(await sessions.ofUser(user), [])
})

inEachMode(
  'all else of a user ends, with logins that are not through or finish meanwhile; the one stays',
  async (t, alice) => {
    const { start, clock, audited } = createMachine(t)
    const { sessions, store } = await start()
    const own = await established(sessions.establish(alice, FROM))
    await established(sessions.establish(alice, FROM))
    const namesake = await established(sessions.establish({ ...alice, realm: '/customers' as RealmName }, FROM))
    await createPartialSessions({ store, clock }).begin({ ...alice, authQueries: [], lifeMs: 300_000 }, FROM)
    const end = sessions.end.bind(sessions)
    let late: Promise<unknown> | undefined
    t.mock.method(sessions, 'end', async (...call: Parameters<typeof end>) => {
      await (late ??= established(sessions.establish(alice, FROM)))
      return end(...call)
    })
    assert.equal(await sessions.endOthers(own.session, 'account', FROM), 3)
    const left = (await store.sessions.list({ limit: 10 })).map(({ sid }) => sid)
    assert.deepEqual(left.toSorted(), [own.session.sid, namesake.session.sid].toSorted())
    assert.ok(await sessions.resolve(own.token, 'login'))
    const causes = audited.flatMap((event) => (event.event === 'SessionEnded' ? [event.cause] : []))
    assert.deepEqual(causes, ['account', 'account', 'account'])
  },
)

inEachMode('a session that is used lives on, and one that is not is over after its idle time', async (t, alice) => {
  const { pass, start } = createMachine(t)
  const [here, there] = [await start(), await start()]
  const used = await established(here.sessions.establish({ ...alice, maxIdleMs: 120_000 }, FROM))
  const unused = await established(here.sessions.establish({ ...alice, maxIdleMs: 120_000 }, FROM))
  pass(60_000)
  here.sessions.touch(used.session)
  await here.sessions.close()
  pass(60_000)
  assert.equal(await there.sessions.resolve(unused.token, 'login'), undefined)
  const alive = await there.sessions.resolve(used.token, 'login')
  assert.equal(alive?.lastSeenAt, used.session.createdAt + 60_000)
  pass(60_000)
  assert.equal(await there.sessions.resolve(used.token, 'login'), undefined)
})

inEachMode('use does not carry a session past its maximum time', async (t, alice) => {
  const { pass, start } = createMachine(t)
  const [here, there] = [await start(), await start()]
  const { session, token } = await established(here.sessions.establish({ ...alice, maxLifeMs: 90_000 }, FROM))
  pass(89_000)
  here.sessions.touch(session)
  await here.sessions.close()
  assert.ok(await there.sessions.resolve(token, 'login'))
  pass(1_000)
  assert.equal(await there.sessions.resolve(token, 'login'), undefined)
})

test('store outage: the login host gets no grace, an agent does if it asks, and everything is GH_STORE_UNAVAILABLE otherwise', async (t) => {
  const { pass, start } = createMachine(t)
  const origin = await start()
  const outage = { now: false }
  const { sessions: real, revocations } = origin.store
  const flaky = {
    ...real,
    resolve: (...args: Parameters<typeof real.resolve>) =>
      outage.now ? Promise.reject(new Error('disk on fire')) : real.resolve(...args),
    confirms: (...args: Parameters<NonNullable<typeof real.confirms>>) =>
      !outage.now && real.confirms?.(...args) === true,
  }
  const { sessions } = await start({ store: { sessions: flaky, revocations } })
  const { session, token } = await established(sessions.establish(ALICE, FROM))
  const grant = { agent: APP, audience: 'agent:app', goto: 'http://app/', binding: 'b', interactive: true } as const
  const redeemed = await origin.handshakes.redeem(await origin.handshakes.issue(session, grant), APP, 'b', FROM)
  assert.equal(redeemed.kind, 'issued')
  assert.ok(await sessions.resolve(redeemed.token, 'agent:app'))
  assert.ok(await sessions.resolve(token, 'login'))
  outage.now = true
  pass(2_000)
  const unavailable = (caught: unknown) => caught instanceof GatehouseError && caught.code === 'GH_STORE_UNAVAILABLE'
  assert.equal((await sessions.resolve(redeemed.token, 'agent:app', { grace: true }))?.unconfirmed, true)
  await assert.rejects(async () => sessions.resolve(redeemed.token, 'agent:app'), unavailable)
  await assert.rejects(async () => sessions.resolve(token, 'login', { grace: true }), unavailable)
  outage.now = false
  assert.equal((await sessions.resolve(redeemed.token, 'agent:app', { grace: true }))?.unconfirmed, undefined)
})

inEachMode('no secret reaches the audit log, the log, or the database file (canary)', async (t, alice) => {
  const { audited, directory, logged, start } = createMachine(t)
  const { handshakes, sessions } = await start()
  const first = await established(sessions.establish(alice, FROM))
  const second = await sessions.upgrade(first.session, { authLevel: 2, authModules: ['totp'], properties: {} }, FROM)
  assert.ok(second)
  const grant = { agent: APP, audience: 'agent:app', goto: 'http://app/', binding: 'b', interactive: true } as const
  const codes = [await handshakes.issue(second.session, grant), await handshakes.issue(second.session, grant)]
  const redeemed = await handshakes.redeem(codes[0] ?? '', APP, 'b', FROM)
  assert.equal(redeemed.kind, 'issued')
  await handshakes.redeem(codes[1] ?? '', APP, 'other', FROM)
  await sessions.end(first.session.sid, 'logout', FROM)
  const files = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'latin1'))
  assert.ok(files.some((content) => content.includes(first.session.sid)))
  const written = JSON.stringify(audited) + logged.join('\n') + files.join('\n')
  for (const secret of [first.token, second.token, redeemed.token, ...codes]) {
    assert.equal(written.includes(secret.slice(0, 43)), false)
  }
  assert.ok(audited.every(({ requestId, clientIp }) => requestId === 'r-1' && clientIp === '192.0.2.7'))
})
