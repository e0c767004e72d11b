import type { IncomingMessage } from 'node:http'
import type { AgentId, RealmName } from '../base/brand.ts'
import type { CookieAttributes } from '../http/cookies.ts'
import type { Client } from '../http/client.ts'
import type { Audience } from '../store/store.ts'
import type { LookConfig } from './look.schema.ts'

/** A protected site as the login host sees it. */
export interface PortalSite {
  readonly agent: AgentId
  /** Name of the application on pages. */
  readonly title: string
  /** Its origin: `https://pay.example.com`. */
  readonly url: string
  /** Other origins of the same site. */
  readonly aliases: readonly string[]
  /** Audience of the tokens that its handshakes end with. */
  readonly audience: Audience
  /** Logins come to it by OpenID Connect or by SAML, never by a code of ours. */
  readonly byOpenId?: boolean
  /** Set where OpenAM's agent protects the site and not the gateway, so that no handshake leads there. */
  readonly openAm?: OpenAmSite
}

/** How such a site gets a token. */
export interface OpenAmSite {
  /** By `/cdcservlet`. */
  readonly cdcservlet: boolean
  /** By a cookie of a domain that the login host is in. */
  readonly cookie: SharedCookie | undefined
  /** In an ID token. */
  readonly openId?: AgentOpenId | undefined
}

/** The profile of an agent as a registration of an OpenID client. */
export interface AgentOpenId {
  /** The one address that its answers go to, in each of its spellings. */
  readonly redirectUris: readonly string[]
  /** Path of the realm's issuer. */
  readonly issuerPath: string
  /** A compact JWS of these claims. Throws GH_KEYS_UNAVAILABLE. */
  readonly sign: (claims: object) => string
  /** The level that a name in `acr_values` stands for; `undefined` for a name that nobody here knows. */
  readonly levelOf: (acr: string) => number | undefined
}

export interface SharedCookie {
  readonly name: string
  readonly attributes: CookieAttributes
  /** Whether it outlives the browser. */
  readonly persistent: boolean
}

/** A realm as the login host sees it. */
export interface PortalRealm {
  readonly name: RealmName
  readonly look: LookConfig
  /** Absolute path of the folder with the realm's logo. */
  readonly themeDir: string
  /** What signing in here does to another realm's session in the same browser. */
  readonly realmSwitch: 'end' | 'keep'
  /** Sites that this realm's sessions open. */
  readonly sites: readonly PortalSite[]
  /** Other origins where people of the realm may be sent. */
  readonly goto: readonly string[]
  /** OpenID providers that its people may sign in by; none where absent. */
  readonly providers?: readonly PortalProvider[]
}

/** One of them. */
export interface PortalProvider {
  /** Name in the configuration and in addresses. */
  readonly provider: string
  /** The module that people choose it by. */
  readonly module: string
  readonly title: string
  /** Of e-mail addresses of its people. */
  readonly domains: readonly string[]
  /** Where it is the only way, nobody is shown a page with one button. */
  readonly atOnce: boolean
}

/** An answer of a SAML provider, as its form had it. */
export interface SentResponse {
  /** Path of the address that it was sent to. */
  readonly path: string
  readonly field: string
  readonly relayState: string | undefined
}

export type ReceivedResponse =
  /** Kept until the browser has brought what it knows of the login. */
  | { readonly kind: 'parked'; readonly provider: string; readonly ticket: string; readonly isAnswer: boolean }
  | { readonly kind: 'refused'; readonly reason: string }

/** What the login host has to do with providers besides logins. */
export interface Providers {
  /** `undefined` for a realm without SAML providers. */
  receive(realm: RealmName, sent: SentResponse): Promise<ReceivedResponse | undefined>
  /** False for a token that is not good. */
  signedOut(realm: RealmName, provider: string, logoutToken: string): Promise<boolean>
}

/** In words for an operator that tell a stranger nothing. */
export interface ReadinessReport {
  /** Why no traffic should be sent here; empty when requests can be served. */
  readonly problems: readonly string[]
  /** What somebody should look at while the process goes on: a change of the configuration that was refused. */
  readonly notices: readonly string[]
}

export interface Readiness {
  report(): Promise<ReadinessReport>
}

/** Facts about a request that were established before it came here. */
export interface RequestFacts {
  readonly requestId: string
  readonly client: Client
}

export type FactsOf = (request: IncomingMessage) => RequestFacts
