import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jweForm } from '../crypto/jwe.ts'
import { fault, GatehouseError } from '../errors.ts'
import { EPOCH } from '../store/epoch.ts'
import type { Store } from '../store/store.ts'
import { UnprovedAbsence } from '../store/unproved-absence.ts'
import { AT_APP, CARRIED, PROOF, tokenFor, warm, watched } from './carried.fixture.ts'
import { ALICE, createMachine, EMPLOYEES, established, FROM, revocationOf, SESSION_KEY } from './processes.fixture.ts'
import type { SessionToken } from './session.ts'
import { boundTo, epochKeys } from './stateless-claims.ts'
import { LOGIN_BUDGET } from './stateless.ts'
import { TOKEN_LENGTH } from './token.ts'

const unavailable = (caught: unknown) => caught instanceof GatehouseError && caught.code === 'GH_STORE_UNAVAILABLE'

test('requests at an agent ask the store nothing, in any process, and are answered at once', async (t) => {
  const { start } = createMachine(t)
  const here = await start()
  const { state, store } = watched(here.store)
  const there = await start({ carried: { store } })
  const child = await tokenFor(here, await established(here.sessions.establish(CARRIED, FROM)))
  await warm(there, child.token)
  state.asked = 0
  for (let i = 0; i < 5; i++) assert.ok(there.sessions.resolve(child.token, AT_APP))
  assert.equal(state.asked, 0)
  assert.deepEqual(
    (await here.store.sessions.ofUser({ ...child.session })).map(({ kind }) => kind),
    ['stateless'],
  )
})

test('a token is good for its audience alone, and a child for one agent', async (t) => {
  const { start } = createMachine(t)
  const machine = await start()
  const login = await established(machine.sessions.establish(CARRIED, FROM))
  const app = await tokenFor(machine, login)
  const domain = await tokenFor(machine, login, 'domain:example.org/SSO')
  const tokens = { login: login.token, [AT_APP]: app.token, 'domain:example.org/SSO': domain.token }
  for (const [own, token] of Object.entries(tokens))
    for (const audience of ['login', AT_APP, 'agent:pay', 'domain:example.org/SSO', 'domain:example.org'] as const)
      assert.equal(
        (await machine.sessions.resolve(token, audience)) !== undefined,
        audience === own,
        `${own} ${audience}`,
      )
})

test('a tail works with its own secret and place alone, and shows nothing of what it carries', async (t) => {
  const { start } = createMachine(t)
  const machine = await start()
  const [one, two] = [
    await tokenFor(machine, await established(machine.sessions.establish(CARRIED, FROM))),
    await tokenFor(machine, await established(machine.sessions.establish(CARRIED, FROM))),
  ]
  const split = (token: string) => [token.slice(0, TOKEN_LENGTH), token.slice(TOKEN_LENGTH)] as const
  const [[frontOne, tailOne], [frontTwo, tailTwo]] = [split(one.token), split(two.token)]
  const place = `${frontOne.slice(0, 44)}AAAA*`
  for (const token of [frontOne + tailTwo, frontTwo + tailOne, place + tailOne, frontOne, `${frontOne}${tailOne}*`])
    assert.equal(await machine.sessions.resolve(token as SessionToken, AT_APP), undefined, token)
  const readable = tailOne.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'))
  for (const secret of ['alice', one.session.sid, frontOne.slice(0, 43)]) assert.ok(!readable.join().includes(secret))
})

test('one token has one spelling: after a logout no other one opens the session (denylist walked around)', async (t) => {
  const { start } = createMachine(t)
  const machine = await start()
  const login = await established(machine.sessions.establish(CARRIED, FROM))
  const { token } = await tokenFor(machine, login)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const twin = alphabet[alphabet.indexOf(token.at(-1) ?? '') ^ 1] ?? ''
  const spellings = [`${token}=`, `${token} `, ` ${token}`, `${token}\n`, token.slice(0, -1) + twin, `"${token}"`]
  const standard = token.replaceAll('-', '+').replaceAll('_', '/')
  for (const text of standard === token ? spellings : [...spellings, standard])
    assert.equal(await machine.sessions.resolve(text as SessionToken, AT_APP), undefined, JSON.stringify(text))
  await machine.sessions.end(login.session.sid, 'logout', FROM)
  for (const text of [token, ...spellings])
    assert.equal(await machine.sessions.resolve(text as SessionToken, AT_APP), undefined, JSON.stringify(text))
})

