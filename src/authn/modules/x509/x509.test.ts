import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { Extension, GeneralName, GeneralNames } from 'pkijs'
import { NOTHING_PRESENTED, type Presented } from '../../../http/presented.ts'
import { context, createBench, DESTINATION, done, EMPLOYEES, NO_DEMAND, user, type Bench } from '../../login.fixture.ts'
import type { Step } from '../../step.ts'
import { verificationName } from '../../../crypto/x509/authority.ts'
import { readCertificate } from '../../../crypto/x509/certificate.ts'
import { CN, issue, nameOf, pemOf, revoke, type Issued, type Wanted } from './certificates.fixture.ts'

/** When the bench's clock stands. */
const NOW = 1_800_000_000_000

const ca = issue({ authority: true, name: nameOf([CN, 'ca']) })
const goodList = pemOf('X509 CRL', revoke({ by: ca }))

function proofOf(authority: Issued, by = authority, name?: string): string {
  const certificate = readCertificate(authority.der)
  assert.ok(certificate)
  return issue({ by, name: nameOf([CN, name ?? verificationName(certificate)]) }).pem
}

interface Settings {
  readonly authorities?: Readonly<Record<string, object>>
  readonly revocation?: object
  readonly expired?: string
  readonly user?: object
}

const AUTHORITIES = { corp: { certificate: ca.pem, proof: proofOf(ca) } }

function benchFor(t: TestContext, settings: Settings = {}, chain?: readonly object[]): Promise<Bench> {
  const x509 = {
    type: 'x509',
    authorities: AUTHORITIES,
    revocation: { crls: [goodList] },
    user: { from: 'subject:CN' },
    ...settings,
  }
  const shared = { mail: ['alice@corp.example'] }
  return createBench(t, {
    users: [
      user('alice', { attributes: { ...shared, work: ['alice@corp.example'] } }),
      user('bob'),
      user('gone', { disabled: true }),
      user('twin', { attributes: shared }),
    ],
    authentication: {
      modules: { password: { type: 'password' }, x509 },
      chains: { default: chain ?? [{ module: 'x509', criteria: 'REQUIRED' }] },
    },
  })
}

function shows(leaf?: Issued, ...others: readonly Issued[]): Presented {
  return {
    ...NOTHING_PRESENTED,
    certificate: () => leaf && { leaf: leaf.der, others: others.map(({ der }) => der) },
  }
}

function begin({ authn }: Bench, presented: Presented): Promise<Step> {
  return authn.begin(
    { realm: EMPLOYEES, demand: NO_DEMAND, destination: DESTINATION },
    context(undefined, { presented }),
  )
}

/** Who it signs in; else the reason that is in the audit trail. */
async function outcome(bench: Bench, presented: Presented): Promise<string> {
  bench.audited.length = 0
  const step = await begin(bench, presented)
  if (step.kind === 'done') return step.issued.session.username
  assert.equal(step.kind, 'unreachable')
  const failed = bench.audited.find(({ event }) => event === 'AuthnFailed')
  return failed?.event === 'AuthnFailed' ? failed.reason : 'nothing audited'
}

const person = (wanted: Wanted = {}): Issued => issue({ by: ca, ...wanted })

test('a certificate signs in without a page, and says nothing of who does not exist', async (t) => {
  const bench = await benchFor(t)
  assert.equal(await outcome(bench, shows(person())), 'alice')
  assert.equal(await outcome(bench, shows(person({ name: nameOf([CN, 'ALICE']) }))), 'certificate-of-nobody', 'exact')
  assert.equal(await outcome(bench, shows(person({ name: nameOf([CN, 'nobody']) }))), 'certificate-of-nobody')
  assert.equal(await outcome(bench, shows(person({ name: nameOf([CN, 'gone']) }))), 'certificate-of-nobody')
  assert.equal(await outcome(bench, shows(issue())), 'certificate-untrusted')
  assert.equal(await outcome(bench, shows()), 'no-certificate')
  assert.equal(
    await outcome(bench, { ...NOTHING_PRESENTED, certificate: () => 'unreadable' }),
    'certificate-unreadable',
  )
})

