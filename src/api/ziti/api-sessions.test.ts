import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RealmName } from '../../base/brand.ts'
import { CUSTOMERS } from '../../authn/login.fixture.ts'
import { CLIENT, MANAGEMENT, openZiti, text, zitiRealm, type Data } from './ziti.fixture.ts'

const LIST = `${MANAGEMENT}/api-sessions`

test('an administrator lists the sessions of the realm, half ones with what is outstanding, none with its token', async (t) => {
  const { ask, authenticate, tokenOf } = await openZiti(t)
  const alice = (await authenticate('alice')).data
  const bob = (await authenticate('bob')).data
  const token = await tokenOf('carol')
  const { status, list, body, text: sent } = await ask('GET', LIST, { token })
  assert.equal(status, 200)
  assert.deepEqual((body['meta'] as Data)['pagination'], { limit: 10, offset: 0, totalCount: 3 })
  const byName = new Map(list.map((each) => [(each['identity'] as Data)['name'], each]))
  assert.deepEqual([...byName.keys()].sort(), ['alice', 'bob', 'carol'])
  assert.equal(byName.get('alice')?.['id'], alice['id'])
  assert.deepEqual(byName.get('bob')?.['authQueries'], bob['authQueries'])
  assert.deepEqual([byName.get('bob')?.['isMfaComplete'], byName.get('bob')?.['isMfaRequired']], [false, true])
  for (const data of [alice, bob]) assert.ok(!sent.includes(text(data, 'token')))
})

test('a list has pages, an order and a filter; what cannot be read of it is 400', async (t) => {
  const { ask, authenticate, tokenOf, bench } = await openZiti(t)
  for (let i = 0; i < 3; i++) {
    bench.time.now += 1_000
    await authenticate('alice')
  }
  await authenticate('bob')
  const token = await tokenOf('carol')
  const get = (query: Readonly<Record<string, string>>) =>
    ask('GET', `${LIST}?${new URLSearchParams(query).toString()}`, { token })
  const names = async (query: Readonly<Record<string, string>>) =>
    (await get(query)).list.map((each) => (each['identity'] as Data)['name'])
  assert.deepEqual(await names({ sort: 'identity.name desc', limit: '2' }), ['carol', 'bob'])
  assert.deepEqual(await names({ sort: 'identity.name', limit: '2', offset: '3' }), ['bob', 'carol'])
  assert.deepEqual(await names({ filter: 'identity.name = "bob"' }), ['bob'])
  assert.deepEqual(await names({ filter: 'isMfaRequired = true and identity != "x"' }), ['bob'])
  assert.deepEqual(await names({ filter: 'identity.name contains "aro"' }), ['carol'])
  assert.equal((await names({ filter: 'true' })).length, 5)
  const times = (await get({ filter: 'identity="alice"', sort: 'createdAt desc' })).list.map(
    (each) => each['createdAt'],
  )
  assert.deepEqual([...times].sort().reverse(), times)
  assert.equal(new Set(times).size, 3)
  for (const [query, code] of [
    [{ limit: '0' }, 'INVALID_PAGINATION'],
    [{ offset: '-1' }, 'INVALID_PAGINATION'],
    [{ sort: 'token' }, 'INVALID_SORT'],
    [{ sort: 'id sideways' }, 'INVALID_SORT'],
    [{ filter: 'token = "x"' }, 'INVALID_FILTER'],
    [{ filter: 'id = "x" or true' }, 'INVALID_FILTER'],
    [{ filter: 'id = x' }, 'INVALID_FILTER'],
    [{ filter: `id = "${'x'.repeat(2_000)}"` }, 'INVALID_FILTER'],
  ] as const) {
    const answer = await get(query)
    assert.deepEqual([answer.status, answer.code], [400, code], JSON.stringify(query))
  }
})

test('whoever administers nothing sees and ends what is their own, and learns nothing of the rest', async (t) => {
  const { ask, authenticate, bench } = await openZiti(t)
  const [alice, other] = [(await authenticate('alice')).data, (await authenticate('carol')).data]
  const token = text(alice, 'token')
  const refused = await ask('GET', LIST, { token })
  assert.deepEqual([refused.status, refused.code], [401, 'UNAUTHORIZED'])
  for (const id of [text(other, 'id'), '0001.nobody-is-here-']) {
    for (const method of ['GET', 'DELETE']) {
      const answer = await ask(method, `${LIST}/${id}`, { token })
      assert.deepEqual([answer.status, answer.code], [404, 'NOT_FOUND'])
    }
    assert.equal((await ask('GET', `${LIST}/${id}/sessions`, { token })).status, 404)
  }
  const own = await ask('GET', `${LIST}/${text(alice, 'id')}`, { token })
  assert.deepEqual([own.status, own.data['id']], [200, alice['id']])
  assert.equal((await ask('DELETE', `${LIST}/${text(alice, 'id')}`, { token })).status, 200)
  assert.equal((await ask('GET', `${CLIENT}/current-api-session`, { token })).status, 401)
  const outcomes = bench.audited.flatMap((event) => (event.event === 'SessionsAdministered' ? [event.outcome] : []))
  assert.deepEqual(outcomes, ['refused', 'refused', 'refused', 'refused'])
})

