import type { JsonValue } from '../crypto/seal.ts'
import type { User } from '../identity/directory.ts'
import type { Session } from '../session/session.ts'
import type { AccountFault } from './accounts.ts'

/** What a login by a provider has to come to. */
export interface LoginWish {
  /** One of these has to be the `acr`, or the AuthnContextClassRef, of the login; any where there are none. */
  readonly acr: readonly string[]
  /** How long ago the person may have proved who they are to the provider, in milliseconds; any time where absent. */
  readonly maxAgeMs: number | undefined
  /** A name to offer, proven by nobody. */
  readonly loginHint: string | undefined
  /** The provider is to ask nobody anything: who is not signed in there is not signed in. */
  readonly isPassive?: boolean
}

/** A login that has left for the provider. Sealed into the journey: it has what the answer is compared with. */
export interface Departure {
  readonly url: string
  /** What the browser takes there in a form; a plain redirect where absent. */
  readonly fields?: Readonly<Record<string, string>>
  readonly state: string
  readonly pending: JsonValue
}

export type ProviderFault =
  /** The person, or the provider, has said no. */
  | 'provider-denied'
  | 'provider-unavailable'
  /** What came back is not the answer to this login, or not from the provider. */
  | 'provider-refused'
  /** The provider has asked for less than was wanted (`acr`, `auth_time`). */
  | 'provider-too-weak'
  /** An answer that was used before. */
  | 'provider-replayed'

export interface Refusal {
  readonly kind: 'refused'
  readonly reason: ProviderFault | AccountFault
}

export interface Recognised {
  readonly kind: 'recognised'
  readonly user: User
  readonly properties: Readonly<Record<string, string>>
  readonly acr: string | undefined
  /** When they proved it to the provider, where it says so; milliseconds since the epoch. */
  readonly authTime: number | undefined
  /** When the session has to end; milliseconds since the epoch. */
  readonly endsAt: number | undefined
}

/** Where a browser signs out, and what it brings. */
export interface ProviderLogout {
  readonly action: string
  readonly fields: Readonly<Record<string, string>>
}

/** A provider that people of a realm sign in by, and that says who they are. */
export interface LoginProvider {
  readonly name: string
  readonly title: string
  readonly domains: readonly string[]
  readonly atOnce: boolean
  /** Where to send the browser, and what to compare its answer with. */
  depart(wish: LoginWish): Promise<({ readonly kind: 'departed' } & Departure) | Refusal>
  /** An answer counts once, whatever comes of it. */
  arrive(pending: JsonValue, answer: string): Promise<Recognised | Refusal>
  /** An answer that nobody here has asked for, from a provider that may send such; absent for all others. */
  arriveUnasked?(answer: string): Promise<Recognised | Refusal>
  /** Notes that a session is used. */
  used(session: Session): void
  /** Where its person signs out at the provider; asked before it is ended. */
  logout(session: Session, returnTo: string): Promise<ProviderLogout | undefined>
  /**
   * A session has ended that began with this mark (its property): `isTold` says that the provider knows. Rejects where it could not be
   * told. Absent where that is not the login's.
   */
  ended?(mark: string, end: { readonly userId: string; readonly isTold: boolean }): Promise<void>
  /** A logout token from the provider. False for one that is not good. */
  signedOut(token: string): Promise<boolean>
}
