import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createPasswordHasher } from '../crypto/password-hash.ts'
import { fault, GatehouseError } from '../errors.ts'
import { createFileDirectory } from '../identity/file-directory.ts'
import { keysOf } from '../identity/throttle.ts'
import type { Session } from '../session/session.ts'
import type { Authn } from './authn.ts'
import type { LoginContext } from './login-call.ts'
import {
  asked,
  binding,
  context,
  countingHasher,
  createBench,
  CUSTOMERS,
  DESTINATION,
  done,
  EMPLOYEES,
  NO_DEMAND,
  user,
} from './login.fixture.ts'
import type { Step } from './step.ts'

const START = { realm: EMPLOYEES, demand: NO_DEMAND, destination: DESTINATION } as const

async function login(
  authn: Authn,
  username: string,
  { realm = EMPLOYEES, session, level }: { realm?: typeof EMPLOYEES; session?: Session; level?: number } = {},
): Promise<Step> {
  const where = context(session)
  const { authId } = asked(await authn.begin({ ...START, realm, demand: { level, force: false } }, where))
  return authn.submit({ realm, authId, answers: [username, username] }, where)
}

suite('login by password', () => {
  test('asks for name and password on one page, then issues a session at the level of the module', async (t) => {
    const { authn, sessions, events } = await createBench(t)
    const page = asked(await authn.begin(START, context()))
    assert.deepEqual(
      { ...page, authId: undefined },
      {
        kind: 'ask',
        authId: undefined,
        realm: EMPLOYEES,
        stage: 'password',
        callbacks: [
          { type: 'NameCallback', prompt: 'username' },
          { type: 'PasswordCallback', prompt: 'password' },
        ],
        enrols: false,
        others: [],
        username: undefined,
        failure: undefined,
        retryAfterSeconds: undefined,
        destination: DESTINATION,
      },
    )
    const end = done(
      await authn.submit({ realm: EMPLOYEES, authId: page.authId, answers: ['ALICE', 'alice'] }, context()),
    )
    assert.deepEqual(end.destination, DESTINATION)
    const { session, token } = end.issued
    assert.deepEqual([session.username, session.authLevel, session.authModules], ['alice', 1, ['password']])
    assert.equal((await sessions.resolve(token, 'login'))?.sid, session.sid)
    const about = { realm: EMPLOYEES, username: 'alice', sid: session.sid }
    assert.deepEqual(events(), [
      { event: 'SessionCreated', ...about },
      { event: 'AuthnSucceeded', ...about, authLevel: 1, modules: ['password'] },
    ])
  })

  test('a wrong password asks again, keeps the name and never the password', async (t) => {
    const { authn, events } = await createBench(t)
    const { authId } = asked(await authn.begin(START, context()))
    const answers = ['Alice', 'my secret guess']
    const again = asked(await authn.submit({ realm: EMPLOYEES, authId, answers }, context()))
    assert.equal(again.failure, 'bad-credentials')
    assert.deepEqual(again.callbacks[0], { type: 'NameCallback', prompt: 'username', value: 'Alice' })
    assert.doesNotMatch(JSON.stringify(again), /my secret guess/)
    assert.deepEqual(events(), [
      { event: 'AuthnFailed', realm: EMPLOYEES, username: 'alice', reason: 'wrong-password' },
    ])
    done(await authn.submit({ realm: EMPLOYEES, authId: again.authId, answers: ['alice', 'alice'] }, context()))
  })

  test('session-per-guess: before the first correct credential the store keeps no login', async (t) => {
    const { authn, kept } = await createBench(t)
    let { authId } = asked(await authn.begin(START, context()))
    for (let i = 0; i < 5; i++) {
      authId = asked(await authn.submit({ realm: EMPLOYEES, authId, answers: ['alice', 'no'] }, context())).authId
    }
    assert.deepEqual(kept.calls, [])
  })

  test('enum-msg, enum-time: unknown, wrong and disabled get the same page for the same work', async (t) => {
    const hasher = countingHasher()
    const { authn, events } = await createBench(t, { hasher })
    const pages = []
    for (const name of ['alice', 'nobody', 'gone']) {
      const { authId } = asked(await authn.begin(START, context()))
      hasher.calls.length = 0
      const answers = [name, name === 'gone' ? 'gone' : 'guess']
      const page = asked(await authn.submit({ realm: EMPLOYEES, authId, answers }, context()))
      assert.equal(hasher.calls.length, 1, name)
      pages.push(JSON.stringify({ ...page, authId: page.authId.length }).replaceAll(`"${name}"`, '"NAME"'))
    }
    const lengths = pages.map((page) => page.replace(/"authId":\d+/, ''))
    assert.equal(new Set(lengths).size, 1)
    assert.deepEqual(
      events().map((event) => (event as { reason: string; username?: string }).reason),
      ['wrong-password', 'unknown-user', 'disabled'],
    )
  })

  test('a name that nobody has is not written down: it may be a password in the wrong field', async (t) => {
    const { authn, audited } = await createBench(t)
    const { authId } = asked(await authn.begin(START, context()))
    await authn.submit({ realm: EMPLOYEES, authId, answers: ['hunter2', 'x'] }, context())
    assert.doesNotMatch(JSON.stringify(audited), /hunter2/)
  })

  test('an empty page passes nothing and costs no try', async (t) => {
    const hasher = countingHasher()
    const { authn } = await createBench(t, { hasher })
    for (const answers of [[], [''], ['alice'], ['alice', ''], ['', 'alice']]) {
      const { authId } = asked(await authn.begin(START, context()))
      assert.equal(
        asked(await authn.submit({ realm: EMPLOYEES, authId, answers }, context())).failure,
        'bad-credentials',
      )
    }
    assert.deepEqual(hasher.calls, [])
  })

  test('nul-password: what follows a NUL counts', async () => {
    const hasher = createPasswordHasher()
    const password = await hasher.hash('a\u0000b')
    const directory = createFileDirectory(EMPLOYEES, [user('alice', { password })], hasher)
    assert.equal((await directory.checkPassword('alice', 'a\u0000c')).kind, 'failed')
    assert.equal((await directory.checkPassword('alice', 'a')).kind, 'failed')
    assert.equal((await directory.checkPassword('alice', 'a\u0000b')).kind, 'passed')
  })

  test('a directory that cannot answer is a fault, and the try is given back', async (t) => {
    let down = true
    const answer = (): Promise<boolean> =>
      down ? Promise.reject(fault('GH_DIRECTORY_UNAVAILABLE')) : Promise.resolve(true)
    const { authn } = await createBench(t, {
      hasher: { verify: answer, verifyNothing: () => Promise.resolve(), hasRoom: () => true },
    })
    const { authId } = asked(await authn.begin(START, context()))
    for (let i = 0; i < 20; i++) {
      await assert.rejects(
        authn.submit({ realm: EMPLOYEES, authId, answers: ['alice', 'x'] }, context()),
        (error) => error instanceof GatehouseError && error.code === 'GH_DIRECTORY_UNAVAILABLE',
      )
    }
    down = false
    done(await authn.submit({ realm: EMPLOYEES, authId, answers: ['alice', 'x'] }, context()))
  })
})

