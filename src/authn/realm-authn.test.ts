import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { EpochMs } from '../base/brand.ts'
import { GatehouseError } from '../errors.ts'
import { sessionRulesSchema } from '../session/session-rules.schema.ts'
import { ALL_MODULE_TYPES, loadModuleTypes } from './modules/catalogue.ts'
import type { RealmAuthnDeps } from './realm-authn.ts'
import { authnSchema } from './chains.schema.ts'
import { chooseChain } from './choose-chain.ts'
import { compileRealmAuthn, type RealmAuthn } from './realm-authn.ts'
import { EMPLOYEES, LOGIN_ORIGIN } from './login.fixture.ts'

const never = (): never => assert.fail('compiling asks nobody')

const deps: RealmAuthnDeps = {
  directory: { realm: EMPLOYEES, checkPassword: never, find: never },
  store: {
    counters: { add: never, read: never, clear: never },
    versioned: { create: never, load: never, replace: never, remove: never },
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
