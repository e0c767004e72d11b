import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { EpochMs } from '../base/brand.ts'
import { GatehouseError } from '../errors.ts'
import { sessionRulesSchema } from '../session/session-rules.schema.ts'
import { ALL_MODULE_TYPES, loadModuleTypes } from './modules/catalogue.ts'
import type { RealmAuthnDeps } from './realm-authn.ts'
import { authnSchema } from './chains.schema.ts'
import { chooseChain, type Circumstances } from './choose-chain.ts'
import type { Standing } from './demand.ts'
import { compileRealmAuthn, type RealmAuthn } from './realm-authn.ts'
import { EMPLOYEES, LOGIN_ORIGIN } from './login.fixture.ts'

const never = (): never => assert.fail('compiling asks nobody')

const deps: RealmAuthnDeps = {
  directory: { realm: EMPLOYEES, checkPassword: never, find: never },
  store: {
    counters: { add: never, read: never, clear: never },
    versioned: { create: never, load: never, replace: never, remove: never },
    epochs: { read: never, raise: never, all: never },
    documents: { get: never, list: never, page: never, putIfAbsent: never, replace: never, remove: never },
  },
  sealer: { seal: never, open: never },
  clock: () => 0 as EpochMs,
  loginOrigin: LOGIN_ORIGIN,
  moduleTypes: await loadModuleTypes(ALL_MODULE_TYPES),
}

function compile(config: unknown): RealmAuthn {
  const authentication = authnSchema.parse(config)
  const session = sessionRulesSchema.parse({})
  return compileRealmAuthn({ name: EMPLOYEES, authentication, session, look: {}, users: [] }, deps)
}

const MODULES = { one: { type: 'password' }, two: { type: 'password', authLevel: 2 } } as const

function chain(...entries: readonly string[]): readonly object[] {
  return entries.map((entry) => {
    const [module, criteria] = entry.split(' ')
    return { module, criteria }
  })
}

