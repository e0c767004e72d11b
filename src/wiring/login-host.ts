import type { IncomingMessage } from 'node:http'
import type { RealmName } from '../base/brand.ts'
import { createNotificationsEndpoint } from '../api/openam/notifications/endpoint.ts'
import { createAuthn } from '../authn/authn.ts'
import { createOwnFactors } from '../authn/own-factors.ts'
import { createOwnPassword } from '../authn/own-password.ts'
import { createGotoCheck } from '../authn/goto.ts'
import type { RealmAuthn } from '../authn/realm-authn.ts'
import type { ConfigSnapshot, RealmConfig } from '../config/snapshot.ts'
import type { Issuers } from '../federation/oidc-op/issuers.ts'
import type { LoginHost, LoginHostFacts, LoginHostSockets } from '../gateway/generation.ts'
import { agentCookieOf } from '../gateway/agent-cookie.schema.ts'
import type { AgentProfileConfig } from '../gateway/agent-profile.schema.ts'
import { cookieName } from '../http/cookies.ts'
import { createPresentedReader } from '../http/presented.ts'
import { createPortal } from '../portal/portal.ts'
import type { PortalRealm, PortalSite } from '../portal/ports.ts'
import type { RuntimeDeps, GenerationDeps } from './deps.ts'
import type { PolicyParts } from './policies.ts'
import { leavingOf } from './leaving.ts'
import { portalProviders, providersPort, type OpenProviders } from './providers.ts'
import { peopleOf } from './users.ts'
import type { AgentIdTokens } from './agent-id-tokens.ts'
import { agentSite, isAgentAlone } from './agents.ts'
import type { Saml } from './saml.ts'
import { loginHostSessions } from './login-host-sessions.ts'
import { apisOf } from './apis.ts'

interface Compiled extends PolicyParts {
  readonly authns: ReadonlyMap<RealmName, RealmAuthn>
  readonly providers: OpenProviders
  readonly issuers: Issuers
  readonly saml: Saml
  readonly idTokens: AgentIdTokens
}

export function loginHostOf(snapshot: ConfigSnapshot, compiled: Compiled, deps: GenerationDeps): LoginHost {
  const { login, trustedProxies, clientCertificateHeader } = snapshot.gatehouse
  const realms = [...snapshot.realms.values()].map((realm) => portalRealm(realm, snapshot, compiled))
  const facts = new WeakMap<IncomingMessage, LoginHostFacts>()
  const sessions = loginHostSessions(snapshot, compiled.directories, deps)
  const { authns } = compiled
  const checkGoto = createGotoCheck({
    loginOrigin: new URL(login.url).origin,
    origins: new Map(realms.map(({ name, sites, goto }) => [name, [...sites.flatMap(originsOf), ...goto]])),
  })
  const portal = createPortal({
    loginUrl: login.url,
    cookieName: login.cookieName,
    cookiePersistent: login.cookiePersistent,
    realms,
    files: deps.files,
    authn: createAuthn({ ...deps, realms: authns }),
    ownFactors: createOwnFactors({ ...deps, realms: authns }),
    ownPassword: createOwnPassword({ ...deps, realms: authns }),
    sessions,
    handshake: deps.handshakes,
    checkGoto,
    providers: providersPort(compiled.providers),
    leaving: leavingOf(snapshot, { providers: compiled.providers.all, saml: compiled.saml.logouts.protocols }, deps),
    issuers: compiled.issuers,
    saml: compiled.saml,
    readiness: deps.readiness,
    jwks: () => deps.keyRing.jwks(),
    agentKeys: compiled.idTokens.keys,
    factsOf: (request) => factsOf(facts, request),
    presentedBy: createPresentedReader(trustedProxies, clientCertificateHeader),
    audit: deps.audit,
    log: deps.log,
    clock: deps.clock,
  })
  const apis = apisOf(snapshot, { ...compiled, sessions, checkGoto }, deps)
  return (request, response, known) => {
    if (apis.some((answers) => answers(request, response, known))) return
    facts.set(request, known)
    portal(request, response)
  }
}

export function loginHostSocketsOf(
  snapshot: ConfigSnapshot,
  { directories, agents }: Pick<Compiled, 'directories' | 'agents'>,
  deps: RuntimeDeps,
): LoginHostSockets {
  const { url: loginUrl, cookieName } = snapshot.gatehouse.login
  const sessions = loginHostSessions(snapshot, directories, deps)
  return createNotificationsEndpoint({
    ...deps,
    loginUrl,
    cookieName,
    sessions,
    people: peopleOf(snapshot, directories),
    agents: agents.agents,
  })
}

/** The login host is only ever reached through the gateway, which knows the facts. */
function factsOf(facts: WeakMap<IncomingMessage, LoginHostFacts>, request: IncomingMessage): LoginHostFacts {
  const known = facts.get(request)
  if (known === undefined) throw new TypeError('a request reached the login host past the gateway')
  return known
}

function portalRealm(
  realm: RealmConfig,
  snapshot: ConfigSnapshot,
  { sites, idTokens }: Pick<Compiled, 'sites' | 'idTokens'>,
): PortalRealm {
  const { name, look, themeDir, session, goto } = realm
  const own = sites
    .filter((site) => site.realm === name)
    .map(({ agent, title, url, audience, sso, samlSso }): PortalSite => {
      const aliases = snapshot.agents.find(({ id }) => id === agent)?.aliases ?? []
      return { agent, title, url, audience, aliases, byOpenId: sso !== undefined || samlSso !== undefined }
    })
  const alone = snapshot.agents.filter((profile) => profile.realm === name && isAgentAlone(profile))
  const { cookieName } = snapshot.gatehouse.login
  const elsewhere = snapshot.agents
    .filter((profile) => profile.realm === name && profile.client !== undefined)
    .map((profile) => siteElsewhere(profile, cookieName))
  const all = [...own, ...elsewhere, ...alone.map((profile) => openAmSite(profile, cookieName, idTokens))]
  const providers = portalProviders(realm)
  return { name, look, themeDir, realmSwitch: session.realmSwitch, sites: all, goto, providers }
}

/** A site that another gateway protects. */
function siteElsewhere(profile: AgentProfileConfig, loginCookieName: string): PortalSite {
  const { title = profile.id, aliases } = profile
  return { ...agentSite(profile, loginCookieName), title, aliases, byOpenId: true }
}

/** A site that OpenAM's agent protects. */
function openAmSite(profile: AgentProfileConfig, loginCookieName: string, idTokens: AgentIdTokens): PortalSite {
  const { id: agent, title = profile.id, aliases, openam } = profile
  const { name, domain } = agentCookieOf(profile, loginCookieName)
  const secure = profile.url.startsWith('https:')
  const { sameSite, persistent } = profile.cookie
  const shared = {
    name: cookieName(name, { secure, domain }),
    attributes: { secure, domain, sameSite },
    persistent,
  }
  const openAm = {
    cdcservlet: openam?.cdcservlet === true,
    cookie: domain === undefined ? undefined : shared,
    openId: idTokens.of(profile),
  }
  return { ...agentSite(profile, loginCookieName), agent, title, aliases, openAm }
}

function originsOf({ url, aliases }: PortalSite): readonly string[] {
  return [url, ...aliases]
}
