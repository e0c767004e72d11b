import type { RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { PURPOSES } from '../crypto/purposes.ts'
import { fault } from '../errors.ts'
import type { UserDirectory } from '../identity/directory.ts'
import { createThrottle } from '../identity/throttle.ts'
import type { SessionRules } from '../session/session-rules.schema.ts'
import type { Store } from '../store/store.ts'
import { guaranteedLevel, type Chain } from './chain.ts'
import type { AuthnConfig, ModuleConfig } from './chains.schema.ts'
import type { AuthModule, AuthModuleDeps } from './modules/module.ts'
import { passwordModule } from './modules/password.ts'

/** What compiling needs of a realm's configuration. */
export interface RealmAuthnConfig {
  readonly name: RealmName
  readonly authentication: AuthnConfig
  readonly session: SessionRules
}

export interface RealmAuthnDeps {
  readonly directory: UserDirectory
  readonly store: Pick<Store, 'counters' | 'versioned'>
  readonly clock: Clock
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
  readonly modules: ReadonlyMap<string, AuthModule>
  readonly chains: ReadonlyMap<string, CompiledChain>
  readonly defaultChain: string
  /** Milliseconds from the first page to the last answer. */
  readonly journeyTimeoutMs: number
  readonly session: SessionRules
}

/** Throws GH_CONFIG_INVALID for a chain with an unknown module, a default chain that is not there, or a chain nobody can pass. */
export function compileRealmAuthn(config: RealmAuthnConfig, { directory, store, clock }: RealmAuthnDeps): RealmAuthn {
  const { name: realm, authentication, session } = config
  const throttle = createThrottle({ realm, rules: authentication.throttle, store, clock })
  const modules = compileModules(authentication.modules, { directory, throttle })
  const chains = new Map<string, CompiledChain>()
  for (const [name, entries] of Object.entries(authentication.chains)) {
    chains.set(name, compileChain(`realm ${realm}, chain ${name}`, entries, modules))
  }
  if (!chains.has(authentication.defaultChain)) {
    throw invalid(`realm ${realm} has no chain ${authentication.defaultChain}, which is its default`)
  }
  return {
    realm,
    directory,
    modules,
    chains,
    defaultChain: authentication.defaultChain,
    journeyTimeoutMs: Math.min(Math.max(authentication.journeyTimeout, 1), PURPOSES.journey.longestLifeMs),
    session,
  }
}

/** The one place that knows the types of modules there are. */
function compileModules(
  configs: Readonly<Record<string, ModuleConfig>>,
  deps: AuthModuleDeps,
): ReadonlyMap<string, AuthModule> {
  return new Map(Object.entries(configs).map(([name, config]) => [name, passwordModule.compile(name, config, deps)]))
}

function compileChain(where: string, entries: Chain, modules: ReadonlyMap<string, AuthModule>): CompiledChain {
  for (const { module } of entries) {
    if (!modules.has(module)) throw invalid(`${where}: there is no module ${module}`)
  }
  const level = guaranteedLevel(entries, (module) => modules.get(module)?.authLevel ?? 0)
  if (level === undefined) throw invalid(`${where}: nobody can pass it`)
  return { entries, level }
}

function invalid(detail: string): Error {
  return fault('GH_CONFIG_INVALID', { detail })
}
