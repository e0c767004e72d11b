import type { Clock } from '../base/clock.ts'
import { randomName } from '../base/random-id.ts'
import { sha256 } from '../crypto/sha256.ts'
import { fault } from '../errors.ts'
import type { Advices } from '../policy/decision.ts'
import type { SessionResolver } from '../session/session.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import type { AccessRequest } from './access-request.ts'
import { ENDPOINT_PREFIX } from './endpoint-path.ts'
import { bindingHash, type Binding } from './handshake-cookie.ts'
import type { HandshakeArrival, HandshakeDress, Purpose } from './handshake-dress.ts'
import { loginPage, ownUrl } from './login-address.ts'
import type { LoginStates } from './login-state.ts'
import { onlyParameters } from './only-parameters.ts'
import type { SamlSso } from './saml-sso.ts'
import type { Site } from './site.ts'
import { sessionOfCookie } from './token-cookie.ts'

export interface SamlDressDeps {
  readonly sessions: Pick<SessionResolver, 'resolve'>
  readonly loginStates: LoginStates
  readonly audit: AuditSink
  readonly clock: Clock
}

/** Name below `/.gatehouse/` of where answers come to. */
export const ACS_ENDPOINT = 'acs'
/** And of where a provider elsewhere says who has signed out. */
export const SLO_ENDPOINT = 'slo'
/** And of where a login begins again, when the login page has brought about what has no word in SAML. */
export const BEGIN_ENDPOINT = 'begin'

/** Longer than the binding cookie of a browser that waits lives: an answer that comes later begins again. */
const MOST_MS = 30 * 60_000
/** Bytes of a RelayState that our identity provider takes: more than the 80 of the standard (SAML Bindings 2.0 §3.4.3). */
const MOST_RELAY_STATE = 960
/** Characters of a path that the login page takes on. */
const MOST_PATH = 1_000

/**
 * CDSSO in the dress of SAML 2.0: the site is a service provider of its realm (Web Browser SSO, SAML Profiles 2.0 §4.1). Nothing is written
 * down until somebody has signed in: RelayState is sealed, and the request's id is made of the binding cookie's secret and the
 * start's name, so an answer is one in the browser that began, to the request that it was asked for by, and nowhere else.
 */
export function samlDress(deps: SamlDressDeps): (provider: SamlSso) => HandshakeDress {
  return (provider) => ({
    depart: (request, purpose, binding) => depart(provider, deps, { request, purpose, binding }),
    arrive: (request, binding) => arrive(provider, deps, { request, binding }),
  })
}

interface Departure {
  readonly request: AccessRequest
  readonly purpose: Purpose
  readonly binding: Binding
}

function depart(
  provider: SamlSso,
  { loginStates }: SamlDressDeps,
  { request: { site, target }, purpose, binding }: Departure,
): string {
  const start = randomName()
  const place = purpose.at ?? target
  // What rules ask for has been brought about on the way here.
  const isBegun = target.path === ENDPOINT_PREFIX + BEGIN_ENDPOINT
  const index = purpose.advices === undefined && !isBegun ? site.loginRules(place) : undefined
  const level = index?.type === 'level' ? { AuthLevelConditionAdvice: [index.value] } : undefined
  const wanted = wantedBy(purpose.advices ?? level ?? {})
  const state = { agent: site.agent, start, binding: bindingHash(binding), restarts: purpose.restarts }
  const relayState = shortest(
    [purpose.goto, purpose.goto.split('?', 1)[0] ?? '', `${site.url}/`].map(
      (goto) => () => loginStates.seal({ ...state, goto }),
    ),
  )
  const id = requestId(site, binding, start)
  const signOn =
    wanted === undefined || index?.type === 'service' ? undefined : provider.signOn({ id, relayState, ...wanted })
  if (signOn !== undefined) return signOn
  if (provider.isElsewhere === true)
    throw fault('GH_CONFIG_INVALID', {
      detail: `${site.agent} asks for what its SAML provider has no class for (acr of ssoProvider): ${JSON.stringify(purpose.advices ?? index)}`,
    })
  // What has no word in SAML the login page brings about first. From there a login begins that asks for nothing more.
  return loginPage(site, { goto: beginAt(site, purpose.goto), advices: purpose.advices, state: undefined, at: place })
}

