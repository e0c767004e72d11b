import { randomName } from '../base/random-id.ts'
import type { Clock } from '../base/clock.ts'
import type { JsonValue, Sealer } from '../crypto/seal.ts'
import { sha256 } from '../crypto/sha256.ts'
import type { User } from '../identity/directory.ts'
import type { Factor } from '../identity/factors.ts'
import type { RealmName } from '../base/brand.ts'
import { isAnonymous } from '../session/anonymous.ts'
import type { RequestOrigin, Session } from '../session/session.ts'
import type { Store } from '../store/store.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import { suffices, type LoginDemand } from './demand.ts'
import { provedWithin } from './proven-at.ts'
import type { AuthModule, Enrolment } from './modules/module.ts'
import type { RealmAuthn } from './realm-authn.ts'
import type { Callback } from './step.ts'

/** One factor as its owner sees it: nothing of what it proves with. */
export interface OwnFactor extends Pick<Factor, 'id' | 'type' | 'name' | 'createdAt' | 'lastUsedAt'> {
  /** From the configuration: it can be neither named nor removed. */
  readonly declared: boolean
  /** When it stops to count, where it does. Milliseconds since the epoch. */
  readonly until: number | undefined
  /** How often it can still be used, where that is counted. */
  readonly left: number | undefined
  /** Without it nothing is left that proves more than a first factor does. */
  readonly isLast: boolean
}

/** What a person has, and what they may set up. */
export interface Holdings {
  readonly factors: readonly OwnFactor[]
  /** Modules by name, and the type of their factors. `replaces`: the new one takes the place of what is there. */
  readonly addable: readonly { readonly module: string; readonly type: string; readonly replaces: boolean }[]
}

/** What is shown of a factor that is being set up. `state` is sealed, for this session alone. */
export interface SetUpPage {
  readonly kind: 'ask' | 'again'
  readonly module: string
  readonly callbacks: readonly Callback[]
  readonly state: string
}

export type Refused =
  /** Nothing was done: the session has to prove itself first, as `demandOf` says. */
  | { readonly kind: 'prove-first' }
  /** No such module or factor, or none of theirs, or not to be changed. */
  | { readonly kind: 'gone' }

export type AddOutcome = SetUpPage | { readonly kind: 'added'; readonly factor: string } | Refused

/** The factors of who is signed in. Every change needs a proof that is fresh. Rejects with a fault when the store cannot say. */
export interface OwnFactors {
  holdings(session: Session): Promise<Holdings>
  /** What has to be proved before a change: with a second factor, where the person has one, within five minutes. */
  demandOf(session: Session): Promise<LoginDemand>
  /** Whether that was proved. */
  mayChange(session: Session): Promise<boolean>
  begin(session: Session, module: string): Promise<SetUpPage | Refused>
  finish(session: Session, answer: SetUpAnswer, origin: RequestOrigin): Promise<AddOutcome>
  rename(session: Session, factor: string, name: string): Promise<{ readonly kind: 'renamed' } | Refused>
  remove(session: Session, factor: string, origin: RequestOrigin): Promise<{ readonly kind: 'removed' } | Refused>
}

export interface SetUpAnswer {
  readonly state: string
  readonly answers: readonly string[]
}

export interface OwnFactorsDeps {
  readonly realms: ReadonlyMap<RealmName, RealmAuthn>
  readonly sealer: Sealer
  readonly store: Pick<Store, 'versioned'>
  readonly audit: AuditSink
  readonly clock: Clock
}

/** Milliseconds that a proof counts for a change. */
const FRESH_MS = 300_000
/** A page that sets something up is forgotten after this long. */
const SETUP_MS = 15 * 60_000
const KIND = 'own factor'
/** Characters of a factor's name. */
export const LONGEST_FACTOR_NAME = 60

/** A session whose user is known, in its realm. */
interface Owner {
  readonly realm: RealmAuthn
  readonly user: User
  readonly session: Session
}

