import { usernameKey } from '../base/username-key.ts'
import { chainsPassed } from '../policy/chains-passed.ts'
import type { Session } from '../session/session.ts'

/** What a login must come to besides a passed chain. */
export interface LoginDemand {
  /** authLevel to reach: `authIndexType=level`, AuthLevelConditionAdvice. */
  readonly level: number | undefined
  /** Prove it again although a session is there (`ForceAuth=true`). */
  readonly force: boolean
  /** Modules to pass: `authIndexType=module`, AuthSchemeConditionAdvice. */
  readonly modules?: readonly string[] | undefined
  /** The chain to run: `authIndexType=service`, AuthenticateToServiceConditionAdvice. */
  readonly chain?: string | undefined
  /** How long ago something may have been proved last, in milliseconds: AuthenticationAgeConditionAdvice. */
  readonly maxAgeMs?: number | undefined
  /** The request to approve: `authIndexType=transaction`, TransactionConditionAdvice. What that takes, the store says. */
  readonly transaction?: string | undefined
  /** The one module to prove again, whatever was passed before; only of who has a session. */
  readonly again?: string
  /** Whoever has set up a second factor proves one, whatever the chain asks for. */
  readonly ownFactor?: true
  /** Who is asked to sign in: `authIndexType=user`. Whoever does is asked for nothing more by it. */
  readonly username?: string | undefined
}

/** What a session has proved. */
export type Standing = Pick<Session, 'userId' | 'username' | 'authLevel' | 'authModules' | 'authInstant' | 'properties'>

/** Whether a session of the realm is what is asked for already. No session approves anything by itself. */
export function suffices(session: Standing, demand: LoginDemand, now: number): boolean {
  const { level = 0, modules = [], chain, force, transaction, username, again } = demand
  return (
    !force &&
    transaction === undefined &&
    again === undefined &&
    (chain === undefined || chainsPassed(session.properties).includes(chain)) &&
    (username === undefined || usernameKey(session.username) === usernameKey(username)) &&
    session.authLevel >= level &&
    modules.every((module) => session.authModules.includes(module)) &&
    isFresh(session, demand, now)
  )
}

export function isFresh(
  { authInstant }: Pick<Standing, 'authInstant'>,
  { maxAgeMs }: LoginDemand,
  now: number,
): boolean {
  return maxAgeMs === undefined || now - authInstant < maxAgeMs
}

/** Whether the demand is one to a session that is there (a step-up), and not the wish to sign in once more, maybe as another. */
export function strengthens({ level, modules, chain, maxAgeMs, transaction, again }: LoginDemand): boolean {
  if (transaction !== undefined || again !== undefined) return true
  return level !== undefined || modules !== undefined || chain !== undefined || maxAgeMs !== undefined
}
