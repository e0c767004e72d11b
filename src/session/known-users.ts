import type { EndCause } from '../telemetry/audit.ts'
import type { Session, SessionResolver } from './session.ts'

export interface KnownUsersDeps {
  readonly sessions: Pick<SessionResolver, 'resolve'>
  /** Why a session may not go on under the configuration in force; `undefined` when it may. */
  readonly causeToEnd: (session: Session) => EndCause | undefined | Promise<EndCause | undefined>
}

/**
 * Resolves as `sessions` does, but a session whose realm or user is gone, disabled or renamed is none. Ending such sessions in
 * the store takes a moment after a change, and longer while the store is unwell; they must not count in between.
 */
export function ofKnownUsers({ sessions, causeToEnd }: KnownUsersDeps): SessionResolver['resolve'] {
  return async (token, audience, options) => ofKnownUser(await sessions.resolve(token, audience, options), causeToEnd)
}

/** The same for one session. */
export async function ofKnownUser(
  session: Session | undefined,
  causeToEnd: KnownUsersDeps['causeToEnd'],
): Promise<Session | undefined> {
  if (session === undefined) return undefined
  return (await causeToEnd(session)) === undefined ? session : undefined
}
