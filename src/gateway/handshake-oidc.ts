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
import type { LoginState, LoginStates } from './login-state.ts'
import { onlyParameters } from './only-parameters.ts'
import type { Site } from './site.ts'
import type { SsoProvider } from './sso-provider.ts'
import { sessionOfCookie } from './token-cookie.ts'

export interface OidcDressDeps {
  readonly loginStates: LoginStates
  readonly sessions: Pick<SessionResolver, 'resolve'>
  readonly audit: AuditSink
  readonly clock: Clock
}

/** Longer than the binding cookie of a browser that waits lives: an answer that comes later begins again. */
const MOST_MS = 30 * 60_000
/** Characters of a goto that fit into addresses everywhere, and of an address that the login page takes for one. */
const MOST_GOTO = 2_000

/**
 * CDSSO in the dress of OpenID Connect: the site is a client of the provider (authorization code with PKCE, OIDC Core 1.0 §3.1). Nothing is
 * written down until somebody has signed in: `state` is sealed, and verifier and nonce are made of the binding cookie's secret and the
 * start's name, so a code is worth something in the browser that began, for the start that it was asked for by, and nowhere else.
 */
export function oidcDress(deps: OidcDressDeps): (provider: SsoProvider) => HandshakeDress {
  return (provider) => ({
    depart: (request, purpose, binding) => depart(provider, deps, { request, purpose, binding }),
    arrive: (request, binding) => arrive(provider, deps, { request, binding }),
  })
}

function depart(
  provider: SsoProvider,
  { loginStates }: OidcDressDeps,
  {
    request: { site, target },
    purpose,
    binding,
  }: { readonly request: AccessRequest; readonly purpose: Purpose; readonly binding: Binding },
): string {
  const start = randomName()
  const { verifier, nonce } = secretsOf(binding, start)
  const index = purpose.advices === undefined ? site.loginRules(purpose.at ?? target) : undefined
  const level = index?.type === 'level' ? { AuthLevelConditionAdvice: [index.value] } : undefined
  const wanted = wantedBy(purpose.advices ?? level ?? {})
  const authorization = (goto: string): string => {
    const state = { agent: site.agent, start, binding: bindingHash(binding), restarts: purpose.restarts, goto }
    const query = new URLSearchParams({
      client_id: provider.clientId,
      response_type: 'code',
      redirect_uri: redirectUri(site),
      scope: provider.scope,
      state: loginStates.seal(state),
      nonce,
      // RFC 7636 §4.2
      code_challenge: sha256(verifier),
      code_challenge_method: 'S256',
      ...wanted,
    })
    return `${provider.authorizationUrl}?${query.toString()}`
  }
  if (wanted !== undefined && index?.type !== 'service') return authorization(shortened(site, purpose.goto))
  if (provider.isElsewhere === true)
    throw fault('GH_CONFIG_INVALID', {
      detail: `${site.agent} asks for what its provider elsewhere has no parameter for: ${JSON.stringify(purpose.advices ?? index)}`,
    })
  // What has no parameter in OpenID Connect, the login page brings about first; from there it goes on to the provider.
  const whole = authorization(shortened(site, purpose.goto))
  const goto = whole.length <= MOST_GOTO ? whole : authorization(`${site.url}/`)
  return loginPage(site, { goto, advices: purpose.advices, state: undefined, at: purpose.at ?? target })
}

async function arrive(
  provider: SsoProvider,
  { loginStates, sessions, audit, clock }: OidcDressDeps,
  { request, binding }: { readonly request: AccessRequest; readonly binding: Binding | undefined },
): Promise<HandshakeArrival> {
  const { site, target, id, client } = request
  const origin = { requestId: id, clientIp: client.ip }
  const only = onlyParameters(target.query)
  const state = loginStates.open(only('state') ?? '')
  const isOurs = state !== undefined && state.agent === site.agent
  const at = { restarts: isOurs ? state.restarts : 0, goto: isOurs ? ownUrl(site, state.goto) : undefined }
  const refuse = (reason: string): HandshakeArrival => {
    audit.record({ event: 'HandshakeRefused', at: clock(), ...origin, agent: site.agent, reason })
    return { ...at, redemption: { kind: 'refused', reason: 'other-start' } }
  }
  if (!isOurs) return refuse('other-state')
  // RFC 9207 §2.4: of another provider than the one that was asked (mix-up).
  if (only('iss') !== provider.issuer) return refuse('other-issuer')
  if (binding === undefined || bindingHash(binding) !== state.binding) {
    refuse('other-browser')
    return { ...at, redemption: { kind: 'other-browser', goto: ownUrl(site, state.goto) } }
  }
  if (only('error') !== undefined) return { ...refuse(`provider: ${only('error')?.slice(0, 64) ?? ''}`), isFinal: true }
  const code = only('code')
  if (code === undefined || clock() - state.startedAt > MOST_MS) return refuse('unknown-code')
  const answer = { code, ...secretsOf(binding, state.start), redirectUri: redirectUri(site), start: state.start }
  const before = provider.isElsewhere === true ? await sessionOfCookie(sessions, request) : undefined
  const redemption = await provider.redeem({ ...answer, before }, origin)
  if (redemption.kind === 'refused') return { ...at, redemption }
  return { ...at, redemption: { ...redemption, goto: state.goto, interactive: isNewerThan(state, redemption) } }
}

/** Whether somebody has proved who they are since the browser left. */
function isNewerThan(
  { startedAt }: LoginState,
  { session }: { readonly session: { readonly authInstant: number } },
): boolean {
  return session.authInstant >= startedAt
}

export function redirectUri({ url }: Pick<Site, 'url'>): string {
  return `${url}${ENDPOINT_PREFIX}callback`
}

/** Two values that only the browser with this binding, at this start, comes by. */
function secretsOf({ secret }: Binding, start: string): { readonly verifier: string; readonly nonce: string } {
  const made = (what: string): string => sha256(JSON.stringify(['cdsso', what, secret, start]))
  return { verifier: made('verifier'), nonce: made('nonce') }
}

/** The same demand in parameters of OpenID Connect; `undefined` where there are none for all of it. */
function wantedBy(advices: Advices): Readonly<Record<string, string>> | undefined {
  const { AuthLevelConditionAdvice: [level] = [], AuthenticationAgeConditionAdvice: [age] = [], ...more } = advices
  if (Object.keys(more).length > 0) return undefined
  return { ...(level === undefined ? {} : { acr_values: level }), ...(age === undefined ? {} : { max_age: age }) }
}

function shortened(site: Site, goto: string): string {
  return goto.length <= MOST_GOTO ? goto : `${site.url}/`
}