test('claims that are missing, of another type or of another kind of token are no session, though we sealed them', async (t) => {
  const { start } = createMachine(t)
  const machine = await start()
  const form = jweForm('gatehouse-session+jwt')
  const { token } = await tokenFor(machine, await established(machine.sessions.establish(CARRIED, FROM)))
  const front = token.slice(0, TOKEN_LENGTH)
  const key = SESSION_KEY
  const claims = form.open(key.key, token.slice(TOKEN_LENGTH)) as Readonly<Record<string, unknown>>
  const resolve = async (changed: object, sealed = form) =>
    machine.sessions.resolve((front + sealed.seal(key, { ...claims, ...changed })) as SessionToken, AT_APP)
  assert.equal(claims['bound'], boundTo(front))
  assert.ok(await resolve({}), 'the same claims are the same session')
  await warm(machine, token)
  assert.ok(await resolve({ exp: Number(claims['exp']) + 0.5 }), 'RFC 7519 §2: a date may have a fraction')
  const wrong: readonly object[] = [
    ...Object.keys(claims).map((name) => ({ [name]: undefined })),
    ...[-1, '9999999999', null, [9_999_999_999], -1_000_000_000].map((exp) => ({ exp })),
    { aud: [AT_APP, 'agent:evil'] },
    { aud: 'agent:app ' },
    { sub: 1 },
    { sub: { $ne: 1 } },
    { sub: 'u-alice ' },
    { amr: 'password' },
    { groups: 'admin' },
    { gen: 0 },
    { bound: boundTo('x') },
    { life: 'another store' },
    { epochs: [0] },
  ]
  for (const changed of wrong) assert.equal(await resolve(changed), undefined, JSON.stringify(changed))
  for (const typ of ['JWT', 'logout+jwt', 'at+jwt']) assert.equal(await resolve({}, jweForm(typ)), undefined, typ)
})

test('a logout is refused everywhere at once: by this process without the log, by another as soon as it says so', async (t) => {
  const { start } = createMachine(t)
  const [here, there] = [await start(), await start()]
  const login = await established(here.sessions.establish(CARRIED, FROM))
  const { token } = await tokenFor(here, login)
  for (const process of [here, there]) await warm(process, token)
  const seen = revocationOf(there, login.session.sid)
  await here.sessions.end(login.session.sid, 'logout', FROM)
  assert.equal(here.sessions.resolve(token, AT_APP), undefined)
  await seen
  assert.equal(there.sessions.resolve(token, AT_APP), undefined)
  const later = await start()
  for (let i = 0; i < 3; i++)
    assert.equal(await later.sessions.resolve(token, AT_APP), undefined, 'a process that began later')
})

test('a step-up leaves no token of a lower gen alive, and the next handshake gives the agent one', async (t) => {
  const { start } = createMachine(t)
  const [here, there] = [await start(), await start()]
  const login = await established(here.sessions.establish(CARRIED, FROM))
  const child = await tokenFor(here, login)
  for (const process of [here, there]) await warm(process, child.token)
  const seen = revocationOf(there, login.session.sid)
  const upgraded = await here.sessions.upgrade(login.session, PROOF, FROM)
  await seen
  assert.ok(upgraded)
  for (const { sessions } of [here, there]) {
    assert.equal(await sessions.resolve(child.token, AT_APP), undefined)
    assert.equal(await sessions.resolve(login.token, 'login'), undefined)
    assert.equal((await sessions.resolve(upgraded.token, 'login'))?.authLevel, 2)
  }
  const next = await tokenFor(here, upgraded)
  assert.equal((await there.sessions.resolve(next.token, AT_APP))?.authLevel, 2)
})

test('"end all" refuses tokens of sessions that nobody knows any more, and not those of logins after it', async (t) => {
  const { start } = createMachine(t)
  const [here, there] = [await start(), await start()]
  const child = await tokenFor(here, await established(here.sessions.establish(CARRIED, FROM)))
  for (const process of [here, there]) await warm(process, child.token)
  const raised = new Promise<void>((resolve) => {
    there.store.revocations.subscribe((entries) => entries.some(({ kind }) => kind === 'epoch-raised') && resolve())
  })
  await here.sessions.endAllOfUser({ realm: EMPLOYEES, userId: ALICE.userId }, 'admin', FROM)
  await raised
  const [key] = epochKeys(child.session)
  assert.deepEqual(await here.store.epochs.read([key]), [1])
  for (const { sessions } of [here, there]) assert.equal(await sessions.resolve(child.token, AT_APP), undefined)
  const again = await tokenFor(there, await established(there.sessions.establish(CARRIED, FROM)))
  assert.ok(await here.sessions.resolve(again.token, AT_APP))
})