suite('throttle at the login', () => {
  test('where too many passwords wait a try is refused before anything is written for it', async (t) => {
    const asker: (string | undefined)[] = []
    const busy = { ...countingHasher(), hasRoom: (from?: string) => asker.push(from) < 0 }
    const { authn, store } = await createBench(t, { hasher: busy })
    const { authId } = asked(await authn.begin(START, context()))
    const from = { requestId: 'r-1', clientIp: '2001:db8::1' }
    await assert.rejects(
      authn.submit({ realm: EMPLOYEES, authId, answers: ['alice', 'alice'] }, context(undefined, { origin: from })),
      (error) => error instanceof GatehouseError && error.code === 'GH_BUSY',
    )
    assert.deepEqual([asker, busy.calls], [['2001:db8:0:0::/64'], []])
    const { network, account } = keysOf(EMPLOYEES, { username: 'alice', clientIp: from.clientIp })
    for (const key of [network, account]) assert.equal(await store.counters.read(key), undefined)
  })

  test('says how long to wait, looks at no password meanwhile, and lets the owner in elsewhere', async (t) => {
    const hasher = countingHasher()
    const { authn, events, time } = await createBench(t, { hasher })
    const { authId } = asked(await authn.begin(START, context()))
    const submit = (answers: string[], where: LoginContext = context()): Promise<Step> =>
      authn.submit({ realm: EMPLOYEES, authId, answers }, where)
    for (let i = 0; i < 6; i++) assert.equal(asked(await submit(['alice', 'no'])).failure, 'bad-credentials')
    const page = asked(await submit(['Alice', 'alice']))
    assert.deepEqual([page.failure, page.retryAfterSeconds], ['throttled', 1])
    assert.deepEqual(page.callbacks[0], { type: 'NameCallback', prompt: 'username', value: 'Alice' })
    assert.equal(hasher.calls.length, 6)
    assert.deepEqual(events().at(-1), {
      event: 'AuthnThrottled',
      realm: EMPLOYEES,
      username: 'alice',
      scope: 'account',
    })
    const elsewhere = context(undefined, { origin: { requestId: 'r-2', clientIp: '198.51.100.1' } })
    done(await submit(['alice', 'alice'], elsewhere))
    time.now += 1_000
    const later = asked(await authn.begin(START, context()))
    done(await authn.submit({ realm: EMPLOYEES, authId: later.authId, answers: ['alice', 'alice'] }, context()))
  })

  test('enum: an unknown name is throttled exactly like a known one', async (t) => {
    const { authn } = await createBench(t)
    const { authId } = asked(await authn.begin(START, context()))
    for (const name of ['alice', 'nobody']) {
      const seen: unknown[] = []
      for (let i = 0; i < 8; i++) {
        const page = asked(await authn.submit({ realm: EMPLOYEES, authId, answers: [name, 'no'] }, context()))
        seen.push(page.failure)
      }
      assert.deepEqual(seen, [...Array<string>(6).fill('bad-credentials'), 'throttled', 'throttled'], name)
    }
  })

  test('parallel: of 200 guesses at once six are judged', async (t) => {
    const hasher = countingHasher()
    const { authn } = await createBench(t, { hasher })
    const { authId } = asked(await authn.begin(START, context()))
    const guess = (i: number): Promise<Step> =>
      authn.submit({ realm: EMPLOYEES, authId, answers: ['alice', `guess ${i}`] }, context())
    await Promise.all(Array.from({ length: 200 }, (_, i) => guess(i)))
    assert.equal(hasher.calls.length, 6)
  })
})

