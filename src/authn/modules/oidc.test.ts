import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import type { EpochMs } from '../../base/brand.ts'
import type { LoginProvider } from '../../federation/login-provider.ts'
import { createIdentityProvider } from '../../federation/oidc-rp/identity-provider.ts'
import { liarConfig, startLiar, type Lies } from '../../federation/oidc-rp/liar.fixture.ts'
import { openIdProviderSchema } from '../../federation/oidc-rp/providers.schema.ts'
import { NOTHING_PRESENTED } from '../../http/presented.ts'
import { managedBench, newUser, REALM } from '../../identity/managed/managed.fixture.ts'
import type { AuthModuleDeps, AuthModuleInput, ModuleOutcome } from './module.ts'
import { oidcModule } from './oidc.ts'
import { oidcSchema } from './oidc.schema.ts'

const LINK = { claim: 'sub', is: 'externalId' }
const quiet = (): void => undefined
const log = { error: quiet, warn: quiet, info: quiet, debug: quiet }

/** People of one realm who sign in by providers that lie; `alice` is `sub: alice` at `corp`. */
async function scene(t: TestContext) {
  const [corp, other, people] = [await startLiar(), await startLiar(), managedBench(t)]
  t.after(() => Promise.all([corp.close(), other.close()]))
  const { store, sealer, records, directory } = await people.process()
  await records.create({
    ...newUser('alice', 'hash of alice'),
    attributes: { externalId: ['alice'], mail: ['alice@corp.example'] },
  })
  const provider = (name: 'corp' | 'other', more: object): LoginProvider => {
    const config = openIdProviderSchema.parse(liarConfig(name === 'corp' ? corp : other, more))
    return createIdentityProvider(name, config, {
      ...{ realm: REALM, directory, store, sealer, log, longestMs: 60_000, loginOrigin: 'http://login.example' },
      provisioning: { records, noPassword: () => Promise.resolve('hash of nothing') },
      sessions: { end: () => Promise.resolve(true), ofUser: () => Promise.resolve([]) },
      clock: () => Date.now() as EpochMs,
    })
  }
  const departures: URLSearchParams[] = []
  /** There and back: what a module of these rules makes of it. */
  const login = async (
    by: LoginProvider,
    {
      module = {},
      lies = {},
      input = {},
      from = by.name,
    }: { module?: object; lies?: Lies; input?: object; from?: string } = {},
  ): Promise<ModuleOutcome> => {
    const config = oidcSchema.parse({ type: 'oidc', provider: by.name, ...module })
    const deps = { directory, providers: new Map([[by.name, by]]) } as unknown as AuthModuleDeps
    const compiled = oidcModule.compile('oidc', config, deps)
    const asked: AuthModuleInput = {
      ...{ origin: { requestId: 'r', clientIp: '192.0.2.1' }, presented: NOTHING_PRESENTED, user: undefined },
      ...{ mayTell: false, suggestion: undefined, state: 'offered', answers: [''], ...input },
    }
    const away = await compiled.process(asked)
    if (away.kind !== 'ask') return away
    const [callback] = away.callbacks
    assert.ok(callback?.type === 'RedirectCallback')
    departures.push(new URL(callback.url).searchParams)
    const liar = by.name === 'corp' ? corp : other
    liar.lies = lies
    const answers = [`${from}?${liar.answer(callback.url)}`]
    const outcome = await compiled.process({ ...asked, state: away.state, answers })
    assert.equal(
      reasonOf(await compiled.process({ ...asked, state: away.state, answers })),
      from === by.name ? 'provider-replayed' : 'provider-refused',
    )
    return outcome
  }
  return { corp, other, provider, login, records, departures }
}

function reasonOf(outcome: ModuleOutcome): string {
  return outcome.kind === 'failed' ? outcome.reason : outcome.kind
}

function whoIs(outcome: ModuleOutcome): string {
  return outcome.kind === 'passed' ? outcome.user.username : reasonOf(outcome)
}

test('what was asked for is a condition: acr, auth_time, and the provider that the browser comes back from', async (t) => {
  const { provider, login } = await scene(t)
  const corp = provider('corp', { link: LINK })
  const mfa = { acr: ['urn:mfa'], authLevel: 2 }
  const strong = await login(corp, { module: { ...mfa, acrLevels: { 'urn:mfa': 3 } } })
  assert.deepEqual([whoIs(strong), strong.kind === 'passed' && strong.authLevel], ['alice', 3])
  assert.equal(
    reasonOf(await login(corp, { module: mfa, lies: { claims: { acr: 'urn:password' } } })),
    'provider-too-weak',
  )
  assert.equal(reasonOf(await login(corp, { module: mfa, lies: { claims: { acr: undefined } } })), 'provider-too-weak')
  const anHourAgo = Math.floor(Date.now() / 1_000) - 3_600
  const old = { lies: { claims: { auth_time: anHourAgo } } }
  const usual = await login(corp, old)
  assert.deepEqual([whoIs(usual), usual.kind === 'passed' && usual.provenAt], ['alice', anHourAgo * 1_000])
  assert.equal(reasonOf(await login(corp, { ...old, input: { maxAgeMs: 0 } })), 'provider-too-weak')
  assert.equal(
    reasonOf(await login(corp, { lies: { claims: { auth_time: undefined } }, input: { maxAgeMs: 0 } })),
    'provider-too-weak',
  )
  assert.equal(whoIs(await login(corp, { input: { maxAgeMs: 0 } })), 'alice')
  assert.equal(reasonOf(await login(corp, { from: 'other' })), 'provider-refused')
})

