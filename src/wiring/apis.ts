import { productVersion } from '../cli/version.ts'
import { createAlive } from '../api/openam/alive.ts'
import { createOpenAm, type OpenAmDeps } from '../api/openam/open-am.ts'
import { createSessionServiceApi } from '../api/openam/session-service/session-service.ts'
import { createVarnish } from '../api/varnish/varnish.ts'
import type { Api, People } from '../api/ports.ts'
import { createXacml } from '../api/xacml/xacml.ts'
import { createRelatedOrigins } from '../api/related-origins.ts'
import { createAuthn } from '../authn/authn.ts'
import { compileRealmAuthn } from '../authn/realm-authn.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import type { BearerResolver } from '../session/bearer.ts'
import { ofKnownUser } from '../session/known-users.ts'
import { createTokenPairs } from '../session/token-pairs.ts'
import { callingPages } from './calling-pages.ts'
import type { GenerationDeps } from './deps.ts'
import { type RealmDirectories, usersOf, peopleOf } from './users.ts'
import { type PolicyParts, realmPoliciesOf } from './policies.ts'
import type { LoginHostSessions } from './login-host-sessions.ts'
import { authenticateOf, zeroPageRulesOf, type ProgramLoginParts } from './program-logins.ts'
import { zitiOf } from './ziti.ts'

/** What programs call on the login host, beside the pages; the first that knows an address answers it. */
export function apisOf(
  snapshot: ConfigSnapshot,
  parts: PolicyParts & ProgramLoginParts & { readonly sessions: LoginHostSessions },
  deps: GenerationDeps,
): readonly Api[] {
  const { directories, sessions } = parts
  const { store, audit, log, clock } = deps
  const { url: loginUrl, cookieName, tokensInAddresses } = snapshot.gatehouse.login
  const policies = realmPoliciesOf(snapshot, parts)
  const policiesOf: OpenAmDeps['policiesOf'] = (realm) => policies.get(realm)
  const people = peopleOf(snapshot, directories)
  const records = store.sessions
  const version = productVersion()
  const pages = callingPages(snapshot)
  const named = { loginUrl, cookieName, tokensInAddresses, version }
  const asked = {
    ...{ ...named, sessions, people, policiesOf, audit, log, clock },
    bearer: bearerOf(snapshot, directories, deps),
    transactions: deps.transactions,
    agents: parts.agents.agents,
  }
  const openAm = createOpenAm({
    ...{ ...asked, records, pages },
    authenticate: authenticateOf(snapshot, { ...parts, policiesOf }, deps),
    zeroPageRules: zeroPageRulesOf(snapshot),
    checkGoto: parts.checkGoto,
    policyAdmin: deps.policyAdmin,
  })
  const sessionService = createSessionServiceApi({
    ...{ sessions, log, agents: parts.agents.agents },
    listeners: deps.sessionListeners,
  })
  const varnish = varnishOf(snapshot, { directories, sessions, people }, deps)
  const related = createRelatedOrigins([...pages.keys()])
  const ziti = zitiOf(snapshot, parts, deps)
  return [openAm, createXacml(asked), sessionService, createAlive(deps), related, varnish, ziti].filter(
    (api) => api !== undefined,
  )
}

/** Access tokens of people whom the configuration knows. */
function bearerOf(
  snapshot: ConfigSnapshot,
  directories: RealmDirectories,
  { bearer }: GenerationDeps,
): Pick<BearerResolver, 'resolve'> {
  const { causeToEnd: cause } = usersOf(snapshot, directories)
  return { resolve: async (authorization) => ofKnownUser(await bearer.resolve(authorization), cause) }
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
    bearer: bearerOf(snapshot, parts.directories, deps),
    sessions,
    people: parts.people,
    audit: deps.audit,
    clock: deps.clock,
    log: deps.log,
  })
}
