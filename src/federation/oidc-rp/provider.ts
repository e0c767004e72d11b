import type { JsonValue } from '../../crypto/seal.ts'

/** What a login by a provider has to come to. */
export interface LoginWish {
  /** One of these has to be the `acr` of the login; any where there are none. */
  readonly acr: readonly string[]
  /** How long ago the person may have proved who they are to the provider, in milliseconds; any time where absent. */
  readonly maxAgeMs: number | undefined
  /** A name to offer, proven by nobody. */
  readonly loginHint: string | undefined
}

/** A login that has left for the provider. Sealed into the journey: it has what the answer is compared with. */
export interface Departure {
  readonly url: string
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

/** Claims of the ID token, and of the userinfo endpoint where that is asked. */
export type Claims = Readonly<Record<string, unknown>> & { readonly sub: string }

/** What a provider gave for a session. Never shown, never logged, kept sealed. */
export interface ProviderTokens {
  readonly idToken: string
  readonly accessToken: string
  readonly refreshToken?: string
  /** When the access token is over; milliseconds since the epoch. */
  readonly expiresAt?: number
}

export interface Proved {
  readonly kind: 'proved'
  readonly claims: Claims
  /** When the ID token is over; milliseconds since the epoch. */
  readonly idTokenExpiresAt: number
  readonly tokens: ProviderTokens
}

export type Arrival = Proved | { readonly kind: 'refused'; readonly reason: ProviderFault; readonly detail: string }

export type Refreshed =
  | { readonly kind: 'refreshed'; readonly tokens: ProviderTokens }
  /** It says that the grant is over (`invalid_grant`), or speaks of somebody else now. */
  | { readonly kind: 'over' }
  /** Not now. `isAnswered`: it has said no, so the refresh token is as good as before; else nobody knows. */
  | { readonly kind: 'failed'; readonly isAnswered: boolean; readonly detail: string }

/** Of whom a provider says that they have signed out there: of one session (`sid`), or of all of somebody. */
export interface LogoutNotice {
  readonly sub: string | undefined
  readonly sid: string | undefined
  readonly jti: string
}

/** Where a browser signs out, and what it brings. */
export interface ProviderLogout {
  readonly action: string
  readonly fields: Readonly<Record<string, string>>
}

/** One OpenID provider that people of one realm sign in by. */
export interface ProviderClient {
  /** Rejects with what `faultOf` reads. */
  depart(wish: LoginWish): Promise<Departure>
  /** `query`: of the address that the browser came back with, as it was sent. */
  arrive(pending: JsonValue, query: string): Promise<Arrival>
  refresh(tokens: ProviderTokens): Promise<Refreshed>
  /** `undefined` for a provider without logout. */
  logout(idToken: string, returnTo: string): Promise<ProviderLogout | undefined>
  /** `undefined` for a token that is not its logout token for us. Rejects where its keys cannot be had. */
  readLogoutToken(token: string): Promise<LogoutNotice | undefined>
  /** What the audit trail says of an error of `depart`. */
  faultOf(error: unknown): { readonly reason: ProviderFault; readonly detail: string }
}
