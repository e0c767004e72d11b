import type { RequestOrigin, Session } from '../session/session.ts'
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
  /** What the browser is signed in by at the site, where the provider is elsewhere: the new session takes its place. */
  readonly before?: Session | undefined
}

export type SamlRedemption =
  | SsoRedemption
  /** The provider signs nobody in: asking again would come to the same. */
  | { readonly kind: 'denied' }

/** A message about signing out, as it came in. */
export type SamlLogoutMessage =
  /** `query`: of the address, as it was received. */
  | { readonly binding: 'redirect'; readonly query: string }
  | {
      readonly binding: 'post'
      readonly field: string
      readonly relayState: string | undefined
      /** `SAMLResponse`, the answer to one of ours. */
      readonly isResponse: boolean
    }
  /** `body`: a SOAP 1.1 envelope. */
  | { readonly binding: 'soap'; readonly body: string }

export type SamlLogoutAnswer =
  /** The browser takes the answer back. */
  | { readonly kind: 'redirect'; readonly url: string }
  /** For the server that has asked. */
  | { readonly kind: 'soap'; readonly xml: string }
  /** The browser is back, and nobody waits for it. */
  | { readonly kind: 'signed-out' }
  | { readonly kind: 'refused'; readonly reason: string }

/** Port: the SAML identity provider by which people sign in to one site (`sso: saml`, or `ssoProvider` of the realm). */
export interface SamlSso {
  /** Where browsers are sent with a request; `undefined` where there is no word for the level in SAML. Nothing in it is of the request's own address but `relayState`. Faults with GH_DIRECTORY_UNAVAILABLE where nobody knows where it is. */
  signOn(wish: SamlWish): string | undefined
  /** Trades an answer for a token that opens this site alone. Writes an audit line. Rejects with a fault when nobody can say. */
  redeem(answer: SamlAnswer, origin: RequestOrigin): Promise<SamlRedemption>
  /** The site as a service provider (SAML Metadata 2.0 §2.4.4), as of now. */
  readonly metadata: string
  /** It is another process, which shares nothing with this one: sessions of the site are our own. */
  readonly isElsewhere?: boolean
  /** Where the session's person signs out there; asked before the session ends here. */
  signOutUrl?(session: Session): Promise<string | undefined>
  /** A message about signing out (SAML Profiles 2.0 §4.4). Writes an audit line. Rejects with a fault when nobody can say. */
  receiveLogout?(message: SamlLogoutMessage, origin: RequestOrigin): Promise<SamlLogoutAnswer>
}
