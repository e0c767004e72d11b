import type { AgentId, RealmName } from './base/brand.ts'
import type { ModuleConfig } from './authn/chains.schema.ts'
import { loadModuleTypes } from './authn/modules/catalogue.ts'
import { compileRealmAuthn, type RealmAuthn } from './authn/realm-authn.ts'
import { requestTokensOf, type RequestTokens } from './authn/request-tokens.ts'
import type { ConfigSnapshot } from './config/snapshot.ts'
import { agentCookieOf } from './gateway/agent-cookie.schema.ts'
import { isSite, type SiteConfig } from './gateway/agent-profile.schema.ts'
import { compileForwardAuth } from './gateway/forward-auth/rules.ts'
import type { GatewayGeneration } from './gateway/generation.ts'
import { createHostTable } from './gateway/routes.ts'
import type { SamlSso } from './gateway/saml-sso.ts'
import { compileSite, type Site } from './gateway/site.ts'
import { createUpstream } from './gateway/upstream/create-upstream.ts'
import type { Issuers } from './federation/oidc-op/issuers.ts'
import { createClientResolver } from './http/forwarded.ts'
import { createNotices } from './identity/mail/notices.ts'
import { createFactorOwners, type FactorOwners } from './identity/factor-owners.ts'
import type { Named } from './identity/session-user.ts'
import { compilePolicies } from './policy/compile.ts'
import type { PolicyDecisionPoint } from './policy/decision.ts'
import { inlineLogos } from './portal/logos.ts'
import { createPages } from './portal/pages.ts'
import type { Session } from './session/session.ts'
import type { OutboxEntry } from './store/store.ts'
import type { EndCause } from './telemetry/audit.ts'
import type { RuntimeDeps, GenerationDeps } from './wiring/deps.ts'
import { callingOrigins } from './wiring/calling-pages.ts'
import { agentIdTokensOf } from './wiring/agent-id-tokens.ts'
import { agentsOf } from './wiring/agents.ts'
import { type RealmDirectories, usersOf } from './wiring/users.ts'
import { openProviders, providerEnds, sessionUse, type RealmProviders } from './wiring/providers.ts'
import { remoteLoginsOf, ssoProviderOf, withRemoteUse, type RemoteLogins } from './wiring/sso.ts'
import { issuersOf } from './wiring/issuers.ts'
import { remoteSamlOf } from './wiring/remote-saml.ts'
import { samlOf } from './wiring/saml.ts'
import { samlSsoOf } from './wiring/saml-agents.ts'
import { loginHostOf, loginHostSocketsOf } from './wiring/login-host.ts'