test('each login goes there with a challenge of its own, and its code is redeemed with what that was made of (PKCE)', async (t) => {
  const { corp, provider, login, departures } = await scene(t)
  for (let times = 0; times < 2; times++) assert.equal(whoIs(await login(provider('corp', { link: LINK }))), 'alice')
  const challenges = departures.map((asked) => [asked.get('code_challenge_method'), asked.get('code_challenge')])
  const made = corp.grants.map((form) =>
    createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url'),
  )
  assert.deepEqual(
    challenges,
    made.map((challenge) => ['S256', challenge]),
  )
  assert.equal(new Set(made).size, 2)
  for (const name of ['state', 'nonce']) assert.equal(new Set(departures.map((asked) => asked.get(name))).size, 2, name)
})

test('claims become properties of the session, which ends with the ID token where that is wanted', async (t) => {
  const { provider, login } = await scene(t)
  const lies = { claims: { department: 'ships', level: 7, exp: Math.floor(Date.now() / 1_000) + 120 } }
  const properties = { dept: 'department', number: 'level', none: 'absent' }
  const passed = await login(provider('corp', { link: LINK, properties, sessionEnds: 'idToken' }), { lies })
  assert.ok(passed.kind === 'passed')
  assert.equal(passed.properties?.['dept'], 'ships')
  assert.ok(!('number' in (passed.properties ?? {})) && !('none' in (passed.properties ?? {})))
  assert.equal(passed.endsAt, lies.claims.exp * 1_000)
  const own = await login(provider('corp', { link: LINK }), { lies })
  assert.ok(own.kind === 'passed' && own.endsAt === undefined)
})

test('people are known by issuer and sub, and linked by rule', async (t) => {
  const { provider, login, records } = await scene(t)
  const byMail = provider('corp', { link: { claim: 'email', is: 'mail' } })
  const mail = (email: string, more: object = {}) => ({
    lies: { claims: { sub: 's-1', email, email_verified: true, ...more } },
  })
  assert.equal(whoIs(await login(byMail, mail('alice@corp.example', { email_verified: false }))), 'provider-nobody')
  assert.equal(whoIs(await login(byMail, mail('alice@evil.example@corp.example'))), 'provider-nobody')
  assert.equal(whoIs(await login(byMail, mail('alice@corp.example'))), 'alice')
  assert.equal(whoIs(await login(byMail, mail('renamed@corp.example'))), 'alice', 'the link stays')
  const elsewhere = provider('other', { link: { claim: 'email', is: 'mail' } })
  assert.equal(whoIs(await login(elsewhere, mail('x@corp.example'))), 'provider-nobody', 'another provider’s sub')
  const alice = await records.byName('alice')
  await records.change(alice?.id ?? '', (user) => ({ ...user, disabled: true }))
  assert.equal(whoIs(await login(byMail, mail('alice@corp.example'))), 'linked-to-nobody')
})

test('whoever is nobody is created where that is wanted, and never becomes somebody who has the name', async (t) => {
  const { provider, login, records } = await scene(t)
  const groups = { claim: 'groups', map: { Crew: 'crew' } }
  const corp = provider('corp', { create: { username: 'nick', attributes: { dept: 'department' }, groups } })
  const as = (claims: object) => ({
    lies: { claims: { sub: 'n-1', nick: 'nora', department: 'ships', groups: ['Crew', 'admin'], ...claims } },
  })
  assert.equal(whoIs(await login(corp, as({}))), 'nora')
  const made = await records.byName('nora')
  assert.deepEqual([made?.groups, made?.attributes], [['crew'], { dept: ['ships'] }])
  assert.equal(whoIs(await login(corp, as({ nick: 'other', department: 'docks', groups: [] }))), 'nora')
  const later = await records.byName('nora')
  assert.deepEqual([later?.groups, later?.attributes], [[], { dept: ['docks'] }])
  assert.equal(whoIs(await login(corp, as({ sub: 'n-2', nick: 'alice' }))), 'name-taken')
  assert.equal(whoIs(await login(corp, as({ sub: 'n-3', nick: 'alice\u200b' }))), 'provider-nobody')
  const byMail = provider('corp', { create: {} })
  const mail = (email: string) => ({ lies: { claims: { sub: 'n-4', email, email_verified: true } } })
  assert.equal(whoIs(await login(byMail, mail('nils@evil.example@corp.example'))), 'provider-nobody')
  assert.equal(whoIs(await login(byMail, mail('nils@corp.example'))), 'nils@corp.example')
})
