import type { RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { PURPOSES } from '../crypto/purposes.ts'
import { fault } from '../errors.ts'
import type { Sealer } from '../crypto/seal.ts'
import type { UserDirectory } from '../identity/directory.ts'
import { createFactorStore, type DeclaredFactor, type FactorStore } from '../identity/factors.ts'
import type { LoginProvider } from '../federation/login-provider.ts'
import type { PasswordVerifier } from '../identity/file-directory.ts'
import type { Messengers } from '../identity/mail/messenger.ts'
import { createThrottle, type Throttle } from '../identity/throttle.ts'
import type { UserConfig } from '../identity/users.schema.ts'
import { passwordEpochKey } from '../session/lasting-epochs.ts'
import type { SessionRules } from '../session/session-rules.schema.ts'
import type { Store } from '../store/store.ts'
import { guaranteedLevel, isDemanded, modulesOf, type Chain } from './chain.ts'
import type { AuthnConfig, ModuleConfig } from './chains.schema.ts'
import { compileModule, type ModuleTypes } from './modules/catalogue.ts'
import type { AuthModule, AuthModuleDeps } from './modules/module.ts'
import { totpData } from './modules/totp-data.ts'
import type { AuthPolicy } from './policies.schema.ts'

/** What compiling needs of a realm's configuration. */
export interface RealmAuthnConfig {
  readonly name: RealmName
  readonly authentication: AuthnConfig
  readonly session: SessionRules
  readonly look: { readonly title?: string | undefined }
  /** Users of the realm that the configuration gives factors. */
  readonly users: readonly Pick<UserConfig, 'id' | 'username' | 'totp'>[]
}

export interface RealmAuthnDeps {
  /** At least those that the realm's modules are of. */
  readonly moduleTypes: ModuleTypes
  readonly directory: UserDirectory
  readonly sealer: Sealer
  readonly store: Pick<Store, 'counters' | 'versioned' | 'documents' | 'epochs'>
  /** OpenID and SAML providers of the realm, by name. */
  readonly providers?: ReadonlyMap<string, LoginProvider>
  /** What there is to send codes with. */
  readonly messengers?: Messengers
  /** For secrets of servers, where the configuration has some. */
  readonly hasher?: PasswordVerifier
  readonly clock: Clock
  /** Scheme, host and port of the login host. */
  readonly loginOrigin: string
  /** Of sites of the realm whose pages may call the login host; none where absent. */
  readonly pageOrigins?: readonly string[]
}

export interface CompiledChain {
  readonly entries: Chain
  /** What everybody reaches who passes it. */
  readonly level: number
}

/** How people of one realm prove who they are, compiled for one generation. */
export interface RealmAuthn {
  readonly realm: RealmName
  readonly directory: UserDirectory
  readonly factors: FactorStore
  readonly throttle: Throttle
  /** Types of factors that people set up. */
  readonly factorTypes: ReadonlySet<string>
  readonly modules: ReadonlyMap<string, AuthModule>
  /** Those of the configuration, and `moduleChain` of each module. */
  readonly chains: ReadonlyMap<string, CompiledChain>
  readonly defaultChain: string
  readonly policies: readonly AuthPolicy[]
  /** How old a proof may be, in milliseconds, for who sets up their first second factor. */
  readonly enrolWithinMs: number
  /** Milliseconds from the first page to the last answer. */
  readonly journeyTimeoutMs: number
  readonly session: SessionRules
  /** Ends what applications may do for a user without a session of theirs. */
  readonly endLasting: (userId: string) => Promise<void>
}

/** Name of the chain of one module alone; no configured chain has such a name. */
export function moduleChain(module: string): string {
  return `module:${module}`
}

export function isModuleChain(name: string): boolean {
  return name.startsWith(moduleChain(''))
}

/**
 * Throws GH_CONFIG_INVALID for a chain or a policy with an unknown module, a default chain that is not there, or a chain nobody can
 * pass.
 */
export function compileRealmAuthn(config: RealmAuthnConfig, deps: RealmAuthnDeps): RealmAuthn {
  const { name: realm, authentication, session } = config
  const { moduleTypes: types, directory, sealer, store, clock, loginOrigin } = deps
  const declared = declaredFactors(config.users)
  const factors = createFactorStore({ realm, documents: store.documents, sealer, clock, declared })
  const throttle = createThrottle({ realm, rules: authentication.throttle, store, clock })
  const title = config.look.title ?? realm
  const { messengers = {}, providers = new Map(), hasher, pageOrigins = [] } = deps
  const { counters } = store
  const origins = { loginOrigin, pageOrigins }
  const parts = {
    directory,
    factors,
    throttle,
    sealer,
    counters,
    messengers,
    providers,
    hasher,
    clock,
    title,
    ...origins,
  }
  const modules = compileModules(authentication.modules, { ...parts, types })
  const chains = new Map<string, CompiledChain>()
  for (const [name, entries] of Object.entries(authentication.chains)) {
    chains.set(name, compileChain(`realm ${realm}, chain ${name}`, entries, modules))
  }
  for (const [module, { authLevel }] of modules) {
    chains.set(moduleChain(module), { entries: [{ module, criteria: 'REQUIRED' }], level: authLevel })
  }
  if (!chains.has(authentication.defaultChain)) {
    throw invalid(`realm ${realm} has no chain ${authentication.defaultChain}, which is its default`)
  }
  checkPolicies(realm, authentication.policies, modules)
  checkAnonymous(realm, modules, chains)
  const enrolled = [...modules.values()].filter(
    (module) => module.isEnrolled !== undefined && module.standing !== 'given',
  )
  return {
    realm,
    directory,
    factors,
    throttle,
    factorTypes: new Set(enrolled.map(({ type }) => type)),
    modules,
    chains,
    defaultChain: authentication.defaultChain,
    policies: authentication.policies,
    enrolWithinMs: authentication.enrolWithin,
    journeyTimeoutMs: Math.min(Math.max(authentication.journeyTimeout, 1), PURPOSES.journey.longestLifeMs),
    session,
    endLasting: async (userId) => void (await store.epochs.raise(passwordEpochKey({ realm, userId }))),
  }
}

function declaredFactors(users: RealmAuthnConfig['users']): ReadonlyMap<string, readonly DeclaredFactor[]> {
  return new Map(
    users.flatMap(({ id, username, totp }) =>
      totp === undefined ? [] : [[id ?? username, [{ type: 'totp', name: '', data: totpData(totp) }]] as const],
    ),
  )
}

function compileModules(
  configs: Readonly<Record<string, ModuleConfig>>,
  deps: AuthModuleDeps & { readonly types: ModuleTypes },
): ReadonlyMap<string, AuthModule> {
  return new Map(Object.entries(configs).map(([name, config]) => [name, compileModule(name, config, deps)]))
}

/** A policy that names what is not there would keep everybody out, or ask for nothing. */
function checkPolicies(
  realm: RealmName,
  policies: readonly AuthPolicy[],
  modules: ReadonlyMap<string, AuthModule>,
): void {
  for (const { name, firstFactors = [], secondFactors = [], everyRequest } of policies) {
    const where = `realm ${realm}, authentication policy ${name}`
    for (const module of [...firstFactors, ...secondFactors]) {
      if (!modules.has(module)) throw invalid(`${where}: there is no module ${module}`)
    }
    for (const module of secondFactors) {
      if (modules.get(module)?.use === 'first') throw invalid(`${where}: module ${module} is no second factor`)
    }
    if (everyRequest !== undefined && modules.get(everyRequest)?.tokens === undefined) {
      throw invalid(`${where}: there is no module ${everyRequest} of type externalJwt`)
    }
  }
}

/** Whoever is let in without proof has to be able to prove more. */
function checkAnonymous(
  realm: RealmName,
  modules: ReadonlyMap<string, AuthModule>,
  chains: ReadonlyMap<string, CompiledChain>,
): void {
  const [anonymous, ...more] = [...modules.values()].filter(({ type }) => type === 'anonymous')
  if (anonymous === undefined) return
  const { name, authLevel } = anonymous
  if (more.length > 0) throw invalid(`realm ${realm} has two modules of the type anonymous; one is enough`)
  const isWayOut = ([chain, { level }]: readonly [string, CompiledChain]): boolean =>
    level > authLevel && !isModuleChain(chain)
  if (![...chains].some(isWayOut)) {
    throw invalid(
      `realm ${realm}: no chain reaches more than the authLevel ${authLevel} of ${name}, so nobody could sign in after it`,
    )
  }
}

function compileChain(where: string, entries: Chain, modules: ReadonlyMap<string, AuthModule>): CompiledChain {
  for (const module of entries.flatMap(modulesOf)) {
    if (!modules.has(module)) throw invalid(`${where}: there is no module ${module}`)
  }
  for (const entry of entries) {
    const isStandIn = (name: string): boolean => modules.get(name)?.standIn !== undefined
    if (isDemanded(entry) && modulesOf(entry).every(isStandIn)) {
      throw invalid(`${where}: only who is remembered could pass ${entry.module}, and nobody could be remembered first`)
    }
  }
  const level = guaranteedLevel(entries, (module) => modules.get(module)?.authLevel ?? 0)
  if (level === undefined) throw invalid(`${where}: nobody can pass it`)
  return { entries, level }
}

function invalid(detail: string): Error {
  return fault('GH_CONFIG_INVALID', { detail })
}