test('what an administrator ends is over at once, and audited with who and whose', async (t) => {
  const { ask, authenticate, tokenOf, bench } = await openZiti(t)
  const alice = (await authenticate('alice')).data
  const token = await tokenOf('carol')
  const ended = await ask('DELETE', `${LIST}/${text(alice, 'id')}`, { token })
  assert.deepEqual([ended.status, ended.body], [200, { data: {}, meta: {} }])
  assert.equal((await ask('GET', `${CLIENT}/current-api-session`, { token: text(alice, 'token') })).status, 401)
  assert.equal((await ask('DELETE', `${LIST}/${text(alice, 'id')}`, { token })).status, 404)
  const event = bench.audited.find((each) => each.event === 'SessionsAdministered')
  assert.ok(event?.event === 'SessionsAdministered')
  assert.deepEqual(
    [event.username, event.action, event.outcome, event.target.username],
    ['carol', 'end', 'done', 'alice'],
  )
})

test('sessions of another realm are none of its', async (t) => {
  const { ask, tokenOf, bench } = await openZiti(t)
  const token = await tokenOf('carol')
  const draft = { realm: '/customers' as RealmName, userId: 'dave', username: 'dave', authLevel: 1, authModules: [] }
  const dave = await bench.sessions.establish(
    { ...draft, properties: {}, maxIdleMs: 60_000, maxLifeMs: 60_000 },
    { requestId: undefined, clientIp: undefined },
  )
  assert.ok(dave.kind === 'established')
  const { sid } = dave.issued.session
  for (const method of ['GET', 'DELETE']) assert.equal((await ask(method, `${LIST}/${sid}`, { token })).status, 404)
  assert.equal((await ask('GET', LIST, { token })).list.length, 1)
})

test('administrators of a realm above come to the management API, and to no other', async (t) => {
  const { ask, authenticate, bench } = await openZiti(t, {
    // The realm of customers stands for one above: its people have names of their own.
    deps: (made, { realms }) => ({
      ...made,
      outer: [zitiRealm({ realms }, CUSTOMERS)],
      people: {
        ...made.people,
        administratorsOf: () => ['admins'],
        groupsOf: ({ username }) => Promise.resolve(new Set(username === 'dave' ? ['admins'] : [])),
        userIdOf: (realm, name) => ((realm === CUSTOMERS) === (name === 'dave') ? name : undefined),
      },
    }),
  })
  assert.equal((await authenticate('dave')).code, 'INVALID_AUTH')
  const { status, data } = await authenticate('dave', 'dave', MANAGEMENT)
  assert.equal(status, 200)
  const token = text(data, 'token')
  assert.equal((await ask('GET', `${MANAGEMENT}/current-api-session`, { token })).data['identityId'], 'dave')
  assert.equal((await ask('GET', `${CLIENT}/current-api-session`, { token })).status, 401)
  assert.equal((await ask('GET', `${LIST}/${text(data, 'id')}`, { token })).status, 200)
  assert.equal((await authenticate('alice', 'alice', MANAGEMENT)).status, 200, 'its own people still do')
  assert.equal((await bench.sessions.ofUser({ realm: CUSTOMERS, userId: 'dave' })).length, 1)
  assert.equal((await ask('GET', LIST, { token })).status, 401, 'none of it: this one is no realm above')
})

test('authenticators: one’s own, and for administrators those of the realm or of a person who is named', async (t) => {
  const { ask, tokenOf, full } = await openZiti(t)
  const [alice, bob, carol] = [await tokenOf('alice'), await full('bob'), await tokenOf('carol')]
  const methods = async (path: string, token: string) => {
    const answer = await ask('GET', path, { token })
    return answer.status === 200 ? answer.list.map((each) => each['method']) : answer.status
  }
  assert.deepEqual(await methods(`${CLIENT}/current-identity/authenticators`, bob), ['updb', 'totp'])
  assert.deepEqual(await methods(`${MANAGEMENT}/authenticators`, bob), ['updb', 'totp'])
  assert.deepEqual(await methods(`${MANAGEMENT}/authenticators`, carol), ['updb', 'totp'])
  assert.deepEqual(await methods(`${MANAGEMENT}/authenticators?filter=method="totp"`, carol), ['totp'])
  const { list } = await ask('GET', `${MANAGEMENT}/authenticators`, { token: carol })
  assert.deepEqual(
    list.map(({ identityId }) => identityId),
    ['carol', 'bob'],
  )
  assert.deepEqual(await methods(`${MANAGEMENT}/authenticators`, alice), ['updb'])
  const link = `${MANAGEMENT}/authenticators/${text(list[1] ?? {}, 'id')}`
  const [shown, hidden] = [await ask('GET', link, { token: carol }), await ask('GET', link, { token: alice })]
  assert.deepEqual([shown.status, shown.data, hidden.status], [200, list[1], 404])
  assert.deepEqual(await methods(`${MANAGEMENT}/authenticators?filter=identity="bob"`, carol), ['totp'])
  assert.deepEqual(await methods(`${MANAGEMENT}/authenticators?filter=identity="bob"`, alice), [])
  assert.deepEqual(await methods(`${MANAGEMENT}/identities/bob/authenticators`, carol), ['totp'])
  assert.equal(await methods(`${MANAGEMENT}/identities/bob/authenticators`, alice), 404)
  assert.equal(await methods(`${MANAGEMENT}/identities/bob`, alice), 404)
  const [first] = (await ask('GET', `${CLIENT}/current-identity/authenticators`, { token: alice })).list
  const one = await ask('GET', `${CLIENT}/authenticators/${text(first ?? {}, 'id')}`, { token: alice })
  assert.deepEqual([one.status, one.data], [200, first])
})
