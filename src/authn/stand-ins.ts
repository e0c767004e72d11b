import type { Presented } from '../http/presented.ts'
import type { User } from '../identity/directory.ts'
import type { Factor } from '../identity/factors.ts'
import { modulesOf, type ChainEntry } from './chain.ts'
import type { Journey } from './journey.ts'
import type { AuthModule } from './modules/module.ts'
import type { KeptCookie } from './modules/stand-in.ts'
import type { RealmAuthn } from './realm-authn.ts'
import { asksSomething, type Callback } from './step.ts'
import type { Turn } from './turn.ts'

/*
 * Browsers that stand in for a second factor. They prove nothing anew, so they count where a factor was to be had and nowhere else.
 */

type Arriving = Pick<Journey, 'demand' | 'approval' | 'turn' | 'chosen'>

/**
 * The module that lets this browser pass the entry, to be tried once, before anybody is asked. None where a login has to be fresh: a
 * forced one, one that may not be too old, one that approves a request. None for who has lost the factors that it stood for.
 */
export async function standInFor(
  realm: RealmAuthn,
  entry: ChainEntry,
  { journey, user }: { readonly journey: Arriving; readonly user: User | undefined },
): Promise<AuthModule | undefined> {
  const { demand, approval, turn, chosen } = journey
  const isFresh = demand.force || demand.maxAgeMs !== undefined || demand.transaction !== undefined
  if (user === undefined || isFresh || approval !== undefined || turn !== undefined || chosen !== undefined)
    return undefined
  const module = modulesOf(entry)
    .map((name) => realm.modules.get(name))
    .find((each) => each?.standIn !== undefined)
  return module !== undefined && (await canProve(realm, user)) ? module : undefined
}

async function canProve({ modules }: RealmAuthn, user: User): Promise<boolean> {
  const provable = [...modules.values()].filter(({ standIn, use }) => standIn === undefined && use !== 'first')
  const enrolled = await Promise.all(provable.map(async (module) => (await module.isEnrolled?.(user)) ?? false))
  return enrolled.includes(true)
}

/** Whether what a session remembers of a module is no proof that could be carried over. */
export function standsIn({ modules }: RealmAuthn, name: string): boolean {
  return modules.get(name)?.standIn !== undefined
}

/**
 * Whether the page of a second factor offers to remember the browser: the same for everybody, since it depends on the realm and on how
 * far the login is. Not for what helps out when a factor is lost, and not beside the question whether to approve something.
 */
export function offeredStandIn(
  { modules }: RealmAuthn,
  { module, enrols }: Turn,
  { results, proof, approval }: Journey,
): AuthModule | undefined {
  const isSecond = module.use !== 'first' && (results.length > 0 || proof !== undefined)
  if (!isSecond || enrols || approval !== undefined || module.standing === 'backup') return undefined
  return standInOf({ modules })
}

/** The one that remembers browsers here. */
export function standInOf({ modules }: Pick<RealmAuthn, 'modules'>): AuthModule | undefined {
  return [...modules.values()].find(({ standIn }) => standIn !== undefined)
}

/** The page with the box behind what it asks; where its answer stands. */
export function withBox(
  callbacks: readonly Callback[],
  { standIn }: AuthModule,
): { readonly callbacks: readonly Callback[]; readonly box: number } {
  const asking = callbacks.filter(asksSomething)
  const days = String(standIn?.days ?? 0)
  const box = {
    type: 'BooleanAttributeInputCallback',
    name: 'rememberDevice',
    prompt: days === '1' ? 'device.remember-one' : 'device.remember',
    parameters: { days },
  } as const
  const outputs = callbacks.filter((callback) => !asksSomething(callback))
  return { callbacks: [...asking, box, ...outputs], box: asking.length }
}

export type Settled =
  | {
      readonly kind: 'settled'
      /** Without what was settled: it must not be settled twice. */
      readonly journey: Journey
      readonly keeps: readonly KeptCookie[]
      readonly remembered: Factor | undefined
    }
  /** Another login used the same secret up. */
  | { readonly kind: 'lost' }

/** At the end of a login, before its session is there: uses up what stood in, and remembers the browser where that was asked for. */
export async function settleStandIns(
  realm: RealmAuthn,
  journey: Journey,
  { presented, userAgent = '' }: { readonly presented: Presented; readonly userAgent: string | undefined },
): Promise<Settled> {
  const { standIn, remember, proof, ...rest } = journey
  const user = proof && (await realm.directory.find(proof.userId))
  const keeps: KeptCookie[] = []
  if (user !== undefined && standIn !== undefined && standIn.isSpent !== true) {
    const kept = await realm.modules.get(standIn.module)?.standIn?.replaceSecret(user, standIn)
    if (kept === undefined) return { kind: 'lost' }
    keeps.push(kept)
  }
  const remembering = remember && realm.modules.get(remember.module)?.standIn
  const browser = { presented, userAgent, provenAt: remember?.at ?? 0 }
  const remembered = user === undefined ? undefined : await remembering?.remember(user, browser)
  if (remembered !== undefined) keeps.push(remembered.cookie)
  const settled = {
    ...rest,
    proof,
    ...(standIn === undefined ? {} : { standIn: { ...standIn, isSpent: true } as const }),
  }
  return { kind: 'settled', journey: settled, keeps, remembered: remembered?.factor }
}

/**
 * With another password everything is asked again of who knew the old one: browsers are remembered no more, and what applications may do
 * without a session ends.
 */
export async function endOldTrust({ modules, factors, endLasting }: RealmAuthn, userId: string): Promise<void> {
  await endLasting(userId)
  const types = [...modules.values()].filter(({ standIn }) => standIn !== undefined).map(({ type }) => type)
  for (const type of new Set(types)) await factors.replaceAll(userId, type, [])
}
