import type { RedemptionFault, RequestOrigin, Session, SessionToken } from '../session/session.ts'

/** What an agent brings to its provider after a login. */
export interface SsoAnswer {
  readonly code: string
  /** RFC 7636 §4.1: made of what only the browser that began has. */
  readonly verifier: string
  readonly nonce: string
  readonly redirectUri: string
  /** Names the start that the answer is for; good for one answer. */
  readonly start: string
  /** What the browser is signed in by at the site, where the provider is elsewhere: the new session takes its place. */
  readonly before?: Session | undefined
}

export type SsoRedemption =
  | { readonly kind: 'issued'; readonly token: SessionToken; readonly session: Session }
  | { readonly kind: 'refused'; readonly reason: RedemptionFault }

/** Port: the OpenID provider by which people sign in to one site (`sso: oidc`). */
export interface SsoProvider {
  readonly issuer: string
  readonly clientId: string
  readonly scope: string
  /** Where browsers are sent, without parameters. */
  readonly authorizationUrl: string
  /** It is another process, which shares nothing with this one: sessions of the site are our own. */
  readonly isElsewhere?: boolean
  /** Where the session's person signs out there; asked before the session ends here. */
  signOutUrl?(session: Session): Promise<string | undefined>
  /** A logout token of it (OpenID Connect Back-Channel Logout 1.0 §2.5). False for one that is not good. */
  signedOut?(token: string): Promise<boolean>
  /** Trades the code for a token that opens this site alone. Writes an audit line. Rejects with a fault when nobody can say. */
  redeem(answer: SsoAnswer, origin: RequestOrigin): Promise<SsoRedemption>
}
