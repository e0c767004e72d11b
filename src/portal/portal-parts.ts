import type { IncomingMessage } from 'node:http'
import type { RealmName } from '../base/brand.ts'
import type { Presented } from '../http/presented.ts'
import type { HandshakeService, SessionService } from '../session/session.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../telemetry/log.ts'
import type { LoginCookies } from '../authn/login-cookies.ts'
import type { Authn } from '../authn/authn.ts'
import type { OwnFactors } from '../authn/own-factors.ts'
import type { OwnPassword } from '../authn/own-password.ts'
import type { Issuers } from '../federation/oidc-op/issuers.ts'
import type { Leaving } from '../federation/logout/leaving.ts'
import type { RealmLogout } from '../federation/saml-logout/realm-logout.ts'
import type { SamlIdps } from '../federation/saml-idp/idps.ts'
import type { GotoCheck } from '../authn/goto.ts'
import type { FactsOf, Providers, Readiness } from './ports.ts'
import type { PublicFiles } from './public-files.ts'
import type { CompiledRealm, Realms } from './realms.ts'

export interface SamlParts {
  readonly idps: SamlIdps
  readonly logouts: { of(realm: RealmName): RealmLogout | undefined }
  entityIdOf(realm: RealmName): string | undefined
  /** Signed; `undefined` where the realm has no part in SAML. */
  metadataOf(realm: RealmName): string | undefined
}

/** What the routes of the login host share, assembled once per configuration generation. */
export interface PortalParts {
  /** Origin of the login host. */
  readonly origin: string
  readonly cookies: LoginCookies
  readonly realms: Realms
  /** Whose look pages have that belong to no realm. */
  readonly defaultRealm: CompiledRealm
  /** From `loadPublicFiles`; the same for every generation. */
  readonly files: PublicFiles
  readonly authn: Authn
  readonly ownFactors: OwnFactors
  readonly ownPassword: OwnPassword
  readonly sessions: Pick<SessionService, 'resolve' | 'touch' | 'renew' | 'end' | 'endOthers' | 'ofUser' | 'find'>
  readonly handshake: Pick<HandshakeService, 'issue' | 'tokenFor'>
  readonly checkGoto: GotoCheck
  readonly providers: Providers
  /** Signing out at partners. */
  readonly leaving: Leaving
  /** The OpenID providers of the realms. */
  readonly issuers: Issuers
  /** What the realms are by SAML. */
  readonly saml: SamlParts
  readonly readiness: Readiness
  /** The public keys for `/.well-known/jwks.json`. */
  readonly jwks: () => object
  /** What ID tokens of agents are signed with; absent where there is no such agent. */
  readonly agentKeys?: (() => object) | undefined
  readonly factsOf: FactsOf
  /** What a request itself brings to prove who sent it. */
  readonly presentedBy: (request: IncomingMessage) => Presented
  readonly audit: AuditSink
  readonly log: Log
  readonly clock: Clock
}
