import type { RealmName } from '../../base/brand.ts'
import { takeDeparture } from '../../authn/departures.ts'
import { signInUrl } from '../login-request.ts'
import type { PortalParts } from '../portal-parts.ts'
import { arrivalRequest } from '../providers.ts'
import type { CompiledRealm } from '../realms.ts'
import type { Visit } from '../visit.ts'
import { answerError } from './errors.ts'
import { answerStep, contextOf } from './login.ts'

/** Longer than an answer of any provider; a code is a few hundred characters. */
const LONGEST_QUERY = 8_192
const PATH = /^\/oidc((?:\/[a-z0-9][a-z0-9-]{0,62})*)\/([a-z][a-z0-9-]{0,31})\/(?:callback|backchannel-logout)$/

/** `GET /oidc/<realm>/<provider>/callback`: back from a provider, in the browser that left for it, once. */
export async function showCallback(parts: PortalParts, visit: Visit): Promise<void> {
  const found = providerAt(parts, visit)
  if (found === undefined) {
    answerError(parts, visit, { kind: 'not-found', status: 404 })
    return
  }
  const { realm, provider } = found
  const session = await visit.session()
  // Of two states neither counts, and both are used up.
  const states = visit.search.length > LONGEST_QUERY ? [] : new URLSearchParams(visit.search).getAll('state')
  const taken = states.map((state) => takeDeparture(visit, parts.cookies, state))
  const authId = taken.length === 1 ? taken[0] : undefined
  if (authId === undefined) {
    // Nothing of the answer is looked at: it is of a login that this browser does not know of (login cross-site request forgery).
    answerError(parts, visit, {
      kind: 'provider-answer',
      status: 403,
      realm,
      loginUrl: signInUrl(realm, session, []),
      session,
    })
    return
  }
  const answers = [`${provider}?${visit.search}`]
  const step = await parts.authn.submit({ realm: realm.name, authId, answers }, contextOf(visit, session))
  visit.keep(step.keeps ?? [])
  const failed = step.kind === 'ask' && step.failure !== undefined
  const module = realm.providers?.find((each) => each.provider === provider)?.module
  if (!failed && step.kind !== 'expired' && module !== undefined) visit.rememberProvider(module)
  await answerStep(parts, visit, { asked: arrivalRequest(realm), session, step, typed: [] })
}

/** `POST /oidc/<realm>/<provider>/backchannel-logout`: OpenID Connect Back-Channel Logout 1.0 §2.5. */
export async function receiveLogout(parts: PortalParts, visit: Visit): Promise<void> {
  const found = providerAt(parts, visit)
  const token = visit.field('logout_token')
  if (found === undefined || token === undefined) {
    visit.json(400, { error: 'invalid_request' })
    return
  }
  const isGood = await parts.providers.signedOut(found.realm.name, found.provider, token)
  if (isGood) visit.json(200, {})
  else visit.json(400, { error: 'invalid_request', error_description: 'the logout token is not accepted' })
}

function providerAt(
  parts: PortalParts,
  visit: Visit,
): { readonly realm: CompiledRealm; readonly provider: string } | undefined {
  const [, path = '', provider] = PATH.exec(visit.path) ?? []
  const realm = provider === undefined ? undefined : parts.realms.get((path === '' ? '/' : path) as RealmName)
  const isKnown = realm?.providers?.some((each) => each.provider === provider) === true
  return isKnown && provider !== undefined ? { realm, provider } : undefined
}