export function createOwnFactors({ realms, sealer, store, audit, clock }: OwnFactorsDeps): OwnFactors {
  const ownerOf = async (session: Session): Promise<Owner | undefined> => {
    const realm = isAnonymous(session) ? undefined : realms.get(session.realm)
    const user = await realm?.directory.find(session.userId)
    return realm === undefined || user === undefined ? undefined : { realm, user, session }
  }
  /** Who may change something now. */
  const provenOwner = async (session: Session): Promise<Owner | Refused> => {
    const owner = await ownerOf(session)
    if (owner === undefined) return { kind: 'gone' }
    return isProven(owner, await levelFor(owner), clock()) ? owner : { kind: 'prove-first' }
  }
  const record = (
    event: 'FactorEnrolled' | 'FactorRemoved',
    { session: { realm, username } }: Owner,
    factor: Pick<Factor, 'id' | 'type'>,
    origin: RequestOrigin,
  ): void => {
    const { requestId, clientIp } = origin
    const about = { at: clock(), requestId, clientIp, realm, username, type: factor.type, factor: factor.id }
    audit.record({ event, ...about }, origin)
  }
  const page = (
    { session }: Owner,
    { name }: AuthModule,
    { kind, callbacks, state }: { kind: SetUpPage['kind']; callbacks: readonly Callback[]; state: JsonValue },
  ): SetUpPage => {
    const sealed = sealer.seal('journey', [KIND, session.sid, name, state, randomName()], SETUP_MS)
    return { kind, module: name, callbacks, state: sealed }
  }

  return {
    async holdings(session) {
      const owner = await ownerOf(session)
      return owner === undefined ? { factors: [], addable: [] } : holdingsOf(owner, clock())
    },
    async demandOf(session) {
      const owner = await ownerOf(session)
      const demand = { level: owner && (await levelFor(owner)), maxAgeMs: FRESH_MS, force: false }
      // A session that seems fresh, and is so by its first factor alone, would be sent back at once.
      return { ...demand, force: suffices(session, demand, clock()) }
    },
    mayChange: async (session) => !('kind' in (await provenOwner(session))),
    async begin(session, name) {
      const owner = await provenOwner(session)
      if ('kind' in owner) return owner
      const module = await addableModule(owner, name)
      if (module === undefined) return { kind: 'gone' }
      return page(owner, module, { kind: 'ask', ...(await module.enrolment.begin(owner.user)) })
    },
    async finish(session, { state: sealed, answers }, origin) {
      const owner = await provenOwner(session)
      if ('kind' in owner) return owner
      const opened = sealer.open('journey', sealed)
      const [kind, sid, name, state] = Array.isArray(opened) ? (opened as readonly JsonValue[]) : []
      const isOwn = kind === KIND && sid === session.sid && typeof name === 'string'
      const module = isOwn ? await addableModule(owner, name) : undefined
      if (module === undefined || state === undefined) return { kind: 'gone' }
      const { enrolment } = module
      const outcome = await enrolment.finish(owner.user, state, answers)
      if (outcome.kind === 'again') {
        const shown = await enrolment.show(owner.user, state)
        const again = shown === undefined ? await enrolment.begin(owner.user) : { callbacks: shown, state }
        return page(owner, module, { kind: 'again', ...again })
      }
      // Pressed twice it is set up once, also on two pages that show the same: a secret that is there twice would take a code twice.
      const shown = sha256(JSON.stringify(state))
      if (!(await store.versioned.create('own-factor', shown, '', SETUP_MS))) return { kind: 'gone' }
      const factor = await put(owner, enrolment, outcome.factor)
      if (factor === undefined) return { kind: 'gone' }
      record('FactorEnrolled', owner, factor, origin)
      return { kind: 'added', factor: factor.id }
    },
    async rename(session, id, name) {
      const owner = await provenOwner(session)
      if ('kind' in owner) return owner
      const trimmed = name
        .replaceAll(/\p{Cc}/gu, ' ')
        .trim()
        .slice(0, LONGEST_FACTOR_NAME)
      const done = await owner.realm.factors.change(owner.user.id, id, ({ declared, data, lastUsedAt }) =>
        declared === true ? undefined : { name: trimmed, data, ...(lastUsedAt === undefined ? {} : { lastUsedAt }) },
      )
      return { kind: done ? 'renamed' : 'gone' }
    },
    async remove(session, id, origin) {
      const owner = await provenOwner(session)
      if ('kind' in owner) return owner
      const { factors } = owner.realm
      const found = (await factors.list(owner.user.id)).find((factor) => factor.id === id)
      if (found === undefined || !(await factors.remove(owner.user.id, id))) return { kind: 'gone' }
      record('FactorRemoved', owner, found, origin)
      return { kind: 'removed' }
    },
  }
}