test('"end all" refuses the token of a session whose entry in the index was lost', async (t) => {
  const { start } = createMachine(t)
  const here = await start()
  const sessions = { ...here.store.sessions, ofUser: () => Promise.resolve([]) }
  const blind = await start({ store: { ...here.store, sessions } })
  const child = await tokenFor(here, await established(here.sessions.establish(CARRIED, FROM)))
  await warm(blind, child.token)
  assert.equal(await blind.sessions.endAllOfUser({ realm: EMPLOYEES, userId: ALICE.userId }, 'admin', FROM), 0)
  assert.equal(await blind.sessions.resolve(child.token, AT_APP), undefined)
})

test('the epoch of a user or of a realm that is raised ends their tokens and nobody else’s', async (t) => {
  const { start } = createMachine(t)
  const machine = await start()
  const alice = await tokenFor(machine, await established(machine.sessions.establish(CARRIED, FROM)))
  const bob = await tokenFor(
    machine,
    await established(machine.sessions.establish({ ...CARRIED, userId: 'u-bob', username: 'bob' }, FROM)),
  )
  const [user, realm] = epochKeys(alice.session)
  const raise = async (key: string) => {
    const seen = new Promise<void>((resolve) => {
      machine.store.revocations.subscribe((entries) => entries.some(({ kind }) => kind === 'epoch-raised') && resolve())
    })
    await machine.store.epochs.raise(key)
    await seen
  }
  await raise(user)
  assert.equal(await machine.sessions.resolve(alice.token, AT_APP), undefined)
  assert.ok(await machine.sessions.resolve(bob.token, AT_APP))
  await raise(realm)
  assert.equal(await machine.sessions.resolve(bob.token, AT_APP), undefined)
})

test('a store that lost its data refuses what was issued before, also when news of it came as a gap', async (t) => {
  const { start } = createMachine(t)
  const machine = await start()
  const gaps: (() => void)[] = []
  const revocations: Store['revocations'] = {
    subscribe: (listener, onGap) => {
      if (onGap !== undefined) gaps.push(onGap)
      return machine.store.revocations.subscribe(listener, onGap)
    },
    tailedAt: () => machine.store.revocations.tailedAt(),
  }
  const other = await start({ carried: { store: { ...machine.store, revocations } } })
  const { token } = await tokenFor(machine, await established(machine.sessions.establish(CARRIED, FROM)))
  await warm(other, token)
  assert.ok(other.sessions.resolve(token, AT_APP))
  const { collection, id } = EPOCH
  const { version = 0 } = (await machine.store.documents.get(collection, id)) ?? {}
  assert.ok(await machine.store.documents.replace(collection, id, version, 'a new life'))
  for (const gap of gaps) gap()
  const next = await tokenFor(machine, await established(machine.sessions.establish(CARRIED, FROM)))
  await warm(other, next.token)
  assert.equal(await other.sessions.resolve(token, AT_APP), undefined)
  assert.ok(await other.sessions.resolve(next.token, AT_APP))
})

test('a process that cannot know of all ends asks the store, and without it gives grace to agents that ask for it', async (t) => {
  const { pass, start, time } = createMachine(t)
  const here = await start()
  const { state, store } = watched(here.store)
  const there = await start({ carried: { store } })
  const login = await established(here.sessions.establish(CARRIED, FROM))
  const { token } = await tokenFor(here, login)
  await warm(there, token)
  const tail = time.now
  state.tailedAt = () => tail
  pass(1_001)
  state.asked = 0
  assert.ok(await there.sessions.resolve(token, AT_APP))
  assert.equal(state.asked, 1)
  state.away = true
  assert.equal((await there.sessions.resolve(token, AT_APP, { grace: true }))?.unconfirmed, true)
  await assert.rejects(async () => there.sessions.resolve(token, AT_APP), unavailable)
  state.away = new UnprovedAbsence(new Error('no replica'))
  await assert.rejects(async () => there.sessions.resolve(token, AT_APP, { grace: true }), unavailable)
  state.away = true
  await assert.rejects(async () => there.sessions.resolve(login.token, 'login', { grace: true }), unavailable)
  pass(14_000)
  await assert.rejects(async () => there.sessions.resolve(token, AT_APP, { grace: true }), unavailable)
  state.away = false
  assert.equal((await there.sessions.resolve(token, AT_APP, { grace: true }))?.unconfirmed, undefined)
  await here.sessions.end(login.session.sid, 'logout', FROM)
  assert.equal(await there.sessions.resolve(token, AT_APP, { grace: true }), undefined)
})