suite('realm', () => {
  test('without configuration has one chain of one step, name and password', () => {
    const realm = compile({})
    assert.deepEqual([...realm.chains.keys()], ['default', 'module:password'])
    assert.deepEqual([...realm.modules.keys()], ['password'])
    assert.equal(realm.journeyTimeoutMs, 300_000)
  })

  test('chains knows what everybody reaches who passes them', () => {
    const realm = compile({
      modules: MODULES,
      defaultChain: 'either',
      chains: { either: chain('two SUFFICIENT', 'one REQUIRED'), both: chain('one REQUIRED', 'two REQUIRED') },
    })
    assert.deepEqual(
      [...realm.chains.values()].map(({ level }) => level),
      [1, 2, 1, 2],
    )
    assert.equal(chooseChain(realm, { level: 1, force: false })?.chain, 'either')
    assert.equal(chooseChain(realm, { level: 2, force: false })?.chain, 'both', 'not one that may end lower')
    assert.equal(chooseChain(realm, { level: 3, force: false }), undefined)
  })

  test('second factors that policies want count as of the chain, as far as everybody has to pass them', () => {
    const modules = {
      one: { type: 'password' },
      code: { type: 'totp', authLevel: 2 },
      mail: { type: 'totp', authLevel: 1 },
    }
    const chains = { default: chain('one REQUIRED') }
    const wanted = { name: 'wanted', secondFactors: ['code'] }
    const weaker = { name: 'weaker', groups: ['guests'], secondFactors: ['code', 'mail'] }
    const chosen = (policies: readonly object[], circumstances: Circumstances = {}, more: object = {}) =>
      chooseChain(compile({ modules, chains, policies }), { level: 2, force: false, ...more }, circumstances)?.chain
    const staff = { username: 'alice', groups: new Set<string>() }
    const guest = { username: 'gil', groups: new Set(['guests']) }
    assert.equal(chosen([]), undefined)
    assert.equal(chosen([wanted]), 'default', 'whoever it is')
    assert.equal(chosen([weaker]), undefined, 'it may be somebody whom no policy is for')
    assert.equal(chosen([weaker, wanted]), undefined, 'or one for whom a weaker factor does')
    assert.equal(chosen([{ ...wanted, users: ['alice'] }]), undefined, 'it may be anybody else')
    assert.equal(chosen([{ ...wanted, users: ['alice'] }], { user: staff }), 'default')
    assert.equal(chosen([{ ...wanted, users: ['alice'] }], { user: guest }), undefined)
    assert.equal(chosen([weaker, wanted], { user: guest }), undefined)
    assert.equal(chosen([weaker, wanted], { user: staff }), 'default')
    const passed = {
      ...staff,
      userId: 'alice',
      authModules: ['one', 'code'],
      authLevel: 1,
      authInstant: 0,
      properties: {},
    }
    const standing = passed as unknown as Standing
    assert.equal(chosen([wanted], { user: staff, standing }), undefined, 'what was passed is not asked again')
    assert.equal(chosen([wanted], { user: staff, standing }, { force: true }), 'default')
    assert.equal(chosen([wanted], { user: staff }, { transaction: 't' }), undefined, 'an approval takes a chain')
  })

  test('a proof that has to be fresh takes a chain that nobody passes without doing something', () => {
    const signers = [{ issuer: 'i', audience: 'a', jwks: 'https://idp.example/jwks' }]
    const modules = { password: { type: 'password' }, jwt: { type: 'externalJwt', signers, authLevel: 2 } }
    const aged = { level: undefined, force: false, maxAgeMs: 0 }
    const chosen = (chains: object, demand: object = {}) =>
      chooseChain(compile({ modules, chains }), { ...aged, ...demand })?.chain
    const silent = chain('jwt REQUIRED')
    assert.equal(chosen({ default: silent }), undefined)
    assert.equal(chosen({ default: silent }, { maxAgeMs: undefined }), 'default')
    assert.equal(chosen({ default: chain('jwt SUFFICIENT', 'password REQUIRED') }), undefined)
    assert.equal(chosen({ default: [{ module: 'password', or: ['jwt'], criteria: 'REQUIRED' }] }), undefined)
    assert.equal(chosen({ default: silent, both: chain('jwt REQUIRED', 'password REQUIRED') }), 'both')
    assert.equal(
      chosen({ default: silent, transaction: silent }, { transaction: 't' }),
      undefined,
      'no approval either',
    )
  })

  test('the shortest chain is chosen, the first of equals, the default before all', () => {
    const modules = MODULES
    const chains = {
      long: chain('one REQUIRED', 'two REQUIRED'),
      first: chain('two REQUIRED'),
      second: chain('two REQUISITE'),
      plain: chain('one REQUIRED'),
    }
    const level = { level: 2, force: false }
    assert.equal(chooseChain(compile({ modules, chains, defaultChain: 'plain' }), level)?.chain, 'first')
    assert.equal(chooseChain(compile({ modules, chains, defaultChain: 'long' }), level)?.chain, 'long')
  })

  test('types of modules are loaded for the configurations that name them; one that was not loaded is a fault', async () => {
    const compileWith = async (names: Parameters<typeof loadModuleTypes>[0]) => {
      const authentication = authnSchema.parse({
        modules: { password: { type: 'password' }, key: { type: 'webauthn' } },
      })
      const config = { name: EMPLOYEES, authentication, session: sessionRulesSchema.parse({}), look: {}, users: [] }
      return compileRealmAuthn(config, { ...deps, moduleTypes: await loadModuleTypes(names) })
    }
    await assert.rejects(compileWith(['password']), { code: 'GH_CONFIG_INVALID' })
    assert.deepEqual([...(await compileWith(['password', 'webauthn'])).modules.keys()], ['password', 'key'])
  })

  const faults: readonly (readonly [string, object])[] = [
    ['a chain with a module that is not there', { chains: { default: chain('nothing REQUIRED') } }],
    ['a default chain that is not there', { defaultChain: 'nothing' }],
  ]
  for (const [what, config] of faults) {
    test(`${what} is a configuration fault`, () => {
      assert.throws(
        () => compile(config),
        (error) => error instanceof GatehouseError && error.code === 'GH_CONFIG_INVALID',
      )
    })
  }
})