/** The first that fits, or the last. */
function shortest(makers: readonly (() => string)[]): string {
  let made = ''
  for (const make of makers) {
    made = make()
    if (made.length <= MOST_RELAY_STATE) return made
  }
  return made
}

async function arrive(
  provider: SamlSso,
  { loginStates, sessions, audit, clock }: SamlDressDeps,
  { request, binding }: { readonly request: AccessRequest; readonly binding: Binding | undefined },
): Promise<HandshakeArrival> {
  const { site, target, id, client } = request
  const origin = { requestId: id, clientIp: client.ip }
  const only = onlyParameters(target.query)
  const response = only('SAMLResponse')
  const state = loginStates.open(only('RelayState') ?? '')
  // Of this site: no other answer is parked here (`parked-posts.ts`).
  const at = { restarts: state?.restarts ?? 0, goto: state && ownUrl(site, state.goto) }
  const refuse = (reason: string): HandshakeArrival => {
    audit.record({ event: 'HandshakeRefused', at: clock(), ...origin, agent: site.agent, reason })
    return { ...at, redemption: { kind: 'refused', reason: 'other-start' } }
  }
  if (state === undefined) return refuse('other-state')
  if (binding === undefined || bindingHash(binding) !== state.binding) {
    refuse('other-browser')
    return { ...at, redemption: { kind: 'other-browser', goto: ownUrl(site, state.goto) } }
  }
  if (response === undefined || clock() - state.startedAt > MOST_MS) return refuse('unknown-code')
  const { start } = state
  const before = provider.isElsewhere === true ? await sessionOfCookie(sessions, request) : undefined
  const answer = { response, requestId: requestId(site, binding, start), start, before }
  const redemption = await provider.redeem(answer, origin)
  if (redemption.kind === 'denied')
    return { ...at, isFinal: true, redemption: { kind: 'refused', reason: 'other-start' } }
  if (redemption.kind === 'refused') return { ...at, redemption }
  const interactive = redemption.session.authInstant >= state.startedAt
  return { ...at, redemption: { ...redemption, goto: state.goto, interactive } }
}

/** Where answers for a site come to. */
export function consumerUrl({ url }: Pick<Site, 'url'>): string {
  return `${url}${ENDPOINT_PREFIX}${ACS_ENDPOINT}`
}

/** Where a login begins that asks for nothing more, on the way to an address of the site. */
function beginAt({ url }: Site, goto: string): string {
  const path = goto.slice(url.length)
  const query = new URLSearchParams({ goto: path.length <= MOST_PATH ? path : '/' })
  return `${url}${ENDPOINT_PREFIX}${BEGIN_ENDPOINT}?${query.toString()}`
}

/** XML Schema part 2 §3.3.8: a name does not begin with a digit. Only the browser with this binding comes by it, at this site. */
function requestId({ agent }: Site, { secret }: Binding, start: string): string {
  return `_${sha256(JSON.stringify(['cdsso', 'saml request', agent, secret, start]))}`
}

/** The same demand in words of SAML; `undefined` where there are none for all of it. An age that was exceeded is a new proof. */
function wantedBy(advices: Advices): { readonly level: number | undefined; readonly isForced: boolean } | undefined {
  const { AuthLevelConditionAdvice: [level] = [], AuthenticationAgeConditionAdvice: [age] = [], ...more } = advices
  if (Object.keys(more).length > 0) return undefined
  return { level: level === undefined ? undefined : Number(level), isForced: age !== undefined }
}