test('a known end wins over grace', async (t) => {
  const { pass, start, time } = createMachine(t)
  const here = await start()
  const { state, store } = watched(here.store)
  const there = await start({ store: store, carried: { store } })
  const login = await established(here.sessions.establish(CARRIED, FROM))
  const { token } = await tokenFor(here, login)
  await warm(there, token)
  await there.sessions.end(login.session.sid, 'logout', FROM)
  const tail = time.now
  state.tailedAt = () => tail
  state.away = true
  pass(2_000)
  assert.equal(await there.sessions.resolve(token, AT_APP, { grace: true }), undefined)
})

test('a session that no cookie holds is refused at login and at a step-up, audited, and nothing begins or ends', async (t) => {
  const { audited, start } = createMachine(t)
  const { sessions, store } = await start()
  const large = { ...CARRIED, properties: { roles: 'x'.repeat(3_000) } }
  const tooLarge = (caught: unknown) => caught instanceof GatehouseError && caught.code === 'GH_SESSION_TOO_LARGE'
  const before = await established(sessions.establish(CARRIED, FROM))
  assert.ok(before.token.length < LOGIN_BUDGET / 2, `${before.token.length} characters for an ordinary login`)
  await assert.rejects(sessions.establish(large, FROM, { session: before.session, cause: 'replaced' }), tooLarge)
  await assert.rejects(sessions.upgrade(before.session, { ...PROOF, properties: large.properties }, FROM), tooLarge)
  assert.equal((await store.sessions.ofUser(before.session)).length, 1)
  assert.ok(await sessions.resolve(before.token, 'login'))
  assert.deepEqual(
    audited.map(({ event }) => event),
    ['SessionCreated', 'SessionTooLarge', 'SessionTooLarge'],
  )
})

test('a quota counts sessions that browsers carry, exactly under parallel logins', async (t) => {
  const { start } = createMachine(t)
  const [here, there] = [await start(), await start()]
  const draft = { ...CARRIED, quota: { limit: 3, action: 'DESTROY_OLDEST_SESSION' } } as const
  const logins = await Promise.all(
    Array.from({ length: 20 }, (_, i) => established((i % 2 ? here : there).sessions.establish(draft, FROM))),
  )
  const later = await start()
  const alive = await Promise.all(logins.map(async ({ token }) => later.sessions.resolve(token, 'login')))
  assert.equal(alive.filter((session) => session !== undefined).length, 3)
})

test('a key that cannot be read is a fault, not a logout; one that does not exist is no session', async (t) => {
  const { start } = createMachine(t)
  const machine = await start()
  const { token } = await tokenFor(machine, await established(machine.sessions.establish(CARRIED, FROM)))
  const current = () => SESSION_KEY
  const unread = () => {
    throw fault('GH_KEYS_UNAVAILABLE')
  }
  const unreadable = await start({ carried: { keyRing: { current, known: unread } } })
  await assert.rejects(
    async () => unreadable.sessions.resolve(token, AT_APP, { grace: true }),
    (caught: unknown) => caught instanceof GatehouseError && caught.code === 'GH_KEYS_UNAVAILABLE',
  )
  const without = await start({ carried: { keyRing: { current, known: () => undefined } } })
  assert.equal(await without.sessions.resolve(token, AT_APP), undefined)
})

test('a key that is taken out of the ring opens nothing from then on, not even what it opened before', async (t) => {
  const { start } = createMachine(t)
  let isThere = true
  const keyRing = { current: () => SESSION_KEY, known: () => (isThere ? SESSION_KEY : undefined) }
  const machine = await start({ carried: { keyRing } })
  const { token } = await tokenFor(machine, await established(machine.sessions.establish(CARRIED, FROM)))
  await warm(machine, token)
  isThere = false
  assert.equal(await machine.sessions.resolve(token, AT_APP), undefined)
})
