import type { EpochMs } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import type { EndCause } from '../telemetry/audit.ts'
import type { IssuedSession, RequestOrigin, Session, SessionDraft, SessionService } from '../session/session.ts'
import { groupsAtLogin } from '../session/groups-at-login.ts'
import { withChain } from '../policy/chains-passed.ts'
import { quotaFor } from '../session/quota.ts'
import { renewsAge } from './choose-chain.ts'
import type { Proof } from './journey.ts'
import { isModuleChain, type RealmAuthn } from './realm-authn.ts'

export type SignIn =
  | { readonly kind: 'signed-in'; readonly issued: IssuedSession }
  /** Disabled or removed while the login was going on. */
  | { readonly kind: 'no-such-user' }
  /** What proved them is not their password any more. */
  | { readonly kind: 'password-changed' }
  /** The browser's session ended or was replaced by another login meanwhile. */
  | { readonly kind: 'session-changed' }
  /** They have as many sessions as they may; nothing was started. Oldest first. */
  | { readonly kind: 'quota-reached'; readonly running: readonly Session[] }

export interface SignInDeps {
  readonly sessions: Pick<SessionService, 'establish' | 'upgrade'>
  readonly clock: Clock
}

/**
 * A finished login becomes a session. The same person in the same realm: their session goes on under a new token (session upgrade).
 * Anybody else, or another realm: a new session; what happens to the one before is the realm's rule. Always a new token, never
 * one that the browser brought (session fixation).
 */
export async function signIn(
  { sessions, clock }: SignInDeps,
  {
    realm,
    proof,
    chain,
    current,
    origin,
    since,
  }: {
    realm: RealmAuthn
    proof: Proof
    chain: string
    current: Session | undefined
    origin: RequestOrigin
    /** When the factor was proved that a browser stood in for. */
    since: number | undefined
  },
): Promise<SignIn> {
  const user = await realm.directory.find(proof.userId)
  if (user === undefined) return { kind: 'no-such-user' }
  if (!(await hasThePassword(realm, proof))) return { kind: 'password-changed' }
  // A session is as old as the oldest proof that it rests on: else a remembered browser would make the factor look fresh. By what a
  // request brings by itself nobody has done anything, ever: whoever sits at that computer now has the same to show.
  const provenSince = (proof.acted === true ? since : NEVER) as EpochMs | undefined
  const isSame = current?.realm === realm.realm && current.userId === user.id
  const properties = {
    ...proof.properties,
    ...(realm.session.endOnGroupChange ? groupsAtLogin(user.groups) : {}),
    ...(isModuleChain(chain) ? {} : withChain(isSame ? current.properties : {}, chain)),
  }
  if (isSame) {
    const { authLevel, modules: authModules, newLevel = 0 } = proof
    const keepsAge = proof.acted !== true || !renewsAge(realm, newLevel, current)
    const upgrade = { authLevel, authModules, properties, keepsAge, provenSince: since as EpochMs | undefined }
    const upgraded = await sessions.upgrade(current, upgrade, origin)
    return upgraded === undefined ? { kind: 'session-changed' } : { kind: 'signed-in', issued: upgraded }
  }
  const draft: SessionDraft = {
    realm: realm.realm,
    userId: user.id,
    username: user.username,
    authLevel: proof.authLevel,
    authModules: proof.modules,
    properties,
    maxIdleMs: realm.session.maxIdle,
    maxLifeMs: lifeLeft(realm.session.maxLife, proof.endsAt, clock()),
    mode: realm.session.mode,
    quota: quotaFor(realm.session, user),
    provenSince,
  }
  const cause = current === undefined ? undefined : endCause(realm, current)
  const replaces = current === undefined || cause === undefined ? undefined : { session: current, cause }
  const outcome = await sessions.establish(draft, origin, replaces)
  return outcome.kind === 'established' ? { kind: 'signed-in', issued: outcome.issued } : outcome
}

/** Why what was proved does not count any more; `undefined` while it does. */
export async function whyNot(
  realm: RealmAuthn,
  proof: Proof,
): Promise<'no-such-user' | 'password-changed' | undefined> {
  if ((await realm.directory.find(proof.userId)) === undefined) return 'no-such-user'
  return (await hasThePassword(realm, proof)) ? undefined : 'password-changed'
}

/** Whoever has changed their password has shut out who knows the old one, those in the middle of a login among them. */
async function hasThePassword({ directory }: RealmAuthn, { userId, stamp }: Proof): Promise<boolean> {
  return stamp === undefined || (await directory.passwords?.isCurrent?.(userId, stamp)) !== false
}

/** At least a second: what ends before it began is no session that can be written. */
function lifeLeft(longestMs: number, endsAt: number | undefined, now: number): number {
  return endsAt === undefined ? longestMs : Math.min(longestMs, Math.max(endsAt - now, 1_000))
}

const NEVER = 0

/** Why the browser's other session ends; `undefined` when it stays. */
function endCause({ realm, session }: RealmAuthn, current: Session): EndCause | undefined {
  if (current.realm === realm) return 'replaced'
  return session.realmSwitch === 'end' ? 'realm-switch' : undefined
}
