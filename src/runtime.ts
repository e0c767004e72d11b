import type { IncomingMessage } from 'node:http'
import type { RealmName } from './base/brand.ts'
import type { Clock } from './base/clock.ts'
import { productVersion } from './cli/version.ts'
import { createOpenAm } from './api/openam/open-am.ts'
import { createVarnish } from './api/varnish/varnish.ts'
import { createNotificationsEndpoint } from './api/openam/notifications/endpoint.ts'
import type { Notifications } from './api/openam/notifications/notifications.ts'
import type { Api, People } from './api/ports.ts'
import { createAuthn } from './authn/authn.ts'
import type { ModuleConfig } from './authn/chains.schema.ts'
import { createOwnFactors } from './authn/own-factors.ts'
import { createOwnPassword } from './authn/own-password.ts'
import { createGotoCheck } from './authn/goto.ts'
import { loadModuleTypes, type ModuleTypes } from './authn/modules/catalogue.ts'
import { compileRealmAuthn, type RealmAuthn, type RealmAuthnDeps } from './authn/realm-authn.ts'
import { requestTokensOf, type RequestTokens } from './authn/request-tokens.ts'
import type { ConfigSnapshot, RealmConfig } from './config/snapshot.ts'
import type { AssertionSigner } from './crypto/assertion.ts'
import type { KeyRing } from './crypto/key-ring.ts'
import type { Sealer } from './crypto/seal.ts'
import { agentCookieOf } from './gateway/agent-cookie.schema.ts'
import type { AgentProfileConfig } from './gateway/agent-profile.schema.ts'
import type { GatewayGeneration, LoginHost, LoginHostFacts, LoginHostSockets } from './gateway/generation.ts'
import { createHostTable } from './gateway/routes.ts'
import { compileSite, type Site } from './gateway/site.ts'
import { createUpstream } from './gateway/upstream/create-upstream.ts'
import { createClientResolver } from './http/forwarded.ts'
import { createPresentedReader } from './http/presented.ts'
import type { Directories, OpenDirectories } from './identity/directories.ts'
import type { Messengers } from './identity/mail/messenger.ts'
import { createNotices } from './identity/mail/notices.ts'
import { createFactorOwners, type FactorOwners } from './identity/factor-owners.ts'
import { createSessionUsers, type Named, type SessionUsers } from './identity/session-user.ts'
import { compilePolicies } from './policy/compile.ts'
import type { PolicyDecisionPoint } from './policy/decision.ts'
import { inlineLogos } from './portal/logos.ts'
import { createPages } from './portal/pages.ts'
import { createPortal } from './portal/portal.ts'
import type { PortalRealm, PortalSite, Readiness } from './portal/ports.ts'
import type { PublicFiles } from './portal/public-files.ts'
import type { BearerResolver } from './session/bearer.ts'
import { ofKnownUser, ofKnownUsers } from './session/known-users.ts'
import type { HandshakeService, SessionService } from './session/session.ts'
import type { Transactions } from './session/transactions.ts'
import { createTokenPairs } from './session/token-pairs.ts'
import type { Store } from './store/store.ts'
import type { AuditSink, EndCause } from './telemetry/audit.ts'
import type { Log } from './telemetry/log.ts'

/** What lives as long as the process and every generation is built on. */
export interface RuntimeDeps {
  readonly store: Store
  readonly keyRing: KeyRing
  readonly sealer: Sealer
  readonly hasher: NonNullable<RealmAuthnDeps['hasher']>
  readonly directories: Directories
  readonly signer: AssertionSigner
  readonly sessions: SessionService
  /** Sessions by access token. */
  readonly bearer: BearerResolver
  readonly handshakes: HandshakeService
  /** Approvals of single requests. */
  readonly transactions: Transactions
  readonly files: PublicFiles
  readonly readiness: Readiness
  /** Who listens for the ends of sessions. */
  readonly notifications: Notifications
  /** What there is to reach people with. */
  readonly messengers: Messengers
  readonly audit: AuditSink
  readonly log: Log
  readonly clock: Clock
}