/** One configuration, compiled: what the gateway asks per request, and what the process asks when it has changed. */
export interface GatehouseGeneration extends GatewayGeneration {
  readonly snapshot: ConfigSnapshot
  /** Why this session may not go on: its realm or its user is gone, disabled or renamed. */
  causeToEnd(session: Named): Promise<EndCause | undefined>
  /** Notes that a session is used, for the provider that it began with; absent where there is none. */
  readonly sessionUsed: ((session: Session) => void) | undefined
  /** Tells partners that a session has ended; rejects when one could not be told. */
  sessionEnded(entry: OutboxEntry): Promise<void>
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
    const pdps = new Map(
      [...snapshot.realms].map(([name, realm]) => [name, compilePolicies(realm.policies, realm.policySets)]),
    )
    const cookieNames = snapshot.agents.map((agent) => agentCookieOf(agent, snapshot.gatehouse.login.cookieName).name)
    const providers = await openProviders(snapshot, directories, deps)
    opened.push(() => providers.close())
    const authns = realmAuthns(snapshot, { directories, providers: providers.all }, deps)
    const agents = agentsOf(snapshot, authns, deps)
    const issuers = await issuersOf(snapshot, { directories, authns }, deps)
    const saml = await samlOf(snapshot, { directories, authns, providers }, deps)
    opened.push(saml.close)
    const remoteSaml = await remoteSamlOf(snapshot, deps)
    opened.push(() => remoteSaml.close())
    const localSaml = await samlSsoOf(snapshot, { directories, idps: saml.idps }, deps)
    const samlSso = new Map([...localSaml, ...remoteSaml.all])
    const endAtProvider = providerEnds(providers.all, saml.logouts.providerEnded, deps)
    const idTokens = await agentIdTokensOf(snapshot, deps.keyRing)
    const remotes = await remoteLoginsOf(snapshot, deps)
    const tokens = requestTokens(snapshot, authns, deps)
    const { forwardAuth } = snapshot.gatehouse
    const gated = snapshot.agents.filter(isSite)
    const sites = gated.map((profile) => {
      const site = siteOf(
        profile,
        snapshot,
        { directories, pdps, cookieNames, tokens, issuers, remotes, samlSso },
        deps,
      )
      opened.push(() => site.upstream.close())
      return site
    })
    return {
      generation,
      snapshot,
      hosts: createHostTable(
        snapshot.gatehouse.login.url,
        sites.map((site, i) => ({ site, aliases: gated[i]?.aliases ?? [] })),
      ),
      clientOf: createClientResolver(snapshot.gatehouse.trustedProxies),
      forwardAuth: forwardAuth && compileForwardAuth(forwardAuth, snapshot.gatehouse.trustedProxies),
      pages: createPages({
        files: deps.files,
        realms: snapshot.realms.values(),
        logos: await inlineLogos(snapshot.realms.values()),
        homeUrl: new URL('/', snapshot.gatehouse.login.url).href,
      }),
      loginHost: loginHostOf(
        snapshot,
        { directories, sites, authns, pdps, agents, providers, issuers, idTokens, saml },
        deps,
      ),
      loginHostSockets: loginHostSocketsOf(snapshot, { directories, agents }, deps),
      causeToEnd: users.causeToEnd,
      sessionUsed: withRemoteUse(sessionUse(providers.all), remotes),
      async sessionEnded(entry) {
        await Promise.all([issuers.sessionEnded(entry), saml.logouts.sessionEnded(entry), endAtProvider?.(entry)])
      },
      factorOwners: createFactorOwners(snapshot.realms.values(), directories),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function* moduleTypesIn({ realms }: ConfigSnapshot): Generator<ModuleConfig['type']> {
  for (const { authentication } of realms.values())
    for (const { type } of Object.values(authentication.modules)) yield type
}

/** What all sites share. */
interface SiteParts {
  /** Of every agent, without prefix. */
  readonly cookieNames: readonly string[]
  readonly directories: RealmDirectories
  readonly pdps: ReadonlyMap<RealmName, PolicyDecisionPoint>
  readonly tokens: ReadonlyMap<RealmName, RequestTokens>
  readonly issuers: Issuers
  readonly remotes: RemoteLogins
  readonly samlSso: ReadonlyMap<AgentId, SamlSso>
}

function siteOf(
  profile: SiteConfig,
  snapshot: ConfigSnapshot,
  { directories, pdps, cookieNames, tokens, issuers, remotes, samlSso }: SiteParts,
  deps: RuntimeDeps,
): Site {
  const { signer, bearer, clock, log, audit } = deps
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
    factsOf: remotes.get(agent)?.factsOf ?? usersOf(snapshot, directories).factsOf,
    administrators: snapshot.realms.get(realm)?.administrators ?? [],
    sso: ssoProviderOf(profile, snapshot, { ...deps, issuers, remotes }),
    samlSso: samlSso.get(agent),
    signer,
    isOurToken: (authorization) => bearer.isOurs(authorization),
    requestTokens: tokens.get(realm),
    clock,
    log,
    caches: snapshot.gatehouse.caches,
  })
}

function realmAuthns(
  snapshot: ConfigSnapshot,
  { directories, providers }: { readonly directories: RealmDirectories; readonly providers: RealmProviders },
  deps: GenerationDeps,
): ReadonlyMap<RealmName, RealmAuthn> {
  const compiled = new Map<RealmName, RealmAuthn>()
  const loginOrigin = new URL(snapshot.gatehouse.login.url).origin
  for (const [name, realm] of snapshot.realms) {
    const directory = directories.get(name)
    const origins = { loginOrigin, pageOrigins: callingOrigins(snapshot, name) }
    const own = { ...deps, providers: providers.get(name) ?? new Map(), ...origins }
    if (directory !== undefined) compiled.set(name, compileRealmAuthn(realm, { ...own, directory }))
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