suite('authId', () => {
  test('works once: replayed after success it has expired, and says where the browser was going', async (t) => {
    const { authn } = await createBench(t)
    const { authId } = asked(await authn.begin(START, context()))
    const request = { realm: EMPLOYEES, authId, answers: ['alice', 'alice'] }
    done(await authn.submit(request, context()))
    assert.deepEqual(await authn.submit(request, context()), { kind: 'expired', destination: DESTINATION })
  })

  test('submitted twenty times at once it makes one session', async (t) => {
    const { authn, sessions } = await createBench(t)
    const { authId } = asked(await authn.begin(START, context()))
    const request = { realm: EMPLOYEES, authId, answers: ['alice', 'alice'] }
    // From as many networks, so that the throttle is not what keeps them apart.
    const from = (i: number): LoginContext =>
      context(undefined, { origin: { requestId: undefined, clientIp: `192.0.2.${i}` } })
    const steps = await Promise.all(Array.from({ length: 20 }, (_, i) => authn.submit(request, from(i))))
    assert.equal(steps.filter(({ kind }) => kind === 'done').length, 1)
    assert.equal(steps.filter(({ kind }) => kind === 'expired').length, 19)
    assert.equal((await sessions.ofUser({ realm: EMPLOYEES, userId: 'alice' })).length, 1)
  })

  test('login-csrf: one that was made for another browser signs nobody in and looks at no password', async (t) => {
    const hasher = countingHasher()
    const { authn } = await createBench(t, { hasher })
    const { authId } = asked(await authn.begin(START, context(undefined, { binding: binding('attacker') })))
    for (const bound of [binding('this browser'), '', 'x'])
      assert.deepEqual(
        await authn.submit(
          { realm: EMPLOYEES, authId, answers: ['alice', 'alice'] },
          context(undefined, { binding: bound }),
        ),
        { kind: 'expired', destination: undefined },
      )
    assert.deepEqual(hasher.calls, [])
  })

  test('forged, cut or foreign text has expired', async (t) => {
    const { authn } = await createBench(t)
    const { authId } = asked(await authn.begin(START, context()))
    const bad = ['', 'x', authId.slice(0, -1), `${authId}A`, authId.toUpperCase(), 'x'.repeat(1_000_000)]
    for (const text of bad) {
      const step = await authn.submit({ realm: EMPLOYEES, authId: text, answers: ['alice', 'alice'] }, context())
      assert.deepEqual(step, { kind: 'expired', destination: undefined })
    }
  })

  test('token-reuse: one of another realm has expired', async (t) => {
    const { authn } = await createBench(t)
    const { authId } = asked(await authn.begin({ ...START, realm: CUSTOMERS }, context()))
    const step = await authn.submit({ realm: EMPLOYEES, authId, answers: ['alice', 'alice'] }, context())
    assert.deepEqual(step, { kind: 'expired', destination: undefined })
  })

  test('a login that takes longer than the realm allows has expired, wrong tries included', async (t) => {
    const { authn, time } = await createBench(t)
    const { authId } = asked(await authn.begin(START, context()))
    time.now += 5 * 60_000 - 1
    done(await authn.submit({ realm: EMPLOYEES, authId, answers: ['alice', 'alice'] }, context()))
    const second = asked(await authn.begin(START, context()))
    time.now += 5 * 60_000
    const late = await authn.submit({ realm: EMPLOYEES, authId: second.authId, answers: ['alice', 'alice'] }, context())
    assert.equal(late.kind, 'expired')
  })
})