/** One configuration, compiled: what the gateway asks per request, and what the process asks when it has changed. */
export interface GatehouseGeneration extends GatewayGeneration {
  readonly snapshot: ConfigSnapshot
  /** Why this session may not go on: its realm or its user is gone, disabled or renamed. */
  causeToEnd(session: Named): Promise<EndCause | undefined>
  /** What it knows of those whom factors belong to. */
  readonly factorOwners: FactorOwners
}

/**
 * Compiles a snapshot. What it opens (pools, health checks) is closed again when any part of it fails.
 * @throws GH_CONFIG_INVALID for what only compiling shows: a certificate that cannot be read, a chain nobody can pass.
 */
export async function buildGeneration(
  generation: number,
  snapshot: ConfigSnapshot,
  lasting: RuntimeDeps,
): Promise<GatehouseGeneration> {
  const opened: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((closeOne) => closeOne()))
  }
  try {
    const open = await lasting.directories.open(snapshot.realms.values())
    opened.push(open.close)
    const directories = open.all
    const users = usersOf(snapshot, directories)
    const audit = createNotices({
      ...lasting,
      directories,
      titleOf: (realm) => snapshot.realms.get(realm)?.look.title ?? realm,
      mail: lasting.messengers.mail,
      counters: lasting.store.counters,
    })
    const deps = { ...lasting, audit, moduleTypes: await loadModuleTypes(moduleTypesIn(snapshot)) }
    const pdps = new Map([...snapshot.realms].map(([name, { policies }]) => [name, compilePolicies(policies)]))
    const cookieNames = snapshot.agents.map((agent) => agentCookieOf(agent, snapshot.gatehouse.login.cookieName).name)
    const authns = realmAuthns(snapshot, directories, deps)
    const tokens = requestTokens(snapshot, authns, deps)
    const sites = snapshot.agents.map((profile) => {
      const site = siteOf(profile, snapshot, { directories, pdps, cookieNames, tokens }, deps)
      opened.push(() => site.upstream.close())
      return site
    })
    return {
      generation,
      snapshot,
      hosts: createHostTable(
        snapshot.gatehouse.login.url,
        sites.map((site, i) => ({ site, aliases: snapshot.agents[i]?.aliases ?? [] })),
      ),
      clientOf: createClientResolver(snapshot.gatehouse.trustedProxies),
      pages: createPages({
        files: deps.files,
        realms: snapshot.realms.values(),
        logos: await inlineLogos(snapshot.realms.values()),
        homeUrl: new URL('/', snapshot.gatehouse.login.url).href,
      }),
      loginHost: loginHostOf(snapshot, { directories, sites, authns }, deps),
      loginHostSockets: loginHostSocketsOf(snapshot, directories, deps),
      causeToEnd: users.causeToEnd,
      factorOwners: createFactorOwners(snapshot.realms.values(), directories),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** What one generation is built on: its authentication modules beside what lasts. */
interface GenerationDeps extends RuntimeDeps {
  readonly moduleTypes: ModuleTypes
}

function* moduleTypesIn({ realms }: ConfigSnapshot): Generator<ModuleConfig['type']> {
  for (const { authentication } of realms.values())
    for (const { type } of Object.values(authentication.modules)) yield type
}

type RealmDirectories = OpenDirectories['all']

/** What all sites share. */
interface SiteParts {
  /** Of every agent, without prefix. */
  readonly cookieNames: readonly string[]
  readonly directories: RealmDirectories
  readonly pdps: ReadonlyMap<RealmName, PolicyDecisionPoint>
  readonly tokens: ReadonlyMap<RealmName, RequestTokens>
}

function siteOf(
  profile: AgentProfileConfig,
  snapshot: ConfigSnapshot,
  { directories, pdps, cookieNames, tokens }: SiteParts,
  { signer, bearer, clock, log, audit }: RuntimeDeps,
): Site {
  const { id: agent, realm } = profile
  const { url: loginUrl, cookieName: loginCookieName } = snapshot.gatehouse.login
  const onMisbehaviour = (reason: string): void =>
    audit.record({ event: 'UpstreamMisbehaved', at: clock(), requestId: undefined, clientIp: undefined, agent, reason })
  const upstream = createUpstream(profile.upstream, {
    name: agent,
    siteHost: new URL(profile.url).host,
    clock,
    log,
    onMisbehaviour,
  })
  return compileSite(profile, {
    loginUrl,
    loginCookieName,
    allCookieNames: cookieNames,
    upstream,
    pdp: pdps.get(realm) ?? compilePolicies([]),
    factsOf: usersOf(snapshot, directories).factsOf,
    signer,
    isOurToken: (authorization) => bearer.isOurs(authorization),
    requestTokens: tokens.get(realm),
    clock,
    log,
    caches: snapshot.gatehouse.caches,
  })
}

interface Compiled {
  readonly directories: RealmDirectories
  readonly sites: readonly Site[]
  readonly authns: ReadonlyMap<RealmName, RealmAuthn>
}

function loginHostOf(snapshot: ConfigSnapshot, compiled: Compiled, deps: GenerationDeps): LoginHost {
  const { login, trustedProxies, clientCertificateHeader } = snapshot.gatehouse
  const realms = [...snapshot.realms.values()].map((realm) => portalRealm(realm, snapshot, compiled.sites))
  const facts = new WeakMap<IncomingMessage, LoginHostFacts>()
  const sessions = loginHostSessions(snapshot, compiled.directories, deps)
  const { authns } = compiled
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
    checkGoto: createGotoCheck({
      loginOrigin: new URL(login.url).origin,
      origins: new Map(realms.map(({ name, sites, goto }) => [name, [...sites.flatMap(originsOf), ...goto]])),
    }),
    readiness: deps.readiness,
    jwks: () => deps.keyRing.jwks(),
    factsOf: (request) => factsOf(facts, request),
    presentedBy: createPresentedReader(trustedProxies, clientCertificateHeader),
    audit: deps.audit,
    log: deps.log,
    clock: deps.clock,
  })
  const apis = apisOf(snapshot, { directories: compiled.directories, sessions }, deps)
  return (request, response, known) => {
    if (apis.some((answers) => answers(request, response, known))) return
    facts.set(request, known)
    portal(request, response)
  }
}

