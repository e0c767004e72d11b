import type { IncomingMessage } from 'node:http'
import type { AgentId, RealmName } from '../base/brand.ts'
import type { Destination, Step } from '../authn/step.ts'
import type { Client } from '../http/client.ts'
import type { RequestOrigin, Session } from '../session/session.ts'
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
}

/** What a login must come to besides a passed default chain. */
export interface LoginDemand {
  readonly level: number | undefined
  /** Prove it again although a session is there (`ForceAuth=true`). */
  readonly force: boolean
}

/** What every call about one login carries: where it comes from. */
export interface LoginContext {
  /** Base64url SHA-256 of the browser-binding cookie of the login host. */
  readonly binding: string
  /** The live session that this browser has here, of whatever realm. */
  readonly session: Session | undefined
  readonly origin: RequestOrigin
}

/** The login journeys, seen from a page: where a login starts and where its answers go. */
export interface Authn {
  begin(
    request: { readonly realm: RealmName; readonly demand: LoginDemand; readonly destination: Destination },
    context: LoginContext,
  ): Promise<Step>
  /** `answers`: one for each callback of the step, in its order. */
  submit(
    request: { readonly realm: RealmName; readonly authId: string; readonly answers: readonly string[] },
    context: LoginContext,
  ): Promise<Step>
}

/** Decides about one goto; the URL that was checked is the URL that is used. */
export type CheckGoto = (
  realm: RealmName,
  goto: string,
) => { readonly kind: 'accepted'; readonly url: string } | { readonly kind: 'refused'; readonly reason: string }

export interface Readiness {
  /** Empty when requests can be served; otherwise what is missing, in words for an operator. */
  problems(): Promise<readonly string[]>
}

/** Facts about a request that were established before it came here. */
export interface RequestFacts {
  readonly requestId: string
  readonly client: Client
}

export type FactsOf = (request: IncomingMessage) => RequestFacts