test('who shows none is asked for a password where that will do, and has tried nothing', async (t) => {
  const bench = await benchFor(t, {}, [
    { module: 'x509', criteria: 'SUFFICIENT' },
    { module: 'password', criteria: 'REQUIRED' },
  ])
  const step = await begin(bench, shows())
  assert.ok(step.kind === 'ask' && step.stage === 'password')
  assert.deepEqual(bench.events(), [])
  assert.equal(done(await begin(bench, shows(person()))).issued.session.authLevel, 2)
  await begin(bench, shows(issue()))
  assert.equal(bench.audited.at(-1)?.event, 'AuthnFailed', 'one that is not accepted is an attempt')
})

test('as a second factor it is of the person of the first, or worth nothing', async (t) => {
  const bench = await benchFor(t, {}, [
    { module: 'password', criteria: 'REQUISITE' },
    { module: 'x509', criteria: 'REQUIRED' },
  ])
  const log = async (name: string): Promise<Step> => {
    const presented = shows(person())
    const page = await begin(bench, presented)
    assert.ok(page.kind === 'ask')
    return bench.authn.submit(
      { realm: EMPLOYEES, authId: page.authId, answers: [name, name] },
      context(undefined, { presented }),
    )
  }
  assert.deepEqual(done(await log('alice')).issued.session.authModules, ['password', 'x509'])
  assert.equal((await log('bob')).kind, 'ask')
  assert.ok(bench.audited.some((event) => event.event === 'AuthnFailed' && event.reason === 'user-mismatch'))
})

test('an authority is unusable until it has issued a certificate for its verification', async (t) => {
  const other = issue({ authority: true, name: nameOf([CN, 'ca']) })
  for (const [proof, why] of [
    [undefined, 'none'],
    [proofOf(ca, other), 'of another authority'],
    [proofOf(ca, ca, 'gatehouse-something'), 'for another name'],
  ] as const) {
    const corp = { certificate: ca.pem, ...(proof === undefined ? {} : { proof }) }
    const bench = await benchFor(t, { authorities: { corp } })
    assert.equal(await outcome(bench, shows(person())), 'certificate-untrusted', why)
  }
  const both = { ...AUTHORITIES, second: { certificate: other.pem, proof: proofOf(other) } }
  const crls = [goodList, pemOf('X509 CRL', revoke({ by: other }))]
  const bench = await benchFor(t, { authorities: both, revocation: { crls } })
  assert.equal(await outcome(bench, shows(issue({ by: other }))), 'alice')
})

test('a revocation list of the authority, of now, decides; without one nobody is let in unless the policy says so', async (t) => {
  const revoked = person()
  const later = { from: NOW - 7_200_000, until: NOW - 3_600_000 }
  const critical = new Extension({ extnID: '2.5.29.28', critical: true, extnValue: Uint8Array.of(0x30, 0).buffer })
  const list = (wanted: Partial<Parameters<typeof revoke>[0]>): string =>
    pemOf('X509 CRL', revoke({ by: ca, revoked: [revoked], ...wanted }))
  const verdict = async (leaf: Issued, revocation: object): Promise<string> =>
    outcome(await benchFor(t, { revocation }), shows(leaf))
  assert.equal(await verdict(revoked, { crls: [list({})] }), 'certificate-revoked')
  assert.equal(await verdict(revoked, { crls: [list({})], unknown: 'accept' }), 'certificate-revoked')
  assert.equal(await verdict(person(), { crls: [list({})] }), 'alice')
  assert.equal(await verdict(person(), {}), 'revocation-unknown')
  assert.equal(await verdict(person(), { unknown: 'accept' }), 'alice')
  assert.equal(await verdict(person(), { crls: [list(later)] }), 'revocation-unknown', 'an old list')
  assert.equal(await verdict(person(), { crls: [list({ from: NOW + 60_000 })] }), 'revocation-unknown', 'one to come')
  assert.equal(await verdict(person(), { crls: [list({ key: issue().key })] }), 'revocation-unknown', 'a forged list')
  const stranger = issue({ authority: true, name: nameOf([CN, 'stranger']) })
  assert.equal(await verdict(revoked, { crls: [list({ by: stranger })] }), 'revocation-unknown', "another's list")
  await assert.rejects(benchFor(t, { revocation: { crls: [list({ more: [critical] })] } }), { detail: /2\.5\.29\.28/ })
})

