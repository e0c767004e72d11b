import type { AgentId, RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import type { AssertionSigner } from '../crypto/assertion.ts'
import {
  bareName,
  cookieName,
  cookieSpellings,
  forgetCookie,
  type CookieAttributes,
  type CookieNames,
} from '../http/cookies.ts'
import { publicOrigin, type PublicOrigin } from '../http/forwarded.ts'
import type { Facts, PolicyDecisionPoint } from '../policy/decision.ts'
import { rememberDecisions } from '../policy/remembered-decisions.ts'
import type { Session } from '../session/session.ts'
import type { Audience } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { agentCookieOf, type AgentCookie } from './agent-cookie.schema.ts'
import { askableOf, type AskableSite } from './askable-site.ts'
import { compileApplicationLogout, type ApplicationLogout } from './application-logout.ts'
import type { SiteConfig } from './agent-profile.schema.ts'
import type { CookieResetConfig } from './cookie-reset.schema.ts'
import { createCookieReader, type ReadCookies } from './cookie-reader.ts'
import { compileEnvironment, type ReadEnvironment } from './environment.ts'
import { createHeaderClaims, createHeaderScrub, type JudgedName } from './header-scrub.ts'
import { cookieNames } from './identity-cookies.ts'
import { ASSERTION_HEADER, createIdentityHeaders, type IdentityHeaders } from './identity-headers.ts'
import { compileLoginRules, type LoginRules } from './login-rules.ts'
import { compileOwnAnswers, type OwnAnswers } from './own-answers.ts'
import type { RequestTokens } from './request-tokens.ts'
import type { SamlSso } from './saml-sso.ts'
import type { SsoProvider } from './sso-provider.ts'
import { compileResponseRewrites, type ResponseRewrites } from './response-head.ts'
import type { HeaderList, Upstream } from './upstream/upstream.ts'

/** What is known about the session's user; `undefined` when they are gone, which makes the session none. */
export type FactsOf = (session: Session) => KnownFacts | undefined | Promise<KnownFacts | undefined>

/** `unconfirmed`: whoever vouches for the session cannot be asked now. As where the store cannot: good for ordinary paths alone. */
export interface KnownFacts extends Facts {
  readonly unconfirmed?: true
}

/** An agent profile compiled for one generation: predicates and builders, nothing left to interpret. */
export interface Site extends AskableSite {
  readonly agent: AgentId
  readonly realm: RealmName
  readonly title: string
  /** Where browsers reach it: scheme, host and port, no slash at the end. Everything absolute is built from this. */
  readonly url: string
  readonly origin: PublicOrigin
  /** Whether browsers reach it by https. */
  readonly secure: boolean
  readonly audience: Audience
  readonly cookies: SiteCookies
  readonly readCookies: (header: string) => ReadCookies
  /** The realm's login page and the logout page of the login host. */
  readonly loginUrl: string
  readonly logoutUrl: string
  /** The page that says that somebody has signed out. */
  readonly signedOutUrl: string
  readonly answers: OwnAnswers
  /** What of a request policies may ask about besides; `undefined` for nothing. */
  readonly environment: ReadEnvironment | undefined
  /** The OpenID provider that logins come from, or the SAML identity provider; neither for our own handshake. */
  readonly sso: SsoProvider | undefined
  readonly samlSso: SamlSso | undefined
  /** How people sign in, by where they want to go. */
  readonly loginRules: LoginRules
  /** Addresses of the application that sign people out. */
  readonly logout: ApplicationLogout | undefined
  /** `Set-Cookie` values that have a browser forget cookies of the application. */
  readonly resets: { readonly login: readonly string[]; readonly logout: readonly string[] }
  readonly upstream: Upstream
  readonly factsOf: FactsOf
  /** Whether such a user administers the site's realm. */
  readonly isAdministrator: (facts: Facts) => boolean
  readonly scrub: (name: string) => JudgedName
  /** Headers that only we may say, in lower case, and whether a name is a spelling of one of them. */
  readonly identityNames: readonly string[]
  /** In lower case: the header that tells the client's address. */
  readonly clientAddressHeader: string | undefined
  readonly claims: (name: string) => boolean
  /** Whether an `Authorization` header carries an access or refresh token of ours. */
  readonly isOurToken: (authorization: string) => boolean
  /** Tokens that people of the realm have to send with every request; `undefined` where nobody has to. */
  readonly requestTokens: RequestTokens | undefined
  /** Whether the application must not see this value of `Authorization`. */
  readonly hidesAuthorization: (authorization: string) => boolean
  /** Host and X-Forwarded-* that are the same for every request. */
  readonly fixedHeaders: HeaderList
  readonly identity: IdentityHeaders
  readonly webSocket: {
    readonly origins: ReadonlySet<string>
    readonly maxPerSession: number
    readonly maxPerAddress: number
  }
  readonly rewrites: ResponseRewrites
  /** Of forms that wait for a login: most bytes of one, 0 for none, and for how many milliseconds. */
  readonly forms: { readonly maxBytes: number; readonly keepMs: number }
}

export interface SiteCookies {
  /** Name of the restricted token's cookie, prefix included. */
  readonly token: string
  /** With what that cookie is set and cleared. */
  readonly attributes: CookieAttributes
  /** Whether it outlives the browser, as long as the session may. */
  readonly persistent: boolean
  /** Name of the browser-binding cookie of handshakes, prefix included. */
  readonly handshake: string
  /** Name of the cookie that says who was signed in with this browser. */
  readonly knownUser: string
  /** Every name, in every spelling, that an upstream must not see. */
  readonly stripped: CookieNames
}

/** Base name of the cookie that binds a handshake to one browser. */
export const HANDSHAKE_COOKIE = 'gatehouse-handshake'

/** Base name of the cookie that says who was signed in last. */
const KNOWN_USER_COOKIE = 'gatehouse-user'

export interface SiteDeps {
  /** The login host's origin. */
  readonly loginUrl: string
  /** Its SSO cookie's name without prefix. */
  readonly loginCookieName: string
  /** Base names of the cookies of every agent: no upstream sees or sets any of them. */
  readonly allCookieNames: readonly string[]
  readonly upstream: Upstream
  /** Of the site's realm. */
  readonly pdp: PolicyDecisionPoint
  readonly factsOf: FactsOf
  /** Groups that administer the site's realm. */
  readonly administrators: readonly string[]
  /** For `sso: oidc`. */
  readonly sso?: SsoProvider | undefined
  /** For `sso: saml`. */
  readonly samlSso?: SamlSso | undefined
  readonly signer: AssertionSigner
  readonly isOurToken: Site['isOurToken']
  readonly requestTokens?: RequestTokens | undefined
  readonly clock: Clock
  readonly log: Log
  readonly caches: SiteCaches
}

/** How many entries of each kind one site remembers. */
export interface SiteCaches {
  /** Sessions whose identity headers are held. */
  readonly identities: number
  /** Cookie headers. */
  readonly cookies: number
  /** Names of headers. */
  readonly names: number
  /** Decisions of policies. */
  readonly decisions: number
}

/** Compiles one agent profile. The profile has passed its schema and the configuration's cross-checks. */
export function compileSite(profile: SiteConfig, deps: SiteDeps): Site {
  const url = new URL(profile.url)
  const askable = askableOf(profile, rememberDecisions(deps.pdp, deps.caches.decisions))
  const { scheme, port } = askable.resourceBase
  const secure = scheme === 'https'
  const login = new URL(deps.loginUrl).origin
  const cookie = agentCookieOf(profile, deps.loginCookieName)
  const cookies = compileCookies(profile, deps, cookie)
  const { identity, websocket } = profile
  const clientAddressHeader = profile.clientAddressHeader?.toLowerCase()
  const identityNames = [...Object.keys(identity.headers).map((name) => name.toLowerCase()), ASSERTION_HEADER]
  return {
    ...askable,
    agent: profile.id,
    realm: profile.realm,
    title: profile.title ?? profile.id,
    url: url.origin,
    origin: publicOrigin(scheme, url.host),
    secure,
    audience: audienceOf(profile.id, cookie),
    cookies,
    readCookies: createCookieReader({ ...cookies, maxEntries: deps.caches.cookies }),
    loginUrl: `${login}/login${profile.realm}`,
    logoutUrl: `${login}/logout?agent=${encodeURIComponent(profile.id)}`,
    signedOutUrl: `${login}/logged-out?agent=${encodeURIComponent(profile.id)}`,
    answers: compileOwnAnswers(profile.answers, { url: url.origin, encodedPaths: profile.encodedPaths }),
    environment: compileEnvironment(profile.environment),
    sso: deps.sso,
    samlSso: deps.samlSso,
    loginRules: compileLoginRules(profile.loginRules),
    logout: compileApplicationLogout(profile.logout),
    resets: compileResets(profile, secure),
    upstream: deps.upstream,
    factsOf: deps.factsOf,
    isAdministrator: ({ groups }) => deps.administrators.some((group) => groups.has(group)),
    isOurToken: deps.isOurToken,
    requestTokens: deps.requestTokens,
    hidesAuthorization: hiddenFrom(profile, deps),
    scrub: createHeaderScrub(
      [...identityNames, ...(clientAddressHeader === undefined ? [] : [clientAddressHeader])],
      deps.caches.names,
    ),
    identityNames,
    clientAddressHeader,
    claims: createHeaderClaims(identityNames),
    fixedHeaders: fixedHeaders(url.host, scheme, port),
    identity: createIdentityHeaders(
      { agent: profile.id, audience: url.origin, ...identity },
      { ...deps, maxRemembered: deps.caches.identities },
    ),
    webSocket: { ...websocket, origins: new Set([url.origin, ...websocket.origins]) },
    rewrites: compileRewrites(profile, deps, cookie.name),
    forms: { maxBytes: profile.forms.maxBytes, keepMs: profile.forms.keep },
  }
}

/** An access token opens every site of the realm, and the token that comes with every request is for us alone. */
function hiddenFrom({ identity }: SiteConfig, { isOurToken, requestTokens }: SiteDeps): Site['hidesAuthorization'] {
  if (requestTokens === undefined || identity.requestToken) return isOurToken
  return (authorization) => isOurToken(authorization) || requestTokens.carries(authorization)
}

/** Agents share a token exactly where they share a cookie: domain and name. */
export function audienceOf(id: AgentId, { name, domain }: AgentCookie): Audience {
  return domain === undefined ? `agent:${id}` : `domain:${domain}/${name}`
}

function compileCookies(profile: SiteConfig, deps: SiteDeps, { name, domain }: AgentCookie): SiteCookies {
  const secure = profile.url.startsWith('https:')
  const { sameSite, persistent } = profile.cookie
  return {
    token: cookieName(name, { secure, domain }),
    attributes: { secure, domain, sameSite },
    persistent,
    handshake: cookieName(HANDSHAKE_COOKIE, { secure }),
    knownUser: cookieName(KNOWN_USER_COOKIE, { secure, domain }),
    stripped: cookieNames(
      new Set(reservedNames(deps, name).flatMap(cookieSpellings)),
      Object.keys(profile.identity.cookies),
    ),
  }
}

/** Other agents' cookies too: with a shared domain the browser sends them here, and an application here could set them. */
function reservedNames(deps: SiteDeps, own: string): readonly string[] {
  return [deps.loginCookieName, HANDSHAKE_COOKIE, KNOWN_USER_COOKIE, own, ...deps.allCookieNames]
}

function compileResets({ cookieReset }: SiteConfig, secure: boolean): Site['resets'] {
  const values = (list: readonly CookieResetConfig[]): readonly string[] =>
    list.map(({ name, domain, path }) => forgetCookie(name, { secure, domain, path }))
  return { login: values(cookieReset.login), logout: values(cookieReset.logout) }
}

function fixedHeaders(authority: string, scheme: string, port: number): HeaderList {
  return [
    'Host',
    authority,
    'x-forwarded-host',
    authority,
    'x-forwarded-proto',
    scheme,
    'x-forwarded-port',
    String(port),
  ]
}

function compileRewrites(profile: SiteConfig, deps: SiteDeps, cookie: string): ResponseRewrites {
  const url = new URL(profile.url)
  const servers = profile.upstream.servers.filter((server) => !server.startsWith('unix:'))
  // An application that does not know of our TLS redirects to http under the right name.
  const plain = url.protocol === 'https:' ? [`http://${url.host}`] : []
  return compileResponseRewrites({
    site: url.origin,
    internalOrigins: [...servers.map((server) => new URL(server).origin), ...plain],
    ...profile.responses,
    maxNames: deps.caches.names,
    reservedCookies: new Set([...reservedNames(deps, cookie), ...Object.keys(profile.identity.cookies)].map(bareName)),
    onDroppedCookie: (reason) => deps.log.warn({ agent: profile.id, reason }, 'upstream tried to set a cookie of ours'),
  })
}
