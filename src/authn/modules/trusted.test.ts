import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { NOTHING_PRESENTED, type Presented } from '../../http/presented.ts'
import type { LoginDemand } from '../demand.ts'
import {
  context,
  createBench,
  DESTINATION,
  done,
  EMPLOYEES,
  NO_DEMAND,
  TOTP_SECRET,
  user,
  type Bench,
  type BenchOptions,
} from '../login.fixture.ts'
import { trustedSchema } from './trusted.schema.ts'
import { issue, type Issued } from './x509/certificates.fixture.ts'

const HASH = '$argon2id of s3cret'
const ROOT = issue({ authority: true })
const SERVER = issue({ by: ROOT })
const TRUSTED = {
  type: 'trusted',
  parties: {
    portal: { secret: HASH },
    backend: { certificates: [SERVER.pem] },
    inside: { secret: HASH, networks: ['10.0.0.0/8'] },
    desk: { secret: HASH, groups: ['customers'] },
  },
}

/** Knows one secret, and counts. */
function hasher() {
  const calls: string[] = []
  const note = (call: string): Promise<void> => Promise.resolve(void calls.push(call))
  return {
    calls,
    verify: (stored: string, secret: string) => note('verify').then(() => stored === HASH && secret === 's3cret'),
    verifyNothing: () => note('nothing'),
    hasRoom: () => true,
  }
}

const USERS = [
  user('alice', { attributes: { mail: ['alice@acme.example'] } }),
  user('bob', { totp: TOTP_SECRET }),
  user('carl', { groups: ['customers'] }),
  user('gone', { disabled: true }),
]

function bench(t: TestContext, more: object = {}, options: BenchOptions = {}): Promise<Bench> {
  const authentication = {
    modules: {
      password: { type: 'password' },
      totp: { type: 'totp' },
      anonymous: { type: 'anonymous' },
      trusted: { ...TRUSTED, ...more },
    },
    chains: {
      default: [{ module: 'password', criteria: 'REQUIRED' }],
      trusted: [{ module: 'trusted', criteria: 'REQUIRED' }],
      both: [
        { module: 'trusted', criteria: 'REQUISITE' },
        { module: 'totp', criteria: 'REQUIRED' },
      ],
    },
  }
  return createBench(t, { hasher: hasher(), users: USERS, authentication, ...options })
}

function says(assertedUser: string | undefined, username = 'portal', password = 's3cret'): Presented {
  return { ...NOTHING_PRESENTED, basic: { username, password }, assertedUser }
}

function shows(assertedUser: string, certificate: Issued | undefined): Presented {
  const leaf = certificate?.der
  return { ...NOTHING_PRESENTED, assertedUser, certificate: () => leaf && { leaf, others: [] } }
}

/** Who it signs in; else the reason that is in the audit trail, and who is said to have said it. */
async function outcome({ authn, audited }: Bench, presented: Presented, clientIp = '192.0.2.1'): Promise<string> {
  audited.length = 0
  const demand: LoginDemand = { ...NO_DEMAND, chain: 'trusted' }
  const origin = { requestId: 'r-1', clientIp }
  const step = await authn.begin(
    { realm: EMPLOYEES, demand, destination: DESTINATION },
    context(undefined, { presented, origin }),
  )
  if (step.kind === 'done') {
    assert.equal(step.issued.session.authInstant, 0, 'they did nothing themselves')
    return step.issued.session.username
  }
  const failed = audited.find(({ event }) => event === 'AuthnFailed')
  return failed?.event === 'AuthnFailed' ? `${failed.reason} ${failed.assertedBy ?? '-'}` : step.kind
}

suite('a server that says who somebody is', () => {
  test('by its secret or its certificate; session and audit trail keep which server it was', async (t) => {
    const opened = await bench(t)
    const { audited, sessions } = opened
    for (const [presented, by] of [
      [says('alice'), 'portal'],
      [shows('alice', SERVER), 'backend'],
    ] as const) {
      assert.equal(await outcome(opened, presented), 'alice')
      const event = audited.find((each) => each.event === 'AuthnSucceeded')
      assert.ok(event?.event === 'AuthnSucceeded')
      assert.deepEqual([event.username, event.assertedBy, event.modules], ['alice', by, ['trusted']])
      const session = await sessions.find(event.sid ?? '')
      assert.deepEqual([session?.properties['assertedBy'], session?.authLevel], [by, 1])
    }
  })

  test('by an attribute, exactly', async (t) => {
    const opened = await bench(t, { user: { is: 'mail' } })
    assert.equal(await outcome(opened, says('alice@acme.example')), 'alice')
    assert.equal(await outcome(opened, says('Alice@acme.example')), 'asserted-nobody portal')
  })

  test('a second factor may follow, which the person proves', async (t) => {
    const opened = await bench(t)
    const demand: LoginDemand = { ...NO_DEMAND, chain: 'both' }
    const request = { realm: EMPLOYEES, demand, destination: DESTINATION }
    const step = await opened.authn.begin(request, context(undefined, { presented: says('bob') }))
    assert.ok(step.kind === 'ask' && step.stage === 'totp' && step.username === 'bob')
  })
})

