import type { Authn } from '../../authn/authn.ts'
import type { OwnFactors } from '../../authn/own-factors.ts'
import type { RealmAuthn } from '../../authn/realm-authn.ts'
import type { RequestTokens } from '../../authn/request-tokens.ts'
import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { Presented } from '../../http/presented.ts'
import type { ApiToken } from '../../session/api-token.ts'
import type { Facts } from '../../policy/decision.ts'
import type { HandshakeService, RequestOrigin, Session, SessionService } from '../../session/session.ts'
import type { Audience, Store } from '../../store/store.ts'
import type { AuditSink } from '../../telemetry/audit.ts'
import type { Log } from '../../telemetry/log.ts'
import type { IncomingMessage } from 'node:http'
import type { People } from '../ports.ts'
import type { PartialLogin } from './partial-logins.ts'

/** A site of the realm, as Ziti's clients see it: a service to dial. */
export interface Service {
  /** Id of the agent profile. */
  readonly id: string
  readonly name: string
  /** Scheme, host and port. */
  readonly url: string
  readonly audience: Audience
  /** Name of the cookie in which the site takes its token. */
  readonly cookie: string
  /** Whether the policies let the session in, at the site's front page. */
  mayDial(session: Session, clientIp: string): Promise<boolean>
}

/** How the people of one realm sign in; none of their sessions is carried by a browser. */
export interface ZitiRealm {
  readonly realm: RealmName
  readonly realmAuthn: Pick<
    RealmAuthn,
    'modules' | 'chains' | 'defaultChain' | 'policies' | 'factors' | 'journeyTimeoutMs'
  >
  /** What policies of the realm demand with every request; `undefined` where none does. */
  readonly requestTokens: RequestTokens | undefined
}

/** `realm` is the one of whoever calls: the one that these addresses are for, until it is known. */
export interface ZitiDeps extends ZitiRealm {
  /** The realm that these addresses are for: they name none. */
  readonly administered: ZitiRealm
  /** Realms above it whose administrators may come, the nearest first: to the management API alone. */
  readonly outer: readonly ZitiRealm[]
  /** Logins of all of these. */
  readonly authn: Authn
  readonly ownFactors: OwnFactors
  /** Live sessions of people and realms that the configuration knows. */
  readonly sessions: Pick<SessionService, 'resolve' | 'touch' | 'find' | 'end'>
  readonly store: Pick<Store, 'sessions' | 'versioned'>
  readonly factsOf: (session: Session) => Facts | undefined | Promise<Facts | undefined>
  readonly handshakes: HandshakeService
  readonly services: readonly Service[]
  /** A user of the administered realm as the directory knows them now. */
  readonly userOf: (userId: string) => Promise<{ readonly userId: string; readonly username: string } | undefined>
  readonly people: People
  readonly presentedBy: (request: IncomingMessage) => Presented
  readonly version: string
  /** The login host's origin. */
  readonly loginOrigin: string
  readonly audit: AuditSink
  readonly clock: Clock
  readonly log: Pick<Log, 'error' | 'warn'>
}

export type ApiName = 'client' | 'management'

/** One request, read once. No cookie is looked at: no other site's page can speak for a person here. */
export interface Call {
  readonly api: ApiName
  readonly origin: RequestOrigin & { readonly clientIp: string }
  readonly presented: Presented
  /** The JSON body; `undefined` where there is none. */
  readonly body: unknown
  /** A query parameter that was given exactly once. */
  query(name: string): string | undefined
  /** A header that was sent exactly once. */
  header(name: string): string | undefined
}

/** Whoever shows a token: a session, or a login of which something is outstanding. */
export type Caller =
  | { readonly kind: 'full'; readonly token: ApiToken; readonly session: Session }
  | { readonly kind: 'partial'; readonly token: ApiToken; readonly login: PartialLogin }

export type FullCaller = Extract<Caller, { readonly kind: 'full' }>
export type PartialCaller = Extract<Caller, { readonly kind: 'partial' }>

/** The same for a caller of this realm; `undefined` where nobody of it may call. */
export function inRealm(deps: ZitiDeps, api: ApiName, realm: RealmName): ZitiDeps | undefined {
  if (realm === deps.administered.realm) return deps
  const outer = api === 'management' ? deps.outer.find((each) => each.realm === realm) : undefined
  return outer && { ...deps, ...outer }
}