/** Modules with which more is proved than by a first factor, and which the person set up, or was given for good. */
function secondModules({ realm }: Owner): readonly AuthModule[] {
  return [...realm.modules.values()].filter((module) => module.isEnrolled !== undefined && module.standing !== 'given')
}

async function enrolledModules(owner: Owner): Promise<readonly AuthModule[]> {
  const modules = secondModules(owner)
  const has = await Promise.all(modules.map(async (module) => (await module.isEnrolled?.(owner.user)) ?? false))
  return modules.filter((_, i) => has[i] === true)
}

/**
 * The level to prove. Whoever has a second factor proves it; a password alone must not put a stranger's telephone beside the owner's,
 * nor remove that. Of several the weakest will do, since whoever has lost the other could change nothing any more.
 */
async function levelFor(owner: Owner): Promise<number | undefined> {
  const enrolled = await enrolledModules(owner)
  return enrolled.length === 0 ? undefined : Math.min(...enrolled.map(({ authLevel }) => authLevel))
}

/** Whether something of the level was proved just now, and not only at some time. */
function isProven({ realm, session }: Owner, level: number | undefined, now: number): boolean {
  return [...realm.modules.values()].some(
    ({ name, authLevel }) => authLevel >= (level ?? 0) && provedWithin(session, name, { now, withinMs: FRESH_MS }),
  )
}

async function holdingsOf(owner: Owner, now: number): Promise<Holdings> {
  const { realm, user } = owner
  const [stored, enrolled] = await Promise.all([realm.factors.list(user.id), enrolledModules(owner)])
  const modules = [...realm.modules.values()]
  const untilOf = (factor: Factor): number | undefined =>
    modules.find(({ type }) => type === factor.type)?.until?.(factor)
  const factors = stored.filter((factor) => (untilOf(factor) ?? Infinity) > now)
  const isMain = (type: string): boolean =>
    secondModules(owner).some((each) => each.type === type && isMainModule(each))
  const main = factors.filter(({ type }) => isMain(type))
  return {
    factors: factors.map((factor) => ({
      id: factor.id,
      type: factor.type,
      name: factor.name,
      createdAt: factor.createdAt,
      ...(factor.lastUsedAt === undefined ? {} : { lastUsedAt: factor.lastUsedAt }),
      declared: factor.declared === true,
      until: untilOf(factor),
      left: modules.find(({ type }) => type === factor.type)?.left?.(factor),
      isLast: isMain(factor.type) && main.length === 1,
    })),
    addable: modules
      .filter((module) => isAddable(module, enrolled))
      .map(({ name, type, enrolment }) => ({ module: name, type, replaces: enrolment?.replaces === true })),
  }
}

/** One that stands on its own, where others only stand in for it. */
function isMainModule({ standing }: AuthModule): boolean {
  return standing === undefined
}

function isAddable({ enrolment, standing }: AuthModule, enrolled: readonly AuthModule[]): boolean {
  return enrolment !== undefined && (standing !== 'backup' || enrolled.some(isMainModule))
}

async function addableModule(
  owner: Owner,
  name: string,
): Promise<(AuthModule & { readonly enrolment: Enrolment }) | undefined> {
  const module = owner.realm.modules.get(name)
  if (module?.enrolment === undefined || !isAddable(module, await enrolledModules(owner))) return undefined
  return { ...module, enrolment: module.enrolment }
}

async function put(
  { realm, user }: Owner,
  { replaces }: Enrolment,
  factor: Pick<Factor, 'type' | 'name' | 'data'>,
): Promise<Factor | undefined> {
  if (replaces !== true) return realm.factors.add(user.id, factor)
  await realm.factors.replaceAll(user.id, factor.type, [factor])
  return (await realm.factors.list(user.id)).find(({ type }) => type === factor.type)
}
