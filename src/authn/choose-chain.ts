import type { User } from '../identity/directory.ts'
import { policyLevel } from './auth-policies.ts'
import {
  guaranteedLevel,
  guaranteesModule,
  modulesOf,
  nextStep,
  type Chain,
  type ChainResult,
  type ChainResults,
} from './chain.ts'
import { isFresh, type LoginDemand, type Standing } from './demand.ts'
import { isModuleChain, moduleChain, type RealmAuthn } from './realm-authn.ts'
import { standsIn } from './stand-ins.ts'

/** The chain to run, and what of it the session has proved already. */
export interface ChainChoice {
  readonly chain: string
  readonly carried: ChainResults
}

/** What is known where a chain is chosen. */
export interface Circumstances {
  /** The session of the same user that the login strengthens. */
  readonly standing?: Standing | undefined
  /** That user. */
  readonly user?: Pick<User, 'username' | 'groups'> | undefined
  /** Milliseconds since the epoch. */
  readonly now?: number
}

/**
 * The chain that brings about what is demanded: the realm's default where it does, else the one that asks for least, the first of them
 * in the order of the file. `undefined` when none does: starting a login that cannot help would send the browser round for ever.
 *
 * What the session has proved is not asked again, except that one proof always is, the strongest. A demand for a fresh proof takes one
 * in which the person does something, as strong as the session already is where there is one. Second factors that authentication policies
 * want count as of every chain, where they are still to be passed.
 */
export function chooseChain(
  realm: RealmAuthn,
  asked: LoginDemand,
  { standing, user, now = 0 }: Circumstances = {},
): ChainChoice | undefined {
  if (asked.again !== undefined) {
    const chain = moduleChain(asked.again)
    return standing !== undefined && realm.chains.has(chain) ? { chain, carried: [] } : undefined
  }
  const demand = { ...asked, besides: besides(realm, asked, { standing, user }) }
  const isStale = standing !== undefined && !isFresh(standing, demand, now)
  const asStrong = isStale ? Math.max(demand.level ?? 0, standing.authLevel) : demand.level
  return choose(realm, { ...demand, level: asStrong }, standing) ?? choose(realm, demand, standing)
}

/** The level that policies add to that of every chain. What the session has passed is not asked again, and an approval counts it not. */
function besides(realm: RealmAuthn, { force, transaction }: LoginDemand, { standing, user }: Circumstances): number {
  if (transaction !== undefined) return 0
  const wanted = new Set(realm.policies.flatMap(({ secondFactors = [] }) => secondFactors))
  if (!force && standing?.authModules.some((name) => wanted.has(name)) === true) return 0
  return policyLevel(realm, user)
}

/** A demand, and the level that policies add to what a chain brings. */
type Wanted = LoginDemand & { readonly besides?: number }

/**
 * Whether what a login has just proved makes the session young again: it is as strong as the session, or no chain of the realm is. Else
 * who meets an unlocked computer could renew by a password alone what a second factor proved, by asking for less than the site did.
 */
export function renewsAge(realm: RealmAuthn, newLevel: number, standing: Standing): boolean {
  const { authLevel } = standing
  return newLevel >= authLevel || choose(realm, { level: authLevel, force: false, maxAgeMs: 0 }, standing) === undefined
}

function choose(realm: RealmAuthn, demand: Wanted, standing: Standing | undefined): ChainChoice | undefined {
  let best: (ChainChoice & { readonly cost: number }) | undefined
  for (const name of candidates(realm, demand, standing)) {
    const entries = realm.chains.get(name)?.entries ?? []
    if (!bringsAbout(realm, name, demand, standing)) continue
    const isFresh = demand.maxAgeMs !== undefined
    const carried = standing === undefined || demand.force ? [] : carriedOver(realm, entries, { standing, isFresh })
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
  realm: RealmAuthn,
  name: string,
  { level = 0, modules = [], maxAgeMs, besides = 0 }: Wanted,
  standing: Standing | undefined,
): boolean {
  const chain = realm.chains.get(name)
  if (chain === undefined || (maxAgeMs !== undefined && !takesAPerson(realm, chain.entries))) return false
  const has = (module: string): boolean => standing?.authModules.includes(module) === true
  const reached = isModuleChain(name) ? Math.max(chain.level, standing?.authLevel ?? 0) : Math.max(chain.level, besides)
  return reached >= level && modules.every((module) => has(module) || guaranteesModule(chain.entries, module))
}

/** Whether everybody who passes the chain has done something for it, whatever their request brings by itself. */
function takesAPerson(realm: RealmAuthn, entries: Chain): boolean {
  return guaranteedLevel(entries, (name) => (isSilent(realm, name) ? 0 : 1)) === 1
}

/** What stands in for a factor is not used where a proof has to be fresh. */
function isSilent({ modules }: RealmAuthn, name: string): boolean {
  return modules.get(name)?.isSilent === true
}

/**
 * Results that the session's proofs stand for; at least one entry is left to be asked for, of a person where it has to be fresh. What
 * asks nothing is shown again then: the login is to be as strong as the session by what it has proved itself.
 */
function carriedOver(
  realm: RealmAuthn,
  entries: Chain,
  { standing: { authModules }, isFresh }: { readonly standing: Standing; readonly isFresh: boolean },
): ChainResults {
  const isCarried = (name: string): boolean =>
    authModules.includes(name) && !standsIn(realm, name) && !(isFresh && isSilent(realm, name))
  const results = entries.map((entry): ChainResult | null => {
    const module = modulesOf(entry).find(isCarried)
    return module === undefined ? null : { module, passed: true, carried: true }
  })
  // Nobody is asked for what may pass in silence.
  const silent = entries.map((entry): ChainResult | null => {
    const module = isFresh ? modulesOf(entry).find((name) => isSilent(realm, name)) : undefined
    return module === undefined ? null : { module, passed: true }
  })
  const isLeft = (): boolean =>
    nextStep(
      entries,
      results.map((result, i) => result ?? silent[i] ?? null),
    ).kind === 'run'
  const levelAt = (index: number): number => realm.modules.get(results[index]?.module ?? '')?.authLevel ?? -1
  while (!isLeft()) {
    const strongest = results.reduce((best, _, i) => (levelAt(i) >= levelAt(best) ? i : best), 0)
    if (results[strongest] === null || results[strongest] === undefined) return []
    results[strongest] = null
  }
  return results
}
