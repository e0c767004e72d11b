import type { Advices } from '../policy/decision.ts'
import type { Session } from '../session/session.ts'

/** What somebody who asks for a login needs of it. */
export interface GateDemand {
  /** authLevel to reach. */
  readonly level?: number | undefined
  /** How long ago the person may have proved who they are, in milliseconds. */
  readonly maxAgeMs?: number | undefined
  /** To be proved now, whatever session there is. */
  readonly force: boolean
  /** What policies want proved besides. */
  readonly advices?: Advices | undefined
  /** Who is expected to sign in; anybody may. */
  readonly username?: string | undefined
  /** Who is signed in will not do: somebody else is wanted. */
  readonly another?: boolean | undefined
}

/** Who has asked for a logout, and where the person goes then. */
export interface AfterLogout {
  readonly client?: string | undefined
  /** What people call it. */
  readonly title?: string | undefined
  /** Checked; our own page where absent. */
  readonly url?: string | undefined
}

/**
 * Port: the login as a provider of identities sees it, for one request. It knows nothing of chains and modules: it asks who is signed in,
 * and sends the browser away to prove more.
 */
export interface LoginGate {
  /**
   * Who is signed in with this browser in the provider's realm, by proof; nobody's session and another realm's are none. Never on a
   * confirmation of before a store outage: rejects with GH_STORE_UNAVAILABLE.
   */
  session(): Promise<Session | undefined>
  /** Notes that the session was used. */
  used(session: Session): void
  /** Where the browser goes to bring it about; from there it comes back to `returnTo`, an address of the login host. */
  loginUrl(demand: GateDemand, returnTo: string): Promise<string>
  /**
   * Ends the session, and has the browser forget it. Where the browser goes to tell others of it, and from there on to where it was to go;
   * `undefined` where there is nobody to tell.
   */
  signOut(session: Session, to: AfterLogout): Promise<string | undefined>
}
