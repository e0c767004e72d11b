import type { RealmName } from '../base/brand.ts'

/** What the gateway can have to say to a person instead of the application. */
export type RefusalKind =
  | 'forbidden'
  | 'unavailable'
  | 'bad-request'
  | 'unknown-host'
  | 'method-not-allowed'
  | 'loop'
  | 'open-at-top-level'
  /** The session is not enough: each request has to bring a token of another issuer. */
  | 'token-needed'
  | 'upstream'
  | 'not-found'
  | 'internal'
  /** A form has to wait for a login, to which the page goes on by itself. */
  | 'form-waits'
  /** The answer of a provider has come, and the page goes on with it by itself. */
  | 'goes-on'
  /** A form was kept during a login, and is offered to be sent. */
  | 'form-kept'
  | 'form-not-kept'

/** Why a login did not hold, as far as the gateway can tell. */
export type LoopCause = 'cookie-not-returned' | 'two-cookies' | 'clock' | 'secure-over-http' | 'unknown'

/** A kept form on the page that offers to send it: names, no values. */
export interface FormTicket {
  /** Path and query that it goes to. */
  readonly action: string
  /** Name and value of the one field that stands for it; sent as text/plain. */
  readonly field: string
  readonly ticket: string
  readonly fields: readonly string[]
  readonly files: readonly string[]
  /** Of the whole form. */
  readonly bytes: number
}

/** Everything a page of ours may say. Nothing here comes from the request but what is named so. */
export interface Refusal {
  readonly kind: RefusalKind
  readonly status: number
  readonly requestId: string
  readonly realm?: RealmName | undefined
  readonly siteTitle?: string | undefined
  /** The request's own header. */
  readonly acceptLanguage?: string | undefined
  readonly cause?: LoopCause | undefined
  /** Who is signed in. */
  readonly username?: string | undefined
  /** Names of the policies that decided it. */
  readonly policies?: readonly string[] | undefined
  /** What each policy said, for whoever administers the realm and for nobody else. */
  readonly why?: readonly { readonly policy: string; readonly because: string }[] | undefined
  readonly loginUrl?: string | undefined
  readonly logoutUrl?: string | undefined
  readonly retryAfterSeconds?: number | undefined
  readonly form?: FormTicket | undefined
  /** Path on the site where a person can go on. */
  readonly back?: string | undefined
}

export interface RenderedPage {
  readonly html: string
  readonly headers: Readonly<Record<string, string>>
}

/** How our pages look on hosts that belong to an application: one document, nothing fetched, no script. */
export interface ErrorPages {
  render(refusal: Refusal): RenderedPage
}
