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
  /** Trades the code for a token that opens this site alone. Writes an audit line. Rejects with a fault when nobody can say. */
  redeem(answer: SsoAnswer, origin: RequestOrigin): Promise<SsoRedemption>
}