suite('attacks on it', () => {
  test('a wrong secret, an unknown server and no proof at all are one and the same, and cost the same', async (t) => {
    const counting = hasher()
    const opened = await bench(t, {}, { hasher: counting })
    for (const presented of [says('alice', 'portal', 'wrong'), says('alice', 'nobody'), says('alice', 'backend')]) {
      counting.calls.length = 0
      assert.equal(await outcome(opened, presented), 'unknown-party -')
      assert.equal(counting.calls.length, 1)
    }
    assert.equal(await outcome(opened, { ...NOTHING_PRESENTED, assertedUser: 'alice' }), 'unknown-party -')
    assert.equal(
      await outcome(opened, { ...NOTHING_PRESENTED, assertedUser: 'alice', bearer: 's3cret' }),
      'unknown-party -',
    )
  })

  test('secrets are not guessed faster than passwords, and guessing keeps no person out', async (t) => {
    const opened = await bench(t)
    const reasons: string[] = []
    for (let i = 0; i < 12; i++) reasons.push(await outcome(opened, says('alice', 'portal', `wrong ${i}`)))
    assert.ok(reasons.includes('party-throttled -'))
    assert.equal(await outcome(opened, says('alice')), 'party-throttled -')
    assert.equal(await outcome(opened, says('alice'), '198.51.100.7'), 'alice', 'the server itself, elsewhere')
    const { authn } = opened
    const page = await authn.begin({ realm: EMPLOYEES, demand: NO_DEMAND, destination: DESTINATION }, context())
    assert.ok(page.kind === 'ask')
  })

  test('for nobody who is unknown, disabled, in another realm, without proof, or called in another spelling', async (t) => {
    const opened = await bench(t)
    for (const name of ['nobody', 'gone', 'dave', 'ALICE', ' alice', 'alice\u0000', 'anonymous~x', '*', '']) {
      assert.equal(await outcome(opened, says(name)), 'asserted-nobody portal', JSON.stringify(name))
    }
    const byId = await bench(t, { user: { is: 'id' } })
    assert.equal(await outcome(byId, says('anonymous~x')), 'asserted-nobody portal')
  })

  test('of its own realm only: nobody knows those of another', async (t) => {
    const opened = await bench(t)
    const demand: LoginDemand = { ...NO_DEMAND, chain: 'trusted' }
    const request = { realm: EMPLOYEES, demand, destination: DESTINATION }
    const step = await opened.authn.begin(request, context(undefined, { presented: says('dave') }))
    assert.equal(step.kind, 'unreachable')
  })

  test('another certificate of the same authority is another server, and an expired one none', async (t) => {
    const opened = await bench(t)
    assert.equal(await outcome(opened, shows('alice', issue({ by: ROOT }))), 'unknown-party -')
    assert.equal(await outcome(opened, shows('alice', undefined)), 'unknown-party -')
    const unreadable: Presented = { ...NOTHING_PRESENTED, assertedUser: 'alice', certificate: () => 'unreadable' }
    assert.equal(await outcome(opened, unreadable), 'unknown-party -')
    opened.time.now = Date.UTC(2050, 0)
    assert.equal(await outcome(opened, shows('alice', SERVER)), 'unknown-party -')
  })

  test('a good certificate does not mend a wrong secret', async (t) => {
    const opened = await bench(t)
    const both = { ...shows('alice', SERVER), basic: { username: 'portal', password: 'wrong' } }
    assert.equal(await outcome(opened, both), 'unknown-party -')
  })

  test('from its own networks and for its own groups', async (t) => {
    const opened = await bench(t)
    assert.equal(await outcome(opened, says('alice', 'inside')), 'party-elsewhere inside')
    assert.equal(await outcome(opened, says('alice', 'inside'), '10.1.2.3'), 'alice')
    assert.equal(await outcome(opened, says('alice', 'desk')), 'party-not-allowed desk')
    assert.equal(await outcome(opened, says('carl', 'desk')), 'carl')
  })

  test('a session of somebody else is not turned into the one that is named', async (t) => {
    const opened = await bench(t)
    const { authn, sessions } = opened
    const begin = (demand: LoginDemand, session?: Parameters<typeof context>[0], presented?: Presented) =>
      authn.begin({ realm: EMPLOYEES, demand, destination: DESTINATION }, context(session, presented && { presented }))
    const demand: LoginDemand = { ...NO_DEMAND, chain: 'trusted' }
    const { session } = done(await begin(demand, undefined, says('bob'))).issued
    assert.equal((await begin(demand, session, says('alice'))).kind, 'unreachable')
    assert.equal((await sessions.find(session.sid))?.username, 'bob')
  })

  test('nothing is tried, and nothing written down, where nothing is said', async (t) => {
    const opened = await bench(t)
    assert.equal(await outcome(opened, says(undefined)), 'no-assertion -')
  })

  test('a party with a plain secret, with both proofs or with none is no configuration', () => {
    for (const bad of [{ secret: 's3cret' }, {}, { secret: HASH, certificates: [SERVER.pem] }]) {
      assert.equal(trustedSchema.safeParse({ type: 'trusted', parties: { portal: bad } }).success, false)
    }
    assert.equal(trustedSchema.safeParse({ type: 'trusted', parties: {} }).success, false)
  })
})
