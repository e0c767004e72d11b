import { guaranteesModule, modulesOf, nextStep, type Chain, type ChainResult, type ChainResults } from './chain.ts'
import { isFresh, type LoginDemand, type Standing } from './demand.ts'
import { isModuleChain, moduleChain, type RealmAuthn } from './realm-authn.ts'
import { standsIn } from './stand-ins.ts'

/** The chain to run, and what of it the session has proved already. */
export interface ChainChoice {
  readonly chain: string
  readonly carried: ChainResults
}

/**
 * The chain that brings about what is demanded: the realm's default where it does, else the one that asks for least, the first of them
 * in the order of the file. `undefined` when none does: starting a login that cannot help would send the browser round for ever.
 *
 * `standing`: the session of the same user that the login strengthens. What it has proved is not asked again, except that one proof
 * always is, the strongest. A demand for a fresh proof takes one as strong as the session already is, where there is one.
 */
export function chooseChain(
  realm: RealmAuthn,
  demand: LoginDemand,
  standing?: Standing,
  now = 0,
): ChainChoice | undefined {
  const isStale = standing !== undefined && !isFresh(standing, demand, now)
  const asStrong = isStale ? Math.max(demand.level ?? 0, standing.authLevel) : demand.level
  return choose(realm, { ...demand, level: asStrong }, standing) ?? choose(realm, demand, standing)
}

/**
 * Whether what a login has just proved makes the session young again: it is as strong as the session, or no chain of the realm is. Else
 * who meets an unlocked computer could renew by a password alone what a second factor proved, by asking for less than the site did.
 */
export function renewsAge(realm: RealmAuthn, newLevel: number, standing: Standing): boolean {
  const { authLevel } = standing
  return newLevel >= authLevel || choose(realm, { level: authLevel, force: false }, standing) === undefined
}

function choose(realm: RealmAuthn, demand: LoginDemand, standing: Standing | undefined): ChainChoice | undefined {
  let best: (ChainChoice & { readonly cost: number }) | undefined
  for (const name of candidates(realm, demand, standing)) {
    const entries = realm.chains.get(name)?.entries ?? []
    if (!bringsAbout(realm, name, demand, standing)) continue
    const carried = standing === undefined || demand.force ? [] : carriedOver(realm, entries, standing)
    if (name === realm.defaultChain) return { chain: name, carried }
    const cost = entries.length - carried.filter((result) => result !== null).length
    if (cost < (best?.cost ?? Infinity)) best = { chain: name, carried, cost }
  }
  return best && { chain: best.chain, carried: best.carried }
}

/** A module alone will do for who has a session: without one, a chain of one module could be less than any that is configured. */
function candidates(
  { chains, defaultChain }: RealmAuthn,
  { chain, modules = [] }: LoginDemand,
  standing: Standing | undefined,
): readonly string[] {
  if (chain !== undefined) return [chain].filter((name) => chains.has(name) && !isModuleChain(name))
  const configured = [...chains.keys()].filter((name) => name !== defaultChain && !isModuleChain(name))
  const alone = standing === undefined || modules.length !== 1 ? [] : modules.map(moduleChain)
  return [defaultChain, ...configured, ...alone.filter((name) => chains.has(name))]
}

function bringsAbout(
  { chains }: RealmAuthn,
  name: string,
  { level = 0, modules = [] }: LoginDemand,
  standing: Standing | undefined,
): boolean {
  const chain = chains.get(name)
  if (chain === undefined) return false
  const has = (module: string): boolean => standing?.authModules.includes(module) === true
  const reached = isModuleChain(name) ? Math.max(chain.level, standing?.authLevel ?? 0) : chain.level
  return reached >= level && modules.every((module) => has(module) || guaranteesModule(chain.entries, module))
}

/** Results that the session's proofs stand for; at least one entry is left to be asked for. */
function carriedOver(realm: RealmAuthn, entries: Chain, { authModules }: Standing): ChainResults {
  const results = entries.map((entry): ChainResult | null => {
    const module = modulesOf(entry).find((name) => authModules.includes(name) && !standsIn(realm, name))
    return module === undefined ? null : { module, passed: true, carried: true }
  })
  const levelAt = (index: number): number => realm.modules.get(results[index]?.module ?? '')?.authLevel ?? -1
  while (nextStep(entries, results).kind !== 'run') {
    const strongest = results.reduce((best, _, i) => (levelAt(i) >= levelAt(best) ? i : best), 0)
    if (results[strongest] === null || results[strongest] === undefined) return []
    results[strongest] = null
  }
  return results
}