/** Sessions as the login host sees them: those of people and realms that the configuration knows. */
type LoginHostSessions = Omit<SessionService, 'establish' | 'upgrade'>

function loginHostSessions(
  snapshot: ConfigSnapshot,
  directories: RealmDirectories,
  { sessions }: RuntimeDeps,
): LoginHostSessions {
  return {
    resolve: ofKnownUsers({ sessions, causeToEnd: usersOf(snapshot, directories).causeToEnd }),
    touch: (session) => sessions.touch(session),
    renew: (token, session) => sessions.renew(token, session),
    end: (sid, cause, origin) => sessions.end(sid, cause, origin),
    endAllOfUser: (user, cause, origin) => sessions.endAllOfUser(user, cause, origin),
    endOthers: (session, cause, origin) => sessions.endOthers(session, cause, origin),
    ofUser: (user) => sessions.ofUser(user),
    find: (sid) => sessions.find(sid),
  }
}

function loginHostSocketsOf(
  snapshot: ConfigSnapshot,
  directories: RealmDirectories,
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
  })
}

/** What programs call on the login host, beside the pages; the first that knows an address answers it. */
function apisOf(
  snapshot: ConfigSnapshot,
  { directories, sessions }: { readonly directories: RealmDirectories; readonly sessions: LoginHostSessions },
  deps: GenerationDeps,
): readonly Api[] {
  const { store, audit, log, clock } = deps
  const { url: loginUrl, cookieName, tokensInAddresses } = snapshot.gatehouse.login
  const people = peopleOf(snapshot, directories)
  const records = store.sessions
  const version = productVersion()
  const named = { loginUrl, cookieName, tokensInAddresses, version }
  const openAm = createOpenAm({ ...named, sessions, records, people, audit, log, clock })
  const varnish = varnishOf(snapshot, { directories, sessions, people }, deps)
  return varnish === undefined ? [openAm] : [openAm, varnish]
}

