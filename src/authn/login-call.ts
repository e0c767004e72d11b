import type { RealmName } from '../base/brand.ts'
import type { Presented } from '../http/presented.ts'
import type { RequestOrigin, Session } from '../session/session.ts'
import type { LoginDemand } from './demand.ts'
import type { Destination } from './step.ts'

/** What every call about one login carries: where it comes from. */
export interface LoginContext {
  /** Base64url SHA-256 of the login host's cookie that tells browsers apart. */
  readonly binding: string
  /** The live session that this browser has at the login host, of whatever realm. */
  readonly session: Session | undefined
  readonly origin: RequestOrigin
  /** Nothing where absent. */
  readonly presented?: Presented
}

export interface BeginRequest {
  readonly realm: RealmName
  readonly demand: LoginDemand
  /** Checked (`createGotoCheck`): it is carried, not looked at. */
  readonly destination: Destination
  /** Who it is shall be proved, and no session begin or change. Only programs ask for that. */
  readonly withoutSession?: true
}

export interface SubmitRequest {
  /** The realm of the page that sent the answers; an authId of another realm has expired. */
  readonly realm: RealmName
  readonly authId: string
  /** One for each callback of the step, in its order. */
  readonly answers: readonly string[]
  /** Instead of answers: the module of `others` that the person wants to use. */
  readonly choose?: string | undefined
  /** A name that was typed beside that choice, proven by nobody. */
  readonly typedName?: string | undefined
}
