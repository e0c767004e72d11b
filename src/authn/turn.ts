import { fault } from '../errors.ts'
import type { User } from '../identity/directory.ts'
import { isDemanded, modulesOf, tellsNothingNew, type ChainEntry } from './chain.ts'
import type { Journey } from './journey.ts'
import type { AuthModule } from './modules/module.ts'
import type { RealmAuthn } from './realm-authn.ts'
import { isAnonymous } from '../session/anonymous.ts'

/** Which module is to ask now, of those that an entry may be passed with. */
export interface Turn {
  readonly kind: 'turn'
  readonly module: AuthModule
  /** The person has nothing to pass it with yet, and is to set it up. */
  readonly enrols: boolean
  /** It may be put off. */
  readonly optional?: true
  /** What may be proved on the same page instead. */
  readonly beside?: AuthModule | undefined
  /** Names of the modules that would do as well. */
  readonly others: readonly string[]
}

export type NextTurn =
  | Turn
  /** What the login began with has proved this as well. */
  | { readonly kind: 'met'; readonly module: AuthModule }
  /** Setting up a factor needs a fresh proof of the first one. */
  | { readonly kind: 'prove-again' }
  /** The user has nothing to pass it with, and may not set it up here. */
  | { readonly kind: 'impossible'; readonly module: AuthModule }

/** Somebody who is nobody yet is asked by the first module, as one who has it set up would be. */
export async function turnFor(
  realm: RealmAuthn,
  entry: ChainEntry,
  { journey, user, now }: { readonly journey: Journey; readonly user: User | undefined; readonly now: number },
): Promise<NextTurn> {
  const all = modulesOf(entry).map((name) => moduleOf(realm, name))
  // What stands in for a factor asks nothing: it was tried before.
  const named = all.filter(({ standIn }) => standIn === undefined)
  const first = named[0] ?? moduleOf(realm, entry.module)
  if (named.length === 0) return { kind: 'impossible', module: first }
  if (user === undefined) return firstTurn(named, journey, first)
  const proved = provedBy(realm, journey)
  const met = named.find(({ name, isMultiFactor }) => isMultiFactor === true && proved.includes(name))
  if (met !== undefined) return { kind: 'met', module: met }
  const modules = named.filter((module) => isAnotherFactor(realm, module, proved))
  const usable = await enrolledOf(modules, user)
  if (usable.length > 0) return turn(usable, journey, false)
  const maySetUp = isDemanded(entry) && !hasFailed(realm, journey) && !isAnonymous({ userId: user.id })
  const offered = maySetUp ? modules.filter(isSetUpFirst) : []
  if (offered.length === 0 || (await hasSecondFactor(realm, user))) return { kind: 'impossible', module: first }
  if (isFresh(realm, journey, now)) return turn(offered, journey, true)
  return beginsWithFirstFactor(realm, journey) ? { kind: 'prove-again' } : { kind: 'impossible', module: first }
}

/** A key that proved two factors in an earlier login stands for its own entry, and has to prove the other one anew. */
function provedBy({ modules }: RealmAuthn, { results }: Journey): readonly string[] {
  return results.flatMap((result) => {
    const isOld = result?.carried === true && modules.get(result.module)?.isMultiFactor === true
    return result?.passed === true && !isOld ? [result.module] : []
  })
}

/** It goes on, so that it does not tell; but who gave a wrong answer sets up nothing. */
function hasFailed({ chains }: RealmAuthn, { chain, results }: Journey): boolean {
  const entries = chains.get(chain)?.entries ?? []
  return entries.some(({ criteria }, i) => criteria === 'REQUIRED' && results[i]?.passed === false)
}

function isSetUpFirst({ enrolment, standing }: AuthModule): boolean {
  return enrolment !== undefined && standing !== 'backup'
}

/** Of somebody who is nobody yet. Only at the beginning may it matter what a login can begin with: later it would tell. */
function firstTurn(modules: readonly AuthModule[], { results, chosen }: Journey, first: AuthModule): Turn {
  const able = results.length === 0 ? modules.filter(({ use }) => use !== 'second') : []
  const module = able.find(({ name }) => name === chosen) ?? able[0] ?? first
  const beside = able.find((each) => each !== module && each.mayStandBeside === true)
  const others = able.filter((each) => each !== module && each !== beside).map(({ name }) => name)
  return { kind: 'turn', module, enrols: false, beside, others }
}

/**
 * Whether a proof by the module is one more than those by `proved`: two proofs with one key are one factor, unless each of them is
 * two already.
 */
export function isAnotherFactor(realm: RealmAuthn, module: AuthModule, proved: readonly string[]): boolean {
  if (module.use === 'first' || proved.length === 0) return true
  return proved.some((name) => realm.modules.get(name)?.type !== module.type)
}

function turn(modules: readonly AuthModule[], { chosen }: Journey, enrols: boolean): NextTurn {
  const module = modules.find(({ name }) => name === chosen) ?? modules[0]
  if (module === undefined) throw fault('GH_INTERNAL', { detail: 'no module is left to ask' })
  return { kind: 'turn', module, enrols, others: modules.filter((each) => each !== module).map(({ name }) => name) }
}

function isFresh({ enrolWithinMs }: RealmAuthn, { provenAt }: Journey, now: number): boolean {
  return provenAt !== undefined && now - provenAt <= enrolWithinMs
}

function beginsWithFirstFactor(realm: RealmAuthn, { chain }: Journey): boolean {
  const entry = realm.chains.get(chain)?.entries[0]
  return entry !== undefined && modulesOf(entry).every((name) => realm.modules.get(name)?.use !== 'second')
}

async function enrolledOf(modules: readonly AuthModule[], user: User): Promise<readonly AuthModule[]> {
  const enrolled = await Promise.all(modules.map(async (module) => (await module.isEnrolled?.(user)) ?? true))
  return modules.filter((_, i) => enrolled[i])
}

/**
 * Whether the user has any second factor. Who has one has to use it, here and on the account page, before there can be another:
 * a password alone must not put a stranger's telephone in the place of the owner's.
 */
async function hasSecondFactor(realm: RealmAuthn, user: User): Promise<boolean> {
  return (await ownFactorsOf(realm, user)).length > 0
}

/** What the user has set up to prove more than a first factor does; what only stands beside another comes last. */
export async function ownFactorsOf({ modules }: RealmAuthn, user: User): Promise<readonly AuthModule[]> {
  const all = [...modules.values()].filter((module) => module.isEnrolled !== undefined && module.standing !== 'given')
  const enrolled = await enrolledOf(all, user)
  const isBackup = ({ standing }: AuthModule): boolean => standing === 'backup'
  return [...enrolled.filter((module) => !isBackup(module)), ...enrolled.filter(isBackup)]
}

function moduleOf(realm: RealmAuthn, name: string): AuthModule {
  const module = realm.modules.get(name)
  if (module === undefined) throw fault('GH_INTERNAL', { detail: `realm ${realm.realm} has no module ${name}` })
  return module
}

/** Nobody is told, by a name or its absence, whether a REQUIRED password was right before the chain is through. */
export function provenName({ chains }: RealmAuthn, { chain, results, proof }: Journey): string | undefined {
  const entries = chains.get(chain)?.entries ?? []
  return tellsNothingNew(entries, results, results.length) ? proof?.username : undefined
}