test('an intermediate that was revoked takes its certificates with it', async (t) => {
  const middle = issue({ by: ca, authority: true, name: nameOf([CN, 'middle']) })
  const leaf = issue({ by: middle })
  const below = pemOf('X509 CRL', revoke({ by: middle }))
  const good = await benchFor(t, { revocation: { crls: [goodList, below] } })
  assert.equal(await outcome(good, shows(leaf, middle)), 'alice')
  const crls = [pemOf('X509 CRL', revoke({ by: ca, revoked: [middle] })), below]
  assert.equal(await outcome(await benchFor(t, { revocation: { crls } }), shows(leaf, middle)), 'certificate-revoked')
})

async function serve(t: TestContext, answer: () => Buffer | number): Promise<{ url: string; asked: () => number }> {
  let asked = 0
  const server = createServer((_request, response) => {
    asked++
    const body = answer()
    if (typeof body === 'number') response.writeHead(body, { location: '/elsewhere' }).end()
    else response.end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/list`, asked: () => asked }
}

test('a list is fetched when it is needed, kept until its nextUpdate, and never before the chain is verified', async (t) => {
  const revoked = person()
  let answer: () => Buffer | number = () => revoke({ by: ca, revoked: [revoked], until: NOW + 3_600_000 })
  const { url, asked } = await serve(t, () => answer())
  const bench = await benchFor(t, { revocation: { crlUrls: [url] } })
  assert.equal(await outcome(bench, shows(issue())), 'certificate-untrusted')
  assert.equal(asked(), 0)
  const both = await Promise.all([begin(bench, shows(person())), begin(bench, shows(person()))])
  assert.deepEqual(
    both.map(({ kind }) => kind),
    ['done', 'done'],
  )
  assert.equal(await outcome(bench, shows(revoked)), 'certificate-revoked')
  assert.equal(asked(), 1)
  answer = () => 302
  bench.time.now += 3_600_000
  assert.equal(await outcome(bench, shows(person())), 'revocation-unknown', 'no redirect is followed')
  assert.equal(await outcome(bench, shows(person())), 'revocation-unknown')
  assert.equal(asked(), 2, 'an address that fails has a rest')
  answer = () => Buffer.alloc(70_000)
  const small = await benchFor(t, { revocation: { crlUrls: [url], maxBytes: 65_536 } })
  assert.equal(await outcome(small, shows(person())), 'revocation-unknown')
})

test('a list is read again after an hour, whatever it says of itself, and is kept where that fails', async (t) => {
  const stranger = issue({ authority: true, name: nameOf([CN, 'ca']) })
  const until = NOW + 30 * 86_400_000
  const [alice, bob] = [person(), person({ name: nameOf([CN, 'bob']) })]
  let answer: () => Buffer | number = () => revoke({ by: stranger, until })
  const { url, asked } = await serve(t, () => answer())
  const bench = await benchFor(t, { revocation: { crlUrls: [url] } })
  assert.equal(await outcome(bench, shows(alice)), 'revocation-unknown', 'one that somebody on the way has put there')
  answer = () => revoke({ by: ca, until })
  assert.equal(await outcome(bench, shows(alice)), 'revocation-unknown')
  bench.time.now += 3_600_000
  assert.equal(await outcome(bench, shows(alice)), 'alice')
  answer = () => 500
  bench.time.now += 3_600_000
  assert.equal(await outcome(bench, shows(alice)), 'alice')
  answer = () => revoke({ by: ca, until, revoked: [alice] })
  bench.time.now += 10_000
  assert.equal(await outcome(bench, shows(alice)), 'certificate-revoked')
  assert.equal(await outcome(bench, shows(bob)), 'bob')
  assert.equal(asked(), 4)
})

test('an expired certificate is accepted by an explicit policy only, and one to come never', async (t) => {
  const old = person({ from: NOW - 7_200_000, until: NOW - 3_600_000 })
  assert.equal(await outcome(await benchFor(t), shows(old)), 'certificate-expired')
  const lenient = await benchFor(t, { expired: 'accept' })
  assert.equal(await outcome(lenient, shows(old)), 'alice')
  const early = person({ from: NOW + 3_600_000, until: NOW + 7_200_000 })
  assert.equal(await outcome(lenient, shows(early)), 'certificate-not-yet-valid')
  const crls = [pemOf('X509 CRL', revoke({ by: ca, revoked: [old] }))]
  const both = await benchFor(t, { expired: 'accept', revocation: { crls } })
  assert.equal(await outcome(both, shows(old)), 'certificate-revoked')
})

test('a certificate is its user’s by what the configuration says, and by one user’s alone', async (t) => {
  const value = new GeneralNames({ names: [new GeneralName({ type: 1, value: 'alice@corp.example' })] })
  const more = [new Extension({ extnID: '2.5.29.17', extnValue: value.toSchema().toBER() })]
  const byMail = await benchFor(t, { user: { from: 'email', is: 'mail' } })
  assert.equal(await outcome(byMail, shows(person({ more }))), 'certificate-of-nobody', 'two users have the address')
  const byId = await benchFor(t, { user: { from: 'subject:CN', is: 'id' } })
  assert.equal(await outcome(byId, shows(person())), 'alice')
  const byWork = await benchFor(t, { user: { from: 'email', is: 'work' } })
  assert.equal(await outcome(byWork, shows(person({ more }))), 'alice')
  const narrow = { corp: { ...AUTHORITIES.corp, domains: ['other.example'] } }
  const elsewhere = await benchFor(t, { authorities: narrow, user: { from: 'email', is: 'work' } })
  assert.equal(await outcome(elsewhere, shows(person({ more }))), 'certificate-of-nobody', 'a domain of others')
  const proto = await benchFor(t, { user: { from: 'subject:CN', is: 'constructor' } })
  assert.equal(await outcome(proto, shows(person())), 'certificate-of-nobody')
})

test('a certificate has one spelling: the bits that its signature does not use are none', async (t) => {
  const bench = await benchFor(t)
  // One whose last bit can be left out without changing it.
  let leaf = person()
  while (((leaf.der.at(-1) ?? 1) & 1) === 1) leaf = person()
  assert.equal(await outcome(bench, shows(leaf)), 'alice')
  // The count stands before the signature, a SEQUENCE of two numbers: 30, its length, and so on.
  const der = Buffer.from(leaf.der)
  const at =
    der.length -
    1 -
    [66, 67, 68, 69, 70, 71, 72].findLastIndex((n) => der.at(-n) === 0x30 && der.at(1 - n) === n - 2) -
    66
  assert.equal(der[at], 0)
  der[at] = 1
  assert.equal(await outcome(bench, shows({ ...leaf, der })), 'certificate-unreadable')
})

test('bytes that are no certificate do no harm', async (t) => {
  const bench = await benchFor(t)
  const { der } = person()
  const bytes = [0, 1, 5, 40, der.length >> 1, der.length - 1].map((length) => der.subarray(0, length))
  bytes.push(Buffer.concat([der, Buffer.of(0)]), Buffer.alloc(100_000, 0x30), Buffer.alloc(30_000, 0xff))
  for (let i = 0; i < 60; i++) {
    const flipped = Buffer.from(der)
    flipped[(i * 131) % der.length] = (flipped[(i * 131) % der.length] ?? 0) ^ (1 << (i % 8))
    bytes.push(flipped)
  }
  for (const leaf of bytes) {
    const reason = await outcome(bench, { ...NOTHING_PRESENTED, certificate: () => ({ leaf, others: [leaf, der] }) })
    assert.match(reason, /^certificate-/)
  }
})
