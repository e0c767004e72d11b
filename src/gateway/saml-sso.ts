import type { RequestOrigin } from '../session/session.ts'
import type { SsoRedemption } from './sso-provider.ts'

/** What an agent asks its identity provider for. */
export interface SamlWish {
  /** Of the request: made of what only the browser that begins has. */
  readonly id: string
  readonly relayState: string
  /** authLevel to reach. */
  readonly level: number | undefined
  /** A session that is there will not do: the person is to prove who they are now. */
  readonly isForced: boolean
}

/** What comes back. */
export interface SamlAnswer {
  /** The form's `SAMLResponse`. */
  readonly response: string
  /** The request that it has to be the answer to. */
  readonly requestId: string
  /** Names the start that the answer is for; good for one answer. */
  readonly start: string
}

export type SamlRedemption =
  | SsoRedemption
  /** The provider signs nobody in: asking again would come to the same. */
  | { readonly kind: 'denied' }

/** Port: the SAML identity provider by which people sign in to one site (`sso: saml`). */
export interface SamlSso {
  /** Where browsers are sent with a request; `undefined` where there is no word for the level in SAML. Nothing in it is of the request's own address but `relayState`. */
  signOn(wish: SamlWish): string | undefined
  /** Trades an answer for a token that opens this site alone. Writes an audit line. Rejects with a fault when nobody can say. */
  redeem(answer: SamlAnswer, origin: RequestOrigin): Promise<SamlRedemption>
  /** The site as a service provider (SAML Metadata 2.0 §2.4.4). */
  readonly metadata: string
}
