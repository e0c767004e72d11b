import type { Claims } from '../claims.ts'
import type { Departure, LoginWish, ProviderFault, ProviderLogout } from '../login-provider.ts'
import type { JsonValue } from '../../crypto/seal.ts'

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

/** One OpenID provider that people of one realm sign in by. */
export interface ProviderClient {
  /** Rejects with what `faultOf` reads. */
  depart(wish: LoginWish): Promise<Departure>
  /** `query`: of the address that the browser came back with, as it was sent. */
  arrive(pending: JsonValue, query: string): Promise<Arrival>
  refresh(tokens: ProviderTokens): Promise<Refreshed>
  /** Whether what was given is good still (RFC 7662); `unknown` where it cannot be asked, or does not answer such questions. */
  introspect(tokens: ProviderTokens): Promise<'live' | 'over' | 'unknown'>
  /** Takes back what was given (RFC 7009), where it has an endpoint for that. Rejects where it could not be done. */
  revoke(tokens: ProviderTokens): Promise<void>
  /** `undefined` for a provider without logout. */
  logout(idToken: string, returnTo: string): Promise<ProviderLogout | undefined>
  /** `undefined` for a token that is not its logout token for us. Rejects where its keys cannot be had. */
  readLogoutToken(token: string): Promise<LogoutNotice | undefined>
  /** What the audit trail says of an error of `depart`. */
  faultOf(error: unknown): { readonly reason: ProviderFault; readonly detail: string }
}
