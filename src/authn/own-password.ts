import type { RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { networkOf } from '../http/network.ts'
import { refuseWhenBusy, type PasswordCheck } from '../identity/directory.ts'
import type { PasswordFlaw } from '../identity/managed/password-rules.ts'
import type { AttemptOutcome } from '../identity/throttle.ts'
import type { RequestOrigin, Session, SessionService } from '../session/session.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import type { RealmAuthn } from './realm-authn.ts'
import { endOldTrust } from './stand-ins.ts'

/** What became of changing one's own password. */
export type OwnPasswordOutcome =
  | { readonly kind: 'changed' }
  /** It is kept where nobody can change it from here. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'throttled'; readonly retryAfterMs: number }
  | { readonly kind: 'refused'; readonly flaw: PasswordFlaw }
  /** Somebody changed it in the meantime. */
  | { readonly kind: 'stale' }

/** The password of who is signed in. Whoever calls sees to it that the session proved itself a short while ago. */
export interface OwnPassword {
  /** Characters that a new one needs; `undefined` where it cannot be changed here. */
  minLengthFor(realm: RealmName): number | undefined
  /** Ends all other sessions of the person, what applications may do without one, and forgets the devices that are remembered. Rejects with a fault when something cannot say: they end then, too. */
  change(session: Session, passwords: PasswordEntry, origin: RequestOrigin): Promise<OwnPasswordOutcome>
}

export interface PasswordEntry {
  readonly current: string
  readonly next: string
}

export interface OwnPasswordDeps {
  readonly realms: ReadonlyMap<RealmName, RealmAuthn>
  readonly sessions: Pick<SessionService, 'endOthers'>
  readonly audit: AuditSink
  readonly clock: Clock
}

export function createOwnPassword({ realms, sessions, audit, clock }: OwnPasswordDeps): OwnPassword {
  const about = ({ realm, username }: Session, { requestId, clientIp }: RequestOrigin) => {
    return { at: clock(), requestId, clientIp, realm, username }
  }
  const endOthers = async (realm: RealmAuthn, session: Session, origin: RequestOrigin): Promise<void> => {
    await sessions.endOthers(session, 'password-changed', origin)
    await endOldTrust(realm, session.userId)
  }

  return {
    minLengthFor: (realm) => realms.get(realm)?.directory.passwords?.minLength,
    async change(session, { current, next }, origin) {
      const realm = realms.get(session.realm)
      const passwords = realm?.directory.passwords
      if (realm === undefined || passwords === undefined) return { kind: 'elsewhere' }
      const checked = await guess(realm, session, { current, clientIp: origin.clientIp })
      if (checked.kind === 'throttled') {
        audit.record({ event: 'AuthnThrottled', ...about(session, origin), scope: checked.scope }, origin)
        return { kind: 'throttled', retryAfterMs: checked.retryAfterMs }
      }
      // A name that was given to somebody else meanwhile is not this session's any more.
      if (checked.kind === 'failed' || checked.user.id !== session.userId || checked.stamp === undefined) {
        const reason = checked.kind === 'failed' ? checked.reason : 'user-mismatch'
        audit.record({ event: 'AuthnFailed', ...about(session, origin), reason }, origin)
        return { kind: 'wrong' }
      }
      const outcome = await passwords.change(session.userId, checked.stamp, next).catch(async (error: unknown) => {
        // It may have changed all the same, as where only the answer was lost.
        await endOthers(realm, session, origin)
        throw error
      })
      if (outcome.kind !== 'changed') return outcome
      const { sid } = session
      audit.record({ event: 'PasswordChanged', ...about(session, origin), sid, by: 'account' }, origin)
      await endOthers(realm, session, origin)
      return { kind: 'changed' }
    },
  }
}

type Guess =
  | PasswordCheck
  | { readonly kind: 'throttled'; readonly scope: 'account' | 'network'; readonly retryAfterMs: number }

/** Counted as a try of the login: whoever took a session gets no other guesses at the password than everybody. */
async function guess(
  { throttle, directory }: RealmAuthn,
  { username }: Session,
  { current, clientIp }: { readonly current: string; readonly clientIp: string | undefined },
): Promise<Guess> {
  const network = networkOf(clientIp)
  refuseWhenBusy(directory, network)
  const reservation = await throttle.reserve({ username, clientIp })
  if (reservation.kind === 'throttled') return reservation
  let outcome: AttemptOutcome = 'not-judged'
  try {
    const checked = await directory.checkPassword(username, current, network)
    outcome = checked.kind === 'failed' ? 'failed' : 'passed'
    return checked
  } finally {
    await reservation.settle(outcome)
  }
}