suite('the session before', () => {
  test('the same person in the same realm: upgraded in place, new token, old one dead', async (t) => {
    const { authn, sessions, events } = await createBench(t, { strong: true })
    const first = done(await login(authn, 'alice')).issued
    const second = done(await login(authn, 'alice', { session: first.session, level: 3 })).issued
    assert.equal(second.session.sid, first.session.sid)
    assert.deepEqual([second.session.gen, second.session.authLevel], [2, 3])
    assert.deepEqual(second.session.authModules, ['password', 'strong'])
    assert.notEqual(second.token, first.token)
    assert.equal(await sessions.resolve(first.token, 'login'), undefined)
    assert.equal((await sessions.resolve(second.token, 'login'))?.gen, 2)
    assert.equal((events().at(-1) as { authLevel: number }).authLevel, 3)
  })

  test('their name is offered', async (t) => {
    const { authn } = await createBench(t)
    const { session } = done(await login(authn, 'alice')).issued
    const page = asked(await authn.begin(START, context(session)))
    assert.deepEqual(page.callbacks[0], { type: 'NameCallback', prompt: 'username', value: 'alice' })
    const elsewhere = asked(await authn.begin({ ...START, realm: CUSTOMERS }, context(session)))
    assert.deepEqual(elsewhere.callbacks[0], { type: 'NameCallback', prompt: 'username' })
  })

  test('somebody else in the same realm: replaced', async (t) => {
    const { authn, sessions, events } = await createBench(t)
    const first = done(await login(authn, 'alice')).issued
    const second = done(await login(authn, 'bob', { session: first.session })).issued
    assert.notEqual(second.session.sid, first.session.sid)
    assert.equal(await sessions.resolve(first.token, 'login'), undefined)
    const about = { realm: EMPLOYEES, username: 'alice', sid: first.session.sid }
    assert.ok(
      events().some(
        (event) => JSON.stringify(event) === JSON.stringify({ event: 'SessionEnded', ...about, cause: 'replaced' }),
      ),
    )
  })

  for (const realmSwitch of ['end', 'keep'] as const) {
    test(`another realm whose rule is "${realmSwitch}"`, async (t) => {
      const { authn, sessions, events } = await createBench(t, { realmSwitch })
      const first = done(await login(authn, 'alice')).issued
      const second = done(await login(authn, 'dave', { realm: CUSTOMERS, session: first.session })).issued
      assert.equal(second.session.realm, CUSTOMERS)
      assert.equal((await sessions.resolve(first.token, 'login')) !== undefined, realmSwitch === 'keep')
      const causes = events().flatMap((event) => ('cause' in event ? [event.cause] : []))
      assert.deepEqual(causes, realmSwitch === 'end' ? ['realm-switch'] : [])
    })
  }

  test('a session that came in another window meanwhile: asked again, no password looked at', async (t) => {
    const hasher = countingHasher()
    const { authn } = await createBench(t, { hasher })
    const page = asked(await authn.begin(START, context()))
    const { session } = done(await login(authn, 'alice')).issued
    hasher.calls.length = 0
    const request = { realm: EMPLOYEES, authId: page.authId, answers: ['bob', 'bob'] }
    const again = asked(await authn.submit(request, context(session)))
    assert.equal(again.failure, 'session-changed')
    assert.deepEqual(again.destination, DESTINATION)
    assert.deepEqual(hasher.calls, [])
    done(await authn.submit({ ...request, authId: again.authId }, context(session)))
  })

  test('stepup: the step-up form of one session does nothing beside another', async (t) => {
    const { authn } = await createBench(t, { strong: true })
    const alice = done(await login(authn, 'alice')).issued.session
    const bob = done(await login(authn, 'bob')).issued.session
    const demand = { level: 3, force: false }
    const { authId } = asked(await authn.begin({ ...START, demand }, context(alice)))
    const step = await authn.submit({ realm: EMPLOYEES, authId, answers: ['alice', 'alice'] }, context(bob))
    assert.equal(asked(step).failure, 'session-changed')
  })

  test('a session that has ended before the answers came: a new one', async (t) => {
    const { authn, sessions } = await createBench(t)
    const { session } = done(await login(authn, 'alice')).issued
    const { authId } = asked(await authn.begin(START, context(session)))
    await sessions.end(session.sid, 'admin', { requestId: undefined, clientIp: undefined })
    const request = { realm: EMPLOYEES, authId, answers: ['alice', 'alice'] }
    assert.notEqual(done(await authn.submit(request, context())).issued.session.sid, session.sid)
  })

  test('a session that ends while the password is checked: asked again', async (t) => {
    const { authn, sessions } = await createBench(t)
    const { session } = done(await login(authn, 'alice')).issued
    const { authId } = asked(await authn.begin(START, context(session)))
    await sessions.end(session.sid, 'admin', { requestId: undefined, clientIp: undefined })
    const request = { realm: EMPLOYEES, authId, answers: ['alice', 'alice'] }
    assert.equal(asked(await authn.submit(request, context(session))).failure, 'session-changed')
  })
})

suite('the chain', () => {
  test('the default one where nothing is asked for, the one that reaches the level where one is', async (t) => {
    const { authn } = await createBench(t, { strong: true })
    for (const [level, stage] of [
      [undefined, 'password'],
      [0, 'password'],
      [1, 'password'],
      [2, 'strong'],
      [3, 'strong'],
    ] as const) {
      assert.equal(asked(await authn.begin({ ...START, demand: { level, force: false } }, context())).stage, stage)
    }
  })

  test('a level that no chain reaches is refused plainly', async (t) => {
    const { authn } = await createBench(t)
    const demand = { level: 3, force: false }
    assert.deepEqual(await authn.begin({ ...START, demand }, context()), {
      kind: 'unreachable',
      destination: DESTINATION,
    })
  })
})
