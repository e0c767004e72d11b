import type { Sealer } from '../crypto/seal.ts'
import type { Session } from '../session/session.ts'
import type { Asked } from './advance.ts'
import { sealHandle, type Handle, type StoredHandle } from './journey.ts'
import { outstanding } from './outstanding.ts'
import type { RealmAuthn } from './realm-authn.ts'
import type { PartialProof, Step, StepFailure } from './step.ts'
import { provenName } from './turn.ts'

/** The page on which somebody ends one of their sessions for this login. */
export function roomPage(
  sealer: Pick<Sealer, 'seal'>,
  handle: StoredHandle,
  { ttl, username, running }: { ttl: number; username: string; running: readonly Session[] },
): Step {
  const { realm, destination } = handle
  const authId = sealHandle(sealer, handle, { ttlMs: Math.max(1, ttl) })
  return { kind: 'quota-reached', authId, realm, username, running, destination }
}

export interface Shown {
  readonly realm: RealmAuthn
  readonly asked: Asked
  readonly failure: StepFailure | undefined
  /** How long there is to answer it. */
  readonly ttlMs: number
  readonly handle: Handle
  /** Its partial session. */
  readonly partial: string | undefined
}

/** None of a login that strengthens a session. */
function partialOf(
  realm: RealmAuthn,
  { journey, turn }: Asked,
  sid: string | undefined,
): { readonly partial?: PartialProof } {
  const { proof, subject } = journey
  if (proof === undefined || subject !== undefined) return {}
  const { userId, username, modules: authModules } = proof
  return { partial: { sid, userId, username, authModules, authQueries: outstanding(realm, journey, turn) } }
}

/** The page of a module that asks. */
export function page(
  sealer: Pick<Sealer, 'seal'>,
  { realm, asked, failure, ttlMs, handle, partial }: Shown,
): Extract<Step, { readonly kind: 'ask' }> {
  const { journey, turn, callbacks, retryAfterMs } = asked
  return {
    kind: 'ask',
    authId: sealHandle(sealer, handle, { ttlMs: Math.max(1, ttlMs), asked: journey }),
    realm: realm.realm,
    stage: turn.module.name,
    callbacks,
    enrols: turn.enrols,
    ...(turn.optional === true ? { optional: true } : {}),
    others: turn.others,
    username: journey.subject?.username ?? provenName(realm, journey),
    ...(journey.proof === undefined && journey.results.length === 0 ? {} : { begun: true }),
    ...(handle.kind === 'sealed' ? {} : partialOf(realm, asked, partial)),
    ...(journey.approval === undefined ? {} : { approves: journey.approval }),
    failure: retryAfterMs === undefined ? failure : 'throttled',
    retryAfterSeconds: retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1_000),
    destination: journey.destination,
  }
}
