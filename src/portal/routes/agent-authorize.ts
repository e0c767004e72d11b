import { sendToAgent, tokenForAgent } from '../agent-hand-over.ts'
import { agentClaims } from '../agent-id-token.ts'
import type { Pairs } from '../frame.ts'
import { legacyDemand } from '../legacy-login.ts'
import { loginUrl, withQuery } from '../login-request.ts'
import type { PortalParts } from '../portal-parts.ts'
import type { AgentOpenId, PortalSite } from '../ports.ts'
import type { CompiledRealm } from '../realms.ts'
import type { Visit } from '../visit.ts'
import { answerError } from './errors.ts'

/** What an agent sent the browser for, checked. */
interface AgentRequest {
  readonly realm: CompiledRealm
  readonly site: PortalSite
  readonly openId: AgentOpenId
  readonly redirectUri: string
  readonly state: string
  readonly nonce: string
}

type Read =
  | { readonly kind: 'read'; readonly asked: AgentRequest }
  | { readonly kind: 'refused'; readonly reason: string; readonly site?: PortalSite }

/** As OpenAM has it: with its prefixes, and the realm in the path or not. */
export const AGENT_AUTHORIZE =
  /^(\/am|\/openam)?\/oauth2(?:\/realms\/root((?:\/realms\/[a-z0-9][a-z0-9-]{0,62})*))?\/authorize$/
export const AGENT_KEYS = /^(?:\/am|\/openam)?\/oauth2\/(?:realms\/root\/(?:realms\/[a-z0-9-]+\/)*)?connect\/jwk_uri$/

/** What agents make up for a request: letters and digits, as of a UUID or of base64. */
const MADE_UP = /^[\w.~+/=:-]{1,256}$/

/** Whether an authorization request is one of an agent of OpenAM's; all others are the provider's. */
export function isOfAgent(visit: Visit): boolean {
  return visit.query('agent_provider') === 'true'
}

/**
 * `GET /oauth2/…/authorize?agent_provider=true`: CDSSO as agents from version 5 on, and ForgeRock's Identity Gateway, have it. The agent's
 * profile is its registration: an ID token, with a restricted token in it, goes by a form to the one address of the profile's `url`, without
 * consent, and nothing else is to be had.
 */
export async function showAgentAuthorize(parts: PortalParts, visit: Visit): Promise<void> {
  const read = readRequest(parts, visit)
  if (read.kind === 'refused') {
    refuse(parts, visit, read)
    return
  }
  const { realm, site, openId, redirectUri, state, nonce } = read.asked
  if (!visit.isNavigation) {
    refuseScript(parts, visit, read.asked)
    return
  }
  const agent = { realm, site, demanding: demandOf(visit, openId), back: addressOf(parts, visit, read.asked) }
  const given = await tokenForAgent(parts, visit, agent)
  if (given === undefined) return
  const [, prefix = ''] = AGENT_AUTHORIZE.exec(visit.path) ?? []
  const issuer = `${parts.origin}${prefix}${openId.issuerPath}`
  const claims = agentClaims({ ...given, issuer, agent: site.agent, nonce, now: parts.clock() })
  const fields: Pairs = [
    ['id_token', openId.sign(claims)],
    ['state', state],
  ]
  sendToAgent(visit, agent, { action: redirectUri, fields })
}

/** `GET /oauth2/…/connect/jwk_uri` where no provider of the realm answers it: what the ID tokens of agents are signed with. */
export function showAgentKeys({ agentKeys }: PortalParts, visit: Visit): boolean {
  if (agentKeys === undefined) return false
  visit.json(200, agentKeys())
  return true
}

function readRequest(parts: PortalParts, visit: Visit): Read {
  const found = siteOf(parts, visit.query('client_id'))
  if (found === undefined) return { kind: 'refused', reason: 'unknown-agent' }
  const { realm, site, openId } = found
  const refused = (reason: string): Read => ({ kind: 'refused', reason, site })
  const redirectUri = openId.redirectUris.find((each) => each === visit.query('redirect_uri'))
  if (redirectUri === undefined) return refused('not-its-own')
  if (namedRealms(visit).some((name) => name !== realm.name)) return refused('other-realm')
  const fixed = [
    ['response_type', 'id_token'],
    ['response_mode', 'form_post'],
    ['scope', 'openid'],
  ] as const
  const wrong = fixed.find(([name, value]) => visit.query(name) !== value)
  if (wrong !== undefined) return refused(`other-${wrong[0].replace('_', '-')}`)
  const [state, nonce] = [visit.query('state') ?? '', visit.query('nonce') ?? '']
  if (!MADE_UP.test(state)) return refused('no-state')
  if (!MADE_UP.test(nonce)) return refused('no-nonce')
  return { kind: 'read', asked: { realm, site, openId, redirectUri, state, nonce } }
}

function siteOf(
  { realms }: PortalParts,
  id: string | undefined,
): { readonly realm: CompiledRealm; readonly site: PortalSite; readonly openId: AgentOpenId } | undefined {
  for (const realm of realms.all) {
    const site = id === undefined ? undefined : realms.site(realm, id)
    const openId = site?.openAm?.openId
    if (site !== undefined && openId !== undefined) return { realm, site, openId }
  }
  return undefined
}

/** The root realm in the path is no realm that anybody chose. */
function namedRealms(visit: Visit): readonly string[] {
  const inPath = (AGENT_AUTHORIZE.exec(visit.path)?.[2] ?? '').replaceAll('/realms/', '/')
  const named = [visit.query('agent_realm'), visit.query('realm')].filter((name) => name !== undefined)
  return [...(inPath === '' ? [] : [inPath]), ...named.map((name) => (name.startsWith('/') ? name : `/${name}`))]
}

/** What OpenAM's login page reads, and the levels of `acr_values`, the first that is known (OIDC Core 1.0 §3.1.2.1). */
function demandOf(visit: Visit, { levelOf }: AgentOpenId): Pairs {
  const demanding = legacyDemand(visit)
  const wanted = (visit.query('acr_values') ?? '').split(' ').map(levelOf)
  const level = wanted.find((each) => each !== undefined)
  const isSaid = demanding.some(([name]) => name !== 'locale' && name !== 'ForceAuth')
  return level === undefined || isSaid ? demanding : [...demanding, ['authlevel', String(level)]]
}

/** This request without what it asked of the login. */
function addressOf({ origin }: PortalParts, visit: Visit, { site, redirectUri, state, nonce }: AgentRequest): string {
  return `${origin}${withQuery(visit.path, [
    ['agent_provider', 'true'],
    ['client_id', site.agent],
    ['response_type', 'id_token'],
    ['response_mode', 'form_post'],
    ['scope', 'openid'],
    ['redirect_uri', redirectUri],
    ['state', state],
    ['nonce', nonce],
  ])}`
}

/** A script would take the form for the answer that it waits for. */
function refuseScript({ origin }: PortalParts, visit: Visit, { realm, site }: AgentRequest): void {
  const login = origin + loginUrl(realm, [['goto', `${site.url}/`]])
  visit.setHeader('WWW-Authenticate', `Gatehouse realm="${realm.name}", login_url="${login}"`)
  visit.json(401, { error: 'login_required', loginUrl: login, requestId: visit.facts.requestId })
}

function refuse(parts: PortalParts, visit: Visit, { reason, site }: Extract<Read, { kind: 'refused' }>): void {
  const { requestId, clientIp } = visit.origin
  parts.audit.record({ event: 'CdcRefused', at: parts.clock(), requestId, clientIp, agent: site?.agent, reason })
  answerError(parts, visit, { kind: 'login-address', status: 400 })
}