/** Tokens for the people of one realm; `undefined` where the configuration names none. */
function varnishOf(
  snapshot: ConfigSnapshot,
  parts: { readonly directories: RealmDirectories; readonly sessions: LoginHostSessions; readonly people: People },
  deps: GenerationDeps,
): Api | undefined {
  const { dialects, login } = snapshot.gatehouse
  const config = dialects.realm === undefined ? undefined : snapshot.realms.get(dialects.realm)
  const directory = config && parts.directories.get(config.name)
  if (config === undefined || directory === undefined) return undefined
  const { name: realm, tokens: rules } = config
  const { causeToEnd: cause } = usersOf(snapshot, parts.directories)
  const sessions = {
    ...parts.sessions,
    find: async (sid: string) => ofKnownUser(await parts.sessions.find(sid), cause),
  }
  // Such a session lasts as long as its refresh tokens, as nobody is at work in between, and is in no cookie.
  const session = { ...config.session, maxIdle: rules.refreshTTL, mode: 'cts' as const }
  const authn = compileRealmAuthn(
    { ...config, session },
    { ...deps, directory, loginOrigin: new URL(login.url).origin },
  )
  return createVarnish({
    realm,
    rules,
    authn: createAuthn({ ...deps, realms: new Map([[realm, authn]]) }),
    pairs: createTokenPairs({ ...deps, sessions, issuer: new URL(login.url).origin }),
    bearer: { resolve: async (authorization) => ofKnownUser(await deps.bearer.resolve(authorization), cause) },
    sessions,
    people: parts.people,
    audit: deps.audit,
    clock: deps.clock,
    log: deps.log,
  })
}

function peopleOf(snapshot: ConfigSnapshot, directories: RealmDirectories): People {
  const users = usersOf(snapshot, directories)
  return {
    hasRealm: (realm) => snapshot.realms.has(realm),
    administratorsOf: (realm) => snapshot.realms.get(realm)?.administrators ?? [],
    groupsOf: async (session) => (await users.factsOf(session))?.groups ?? new Set(),
    userIdOf: (realm, username) => directories.get(realm)?.idOf(username),
  }
}

/** The login host is only ever reached through the gateway, which knows the facts. */
function factsOf(facts: WeakMap<IncomingMessage, LoginHostFacts>, request: IncomingMessage): LoginHostFacts {
  const known = facts.get(request)
  if (known === undefined) throw new TypeError('a request reached the login host past the gateway')
  return known
}

function realmAuthns(
  snapshot: ConfigSnapshot,
  directories: RealmDirectories,
  deps: GenerationDeps,
): ReadonlyMap<RealmName, RealmAuthn> {
  const compiled = new Map<RealmName, RealmAuthn>()
  const loginOrigin = new URL(snapshot.gatehouse.login.url).origin
  for (const [name, realm] of snapshot.realms) {
    const directory = directories.get(name)
    if (directory !== undefined) compiled.set(name, compileRealmAuthn(realm, { ...deps, directory, loginOrigin }))
  }
  return compiled
}

/** Of the realms that have any. */
function requestTokens(
  snapshot: ConfigSnapshot,
  authns: ReadonlyMap<RealmName, RealmAuthn>,
  { clock }: RuntimeDeps,
): ReadonlyMap<RealmName, RequestTokens> {
  const maxEntries = snapshot.gatehouse.caches.identities
  const found = [...authns].flatMap(([name, authn]) => {
    const tokens = requestTokensOf(authn, { clock, maxEntries })
    return tokens === undefined ? [] : [[name, tokens] as const]
  })
  return new Map(found)
}

function portalRealm(realm: RealmConfig, snapshot: ConfigSnapshot, sites: readonly Site[]): PortalRealm {
  const { name, look, themeDir, session, goto } = realm
  const own = sites
    .filter((site) => site.realm === name)
    .map(({ agent, title, url, audience }): PortalSite => {
      const aliases = snapshot.agents.find(({ id }) => id === agent)?.aliases ?? []
      return { agent, title, url, audience, aliases }
    })
  return { name, look, themeDir, realmSwitch: session.realmSwitch, sites: own, goto }
}

function originsOf({ url, aliases }: PortalSite): readonly string[] {
  return [url, ...aliases]
}

function usersOf(snapshot: ConfigSnapshot, directories: RealmDirectories): SessionUsers {
  return createSessionUsers({
    directories,
    endsOnGroupChange: (realm) => snapshot.realms.get(realm)?.session.endOnGroupChange === true,
  })
}
