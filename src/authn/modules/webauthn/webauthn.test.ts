import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { asked, CUSTOMERS, done, EMPLOYEES, NO_DEMAND } from '../../login.fixture.ts'
import { FLAGS } from './authenticator.fixture.ts'
import { LEVEL_2, MINUTE, optionsOf, passkeys, scene } from './webauthn.fixture.ts'

const NEVER_THIS_YOUNG = { level: 2, force: false, maxAgeMs: 0 }

suite('setting up a key', () => {
  test('asks for a discoverable key that checks its owner, under a handle that says nothing about them', async (t) => {
    const { begin, signIn } = await scene(t)
    const session = await signIn('alice')
    const page = asked(await begin(session, LEVEL_2))
    assert.deepEqual(
      page.callbacks.map(({ type }) => type),
      ['TextInputCallback', 'HiddenValueCallback', 'TextOutputCallback', 'MetadataCallback'],
    )
    const options = optionsOf(page)
    assert.equal(options['_action'], 'webauthn_registration')
    assert.deepEqual(options['rp'], { id: 'login.acme.example', name: 'Acme' })
    assert.deepEqual(
      options['pubKeyCredParams'],
      [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
    )
    assert.deepEqual(options['authenticatorSelection'], {
      residentKey: 'required',
      requireResidentKey: true,
      userVerification: 'required',
    })
    const { id, name } = options['user'] as { id: string; name: string }
    assert.equal(name, 'alice')
    assert.match(Buffer.from(id, 'base64url').toString('latin1'), /^[\w-]{43}$/, '256 bits, as text')
    assert.notEqual((optionsOf(await begin(session, LEVEL_2))['user'] as { id: string }).id, id, 'random, not derived')
    assert.equal(Buffer.from(options['challenge'] as string, 'base64url').length, 32)
  })

  for (const algorithm of ['ES256', 'EdDSA', 'RS256'] as const) {
    test(`takes ${algorithm}, and the key proves its owner from then on`, async (t) => {
      const { begin, prove, enrol, events } = await scene(t)
      const { key, session } = await enrol('alice', { algorithm })
      assert.deepEqual([session.authLevel, session.authModules], [2, ['password', 'webauthn']])
      assert.ok(events().some((event) => 'event' in event && event.event === 'FactorEnrolled'))
      const page = await begin(session, NEVER_THIS_YOUNG)
      assert.equal(asked(page).stage, 'webauthn')
      assert.equal(done(await prove(page, session, key.get(optionsOf(page)))).issued.session.gen, 3)
    })
  }

  test('refuses an algorithm that the realm does not take', async (t) => {
    const { begin, prove, signIn, authenticator } = await scene(t, passkeys({ algorithms: ['EdDSA'] }))
    const session = await signIn('alice')
    const page = await begin(session, LEVEL_2)
    const again = asked(await prove(page, session, authenticator().create(optionsOf(page))))
    assert.deepEqual([again.enrols, again.failure], [true, 'wrong-code'])
  })

  test('a key that is only touched will do where the realm says so, and for nothing else', async (t) => {
    const settings = { flags: FLAGS.up }
    const second = passkeys({ use: 'second', userVerification: 'discouraged' })
    const { enrol, begin, prove } = await scene(t, { ...second, chains: STRONG_ONLY })
    const { key, session } = await enrol('alice', settings)
    const page = await begin(session, NEVER_THIS_YOUNG)
    assert.equal(done(await prove(page, session, key.get(optionsOf(page)))).issued.session.authLevel, 2)

    const strict = await scene(t)
    const late = await strict.signIn('alice')
    const form = await strict.begin(late, LEVEL_2)
    const outcome = strict.authenticator(settings).create(optionsOf(form))
    assert.equal(asked(await strict.prove(form, late, outcome)).failure, 'wrong-code')
  })

  test('a page of a site that may sign people in is as good as the login host’s, and no other', async (t) => {
    const origin = 'http://app.login.acme.example'
    const { enrol, begin, prove, signIn, authenticator } = await scene(t, passkeys(), { pageOrigins: [origin] })
    const { key } = await enrol('alice', { origin })
    assert.equal((await prove(await begin(), undefined, key.get(optionsOf(await begin())))).kind, 'ask')
    const form = await begin()
    assert.equal((await prove(form, undefined, key.get(optionsOf(form)))).kind, 'done')
    const bob = await signIn('bob')
    for (const stranger of ['http://other.login.acme.example', `${origin}:81`, origin.replace('http', 'https')]) {
      const page = await begin(bob, LEVEL_2)
      const outcome = authenticator({ origin: stranger }).create(optionsOf(page))
      assert.equal(asked(await prove(page, bob, outcome)).failure, 'wrong-code', stranger)
    }
  })

  test('a challenge is for five minutes, one user and one purpose', async (t) => {
    const { begin, prove, signIn, time, authenticator } = await scene(t, passkeys({ timeout: '1m' }))
    const session = await signIn('alice')
    const page = await begin(session, LEVEL_2)
    const key = authenticator()
    const outcome = key.create(optionsOf(page))
    time.now += MINUTE + 1
    const again = asked(await prove(page, session, outcome))
    assert.equal(again.failure, 'wrong-code')
    assert.notEqual(optionsOf(again)['challenge'], optionsOf(page)['challenge'])
    const other = await begin(session, LEVEL_2)
    assert.equal(asked(await prove(other, session, key.create(optionsOf(again)))).failure, 'wrong-code')
  })

  test('nobody sets up a key that is somebody’s already', async (t) => {
    const { begin, prove, enrol, signIn, authenticator, events } = await scene(t)
    const { key } = await enrol('alice')
    const bob = await signIn('bob')
    const page = await begin(bob, LEVEL_2)
    const twin = authenticator({ credentialId: key.credentialId })
    assert.equal(asked(await prove(page, bob, twin.create(optionsOf(page)))).failure, 'wrong-code')
    assert.equal(events().filter((event) => 'event' in event && event.event === 'FactorEnrolled').length, 1)
    const next = await begin(bob, LEVEL_2)
    assert.equal((await prove(next, bob, authenticator().create(optionsOf(next)))).kind, 'done')
  })

  test('of two users who bring the same key at once one gets it', async (t) => {
    const { begin, prove, signIn, authenticator } = await scene(t)
    const people = [await signIn('alice'), await signIn('bob')]
    const { credentialId } = authenticator()
    const ends = await Promise.all(
      people.map(async (person) => {
        const page = await begin(person, LEVEL_2)
        return prove(page, person, authenticator({ credentialId }).create(optionsOf(page)))
      }),
    )
    assert.equal(ends.filter(({ kind }) => kind === 'done').length, 1)
  })
})

const STRONG_ONLY = {
  default: [{ module: 'password', criteria: 'REQUIRED' }],
  strong: [
    { module: 'password', criteria: 'REQUISITE' },
    { module: 'webauthn', criteria: 'REQUIRED' },
  ],
}

suite('a key as second factor', () => {
  test('the page names the keys of the user, and only after the first factor', async (t) => {
    const { begin, enrol } = await scene(t)
    const { key, session } = await enrol('alice')
    assert.deepEqual(optionsOf(await begin())['allowCredentials'], [], 'nobody is known yet')
    const page = optionsOf(await begin(session, NEVER_THIS_YOUNG))
    assert.deepEqual(page['allowCredentials'], [{ type: 'public-key', id: key.credentialId, transports: ['internal'] }])
    assert.equal(page['userVerification'], 'required')
  })

  test('where it would tell that the password was right, the page is the same for everybody', async (t) => {
    const both = {
      default: [
        { module: 'password', criteria: 'REQUIRED' },
        { module: 'webauthn', criteria: 'REQUIRED' },
      ],
      strong: STRONG_ONLY.strong,
    }
    const bench = await scene(t, passkeys({}, { chains: both }))
    const first = asked(await bench.answer(await bench.begin(), undefined, 'alice', 'alice'))
    const key = bench.authenticator()
    assert.equal((await bench.prove(first, undefined, key.create(optionsOf(first)))).kind, 'done')
    const pages: object[] = []
    for (const [name, password] of [
      ['alice', 'alice'],
      ['alice', 'wrong'],
      ['nobody', 'wrong'],
    ] as const) {
      const page = asked(await bench.answer(await bench.begin(), undefined, name, password))
      pages.push({ ...optionsOf(page), challenge: '' })
      const end = asked(await bench.prove(page, undefined, key.get(optionsOf(page), { flags: FLAGS.up })))
      assert.equal(end.failure, 'bad-credentials', 'and so is the end')
    }
    assert.deepEqual(pages[1], pages[0])
    assert.deepEqual(pages[2], pages[0])
  })

  test('a wrong answer may be given again, to a new challenge', async (t) => {
    const { begin, prove, enrol, events } = await scene(t)
    const { key, session } = await enrol('alice')
    const page = await begin(session, NEVER_THIS_YOUNG)
    const again = asked(await prove(page, session, key.get(optionsOf(page), { flags: FLAGS.up })))
    assert.equal(again.failure, 'wrong-code')
    assert.notEqual(optionsOf(again)['challenge'], optionsOf(page)['challenge'])
    const failed = { event: 'AuthnFailed', realm: EMPLOYEES, username: 'alice', reason: 'wrong-assertion' }
    assert.deepEqual(events().at(-1), failed)
    assert.equal((await prove(again, session, key.get(optionsOf(again)))).kind, 'done')
  })

  test('many wrong answers have to wait', async (t) => {
    const { begin, prove, enrol } = await scene(t)
    const { key, session } = await enrol('alice')
    let page = asked(await begin(session, NEVER_THIS_YOUNG))
    for (let i = 0; i < 7; i++) {
      page = asked(await prove(page, session, key.get(optionsOf(page), { flags: FLAGS.up })))
    }
    assert.equal(page.failure, 'throttled')
  })

  test('a counter that does not go up is refused and audited; one that does is remembered', async (t) => {
    const { begin, prove, enrol, events } = await scene(t)
    const { key, session } = await enrol('alice', { counter: 7, flags: FLAGS.up | FLAGS.uv })
    const page = await begin(session, NEVER_THIS_YOUNG)
    const raised = done(await prove(page, session, key.get(optionsOf(page)))).issued.session
    for (const counter of [0, 7, 8]) {
      const next = await begin(raised, NEVER_THIS_YOUNG)
      assert.equal(asked(await prove(next, raised, key.get(optionsOf(next), { counter }))).failure, 'wrong-code')
      const regressed = { event: 'AuthnFailed', realm: EMPLOYEES, username: 'alice', reason: 'counter-regressed' }
      assert.deepEqual(events().at(-1), regressed)
    }
    const last = await begin(raised, NEVER_THIS_YOUNG)
    assert.equal((await prove(last, raised, key.get(optionsOf(last), { counter: 12 }))).kind, 'done')
  })

  test('signCounter: ignore takes it all the same', async (t) => {
    const { begin, prove, enrol } = await scene(t, passkeys({ signCounter: 'ignore' }))
    const { key, session } = await enrol('alice', { counter: 7 })
    const page = await begin(session, NEVER_THIS_YOUNG)
    assert.equal((await prove(page, session, key.get(optionsOf(page), { counter: 3 }))).kind, 'done')
  })

  test('whether it may be synchronised is for life; whether it is, is not', async (t) => {
    const { begin, prove, enrol } = await scene(t)
    const { key, session } = await enrol('alice', { flags: FLAGS.up | FLAGS.uv | FLAGS.be })
    const wrong = await begin(session, NEVER_THIS_YOUNG)
    const single = key.get(optionsOf(wrong), { flags: FLAGS.up | FLAGS.uv })
    assert.equal(asked(await prove(wrong, session, single)).failure, 'wrong-code')
    const page = await begin(session, NEVER_THIS_YOUNG)
    const backedUp = key.get(optionsOf(page), { flags: FLAGS.up | FLAGS.uv | FLAGS.be | FLAGS.bs })
    assert.equal((await prove(page, session, backedUp)).kind, 'done')
  })

  test('of many that send one answer at once, one gets through', async (t) => {
    const { begin, prove, enrol } = await scene(t)
    const { key, session } = await enrol('alice')
    const page = await begin(session, NEVER_THIS_YOUNG)
    const outcome = key.get(optionsOf(page))
    const ends = await Promise.all(Array.from({ length: 8 }, () => prove(page, session, outcome)))
    assert.equal(ends.filter(({ kind }) => kind === 'done').length, 1)
  })
})

suite('a login that begins with a passkey', () => {
  test('on the page of name and password, without either', async (t) => {
    const { begin, answer, prove, enrol } = await scene(t)
    const { key } = await enrol('alice')
    const page = asked(await begin())
    assert.deepEqual(
      page.callbacks.map(({ type }) => type),
      ['NameCallback', 'PasswordCallback', 'HiddenValueCallback', 'MetadataCallback'],
    )
    assert.deepEqual([page.stage, page.others], ['password', []])
    const { session } = done(await prove(page, undefined, key.get(optionsOf(page)))).issued
    assert.deepEqual([session.username, session.authLevel, session.authModules], ['alice', 2, ['webauthn']])
    assert.equal(done(await answer(await begin(), undefined, 'bob', 'bob', '')).issued.session.username, 'bob')
  })

  test('a password that has to be changed first goes on alone', async (t) => {
    const user = { id: 'alice', username: 'alice', groups: new Set<string>(), attributes: {} }
    const checkPassword = () =>
      Promise.resolve({ kind: 'change-first', user, stamp: '1', reason: 'must-change' } as const)
    const { begin, answer } = await scene(t, passkeys(), { checkPassword })
    const next = asked(await answer(await begin(), undefined, 'alice', 'alice', ''))
    assert.ok(next.callbacks.every(({ type }) => type !== 'HiddenValueCallback' && type !== 'NameCallback'))
    const end = asked(await answer(next, undefined, 'one thing', 'another'))
    // This directory changes no passwords: what was answered went to the module that asked, and it gave up.
    assert.ok(end.callbacks.some(({ type }) => type === 'NameCallback'))
  })

  test('tells nobody which key is whose', async (t) => {
    const { begin, prove, enrol, authenticator, events } = await scene(t)
    const { key } = await enrol('alice')
    const stranger = authenticator()
    const page = await begin()
    stranger.create({ ...optionsOf(page), rp: { id: 'login.acme.example' }, user: { id: 'x', name: 'x' } })
    const unknown = asked(await prove(page, undefined, stranger.get(optionsOf(page))))
    const next = await begin()
    const wrong = asked(await prove(next, undefined, key.get(optionsOf(next), { flags: FLAGS.up })))
    const shape = (step: typeof wrong) => ({ ...step, authId: '', callbacks: step.callbacks.map(({ type }) => type) })
    assert.deepEqual(shape(unknown), shape(wrong))
    const reasons = events().slice(-2)
    assert.deepEqual(
      reasons.map((event) => ('reason' in event ? event.reason : '')),
      ['unknown-key', 'wrong-assertion'],
    )
  })

  test('needs the handle: a key that does not say whose it is begins no login', async (t) => {
    const { begin, prove, enrol } = await scene(t)
    const { key } = await enrol('alice')
    for (const userHandle of [null, 'YWxpY2U', 'A'.repeat(43)]) {
      const page = await begin()
      const end = asked(await prove(page, undefined, key.get(optionsOf(page), { userHandle })))
      assert.equal(end.failure, 'bad-credentials', String(userHandle))
    }
  })

  test('needs its owner: touched alone, without PIN, finger or face, it begins no login', async (t) => {
    const { begin, prove, enrol } = await scene(t)
    const { key } = await enrol('alice')
    const page = await begin()
    // Nothing else than this is wrong with it: the key may be synchronised, and is.
    const touched = key.get(optionsOf(page), { flags: FLAGS.up | FLAGS.be | FLAGS.bs })
    assert.equal(asked(await prove(page, undefined, touched)).failure, 'bad-credentials')
  })

  test('an answer works once, and never on the page of another login', async (t) => {
    const { begin, prove, enrol } = await scene(t)
    const { key } = await enrol('alice')
    const [page, other] = [await begin(), await begin()]
    const outcome = key.get(optionsOf(page))
    assert.equal(asked(await prove(other, undefined, outcome)).failure, 'bad-credentials')
    assert.equal((await prove(page, undefined, outcome)).kind, 'done')
    assert.equal((await prove(page, undefined, outcome)).kind, 'ask', 'the challenge is used')
  })

  test('counts for another realm as little as a stranger’s', async (t) => {
    const { begin, prove, enrol } = await scene(t)
    const { key } = await enrol('alice')
    const page = await begin(undefined, NO_DEMAND, CUSTOMERS)
    assert.equal(asked(await prove(page, undefined, key.get(optionsOf(page)))).failure, 'bad-credentials')
  })

  test('is refused where the authentication policy wants a password first', async (t) => {
    const policies = [{ name: 'all', firstFactors: ['password'] }]
    const { begin, prove, enrol, events } = await scene(t, passkeys({}, { policies }))
    const { key } = await enrol('alice')
    const page = await begin()
    assert.equal(asked(await prove(page, undefined, key.get(optionsOf(page)))).failure, 'bad-credentials')
    assert.deepEqual(events().at(-1), {
      event: 'AuthnFailed',
      realm: EMPLOYEES,
      username: 'alice',
      reason: 'not-allowed',
    })
  })

  const TWO_STEPS = {
    ...STRONG_ONLY,
    default: [
      { module: 'password', or: ['webauthn'], criteria: 'REQUISITE' },
      { module: 'totp', or: ['webauthn'], criteria: 'REQUIRED' },
    ],
  }

  /** Alice with a key, and an app for whoever takes that. */
  const twoSteps = (webauthn: object): Readonly<Record<string, unknown>> => ({
    ...passkeys({}, { chains: TWO_STEPS }),
    modules: {
      password: { type: 'password' },
      totp: { type: 'totp' },
      webauthn: { type: 'webauthn', ...webauthn },
    },
  })

  for (const multiFactor of [true, false]) {
    test(`is the second factor as well: ${multiFactor}, as the realm says`, async (t) => {
      const { begin, answer, choose, prove, authenticator } = await scene(t, twoSteps({ multiFactor }))
      const app = asked(await answer(await begin(), undefined, 'alice', 'alice', ''))
      assert.deepEqual([app.stage, app.enrols, app.others], ['totp', true, ['webauthn']])
      const form = await choose(app, undefined, 'webauthn')
      const key = authenticator()
      assert.equal((await prove(form, undefined, key.create(optionsOf(form)))).kind, 'done')

      const page = await begin()
      const end = await prove(page, undefined, key.get(optionsOf(page)))
      if (multiFactor) done(end)
      else assert.equal(asked(end).failure, 'bad-credentials', 'one key alone is one factor')
    })
  }

  test('under another name it is the same key', async (t) => {
    const modules = {
      password: { type: 'password' },
      passkey: { type: 'webauthn', use: 'first', authLevel: 1 },
      key: { type: 'webauthn', use: 'second' },
    }
    const chains = {
      default: [
        { module: 'password', or: ['passkey'], criteria: 'REQUISITE' },
        { module: 'key', criteria: 'REQUIRED' },
      ],
    }
    const policies = [{ name: 'all', secondFactors: ['key'] }]
    for (const more of [{ chains }, { policies, chains: { default: chains.default.slice(0, 1) } }]) {
      const { begin, answer, prove, choose, authenticator } = await scene(t, { modules, ...more })
      let form = asked(await answer(await begin(), undefined, 'alice', 'alice', ''))
      if (form.stage !== 'key') form = asked(await choose(form, undefined, 'key'))
      const key = authenticator()
      await prove(form, undefined, key.create({ ...optionsOf(form) }))
      const page = await begin()
      assert.equal((await prove(page, undefined, key.get(optionsOf(page)))).kind, 'ask')
    }
  })
})
