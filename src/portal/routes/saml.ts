import type { RealmName } from '../../base/brand.ts'
import { NO_DEMAND } from '../../authn/read-demand.ts'
import type { Step } from '../../authn/step.ts'
import { clearCookie, cookieName, setCookie } from '../../http/cookies.ts'
import type { Session } from '../../session/session.ts'
import { takeDeparture } from '../../authn/departures.ts'
import { signInUrl } from '../login-request.ts'
import type { PortalParts } from '../portal-parts.ts'
import { arrivalRequest, providerByName } from '../providers.ts'
import type { CompiledRealm } from '../realms.ts'
import type { Visit } from '../visit.ts'
import { answerError } from './errors.ts'
import { answerStep, contextOf } from './login.ts'

/** Where SAML providers send their answers: ours, and OpenAM's names for it. */
export const SAML_CONSUMER =
  /^(?:\/saml2((?:\/[a-z0-9][a-z0-9-]{0,62})*)\/acs|\/(?:am\/|openam\/)?(?:Auth)?Consumer\/metaAlias((?:\/[a-z0-9][a-z0-9-]{0,62})*)\/sp)$/
/** Base64 of the longest message that is read, in lines and percent-encoded. */
export const LONGEST_SAML_FORM = 131_072

/** Seconds: a redirect later it is used. */
const TICKET_S = 120
const TICKET = /^[\w-]{43}$/

/**
 * `POST /saml2/<realm>/acs`: a form of another site, to which the browser brings no cookie of ours. What it has is judged and kept; the
 * request that follows has the cookies, and so knows which login it belongs to. `RelayState` names that login, and no place to go.
 */
export async function receiveSamlResponse(parts: PortalParts, visit: Visit): Promise<void> {
  const realm = realmAt(parts, visit)
  if (realm === undefined) {
    answerError(parts, visit, { kind: 'not-found', status: 404 })
    return
  }
  const { path } = visit
  const field = visit.field('SAMLResponse')
  const relayState = visit.field('RelayState')
  const received =
    field === undefined ? undefined : await parts.providers.receive(realm.name, { path, field, relayState })
  if (received === undefined || received.kind === 'refused') {
    refuse(parts, visit, realm, undefined)
    return
  }
  const { provider, ticket, isAnswer } = received
  const place = new URLSearchParams({ provider })
  if (isAnswer) {
    place.set('state', relayState ?? '')
    place.set('ticket', ticket)
  } else {
    // Nothing but this says whose browser it came to.
    visit.addCookie(setCookie(ticketCookie(parts), ticket, { secure: parts.cookies.secure, maxAge: TICKET_S }))
  }
  visit.redirect(303, `${path}?${place}`)
}

/** `GET /saml2/<realm>/acs`: what was kept, in the browser that left for it, once. */
export async function showSamlArrival(parts: PortalParts, visit: Visit): Promise<void> {
  const realm = realmAt(parts, visit)
  const provider = realm && providerByName(realm, visit.query('provider') ?? '')
  if (realm === undefined || provider === undefined) {
    answerError(parts, visit, { kind: 'not-found', status: 404 })
    return
  }
  const session = await visit.session()
  const context = contextOf(visit, session)
  const state = visit.query('state')
  const step =
    state === undefined
      ? await unasked(parts, visit, { realm, module: provider.module, provider: provider.provider, session })
      : await asked(parts, visit, { realm, provider: provider.provider, state, context })
  if (step === undefined) {
    // Nothing of the answer is looked at: it is of a login that this browser does not know of (login cross-site request forgery).
    refuse(parts, visit, realm, session)
    return
  }
  visit.keep(step.keeps ?? [])
  const isFailed = step.kind === 'ask' && step.failure !== undefined
  if (!isFailed && step.kind !== 'expired') visit.rememberProvider(provider.module)
  await answerStep(parts, visit, { asked: arrivalRequest(realm), session, step, typed: [] })
}

async function asked(
  parts: PortalParts,
  visit: Visit,
  {
    realm,
    provider,
    state,
    context,
  }: Arrival & { readonly state: string; readonly context: ReturnType<typeof contextOf> },
): Promise<Step | undefined> {
  const authId = takeDeparture(visit, parts.cookies, state)
  const ticket = visit.query('ticket') ?? ''
  if (authId === undefined || !TICKET.test(ticket)) return undefined
  return parts.authn.submit({ realm: realm.name, authId, answers: [`${provider}?${ticket}`] }, context)
}

interface Arrival {
  readonly realm: CompiledRealm
  readonly provider: string
}

/** A login that begins with its answer, in the module that leads to this provider. */
async function unasked(
  parts: PortalParts,
  visit: Visit,
  { realm, provider, module, session }: Arrival & { readonly module: string; readonly session: Session | undefined },
): Promise<Step | undefined> {
  const name = ticketCookie(parts)
  const ticket = visit.cookie(name) ?? ''
  if (!TICKET.test(ticket)) return undefined
  visit.addCookie(clearCookie(name, { secure: parts.cookies.secure }))
  const context = contextOf(visit, session)
  const destination = { goto: undefined, handshake: undefined }
  let step = await parts.authn.begin({ realm: realm.name, demand: NO_DEMAND, destination }, context)
  if (step.kind === 'ask' && step.stage !== module)
    step = await parts.authn.submit({ realm: realm.name, authId: step.authId, answers: [], choose: module }, context)
  if (step.kind !== 'ask' || step.stage !== module) return undefined
  return parts.authn.submit({ realm: realm.name, authId: step.authId, answers: [`${provider}?${ticket}`] }, context)
}

function ticketCookie({ cookies }: PortalParts): string {
  return cookieName('gatehouse-arrival', { secure: cookies.secure })
}

function realmAt(parts: PortalParts, visit: Visit): CompiledRealm | undefined {
  const [, own, metaAlias] = SAML_CONSUMER.exec(visit.path) ?? []
  const path = own ?? metaAlias
  return path === undefined ? undefined : parts.realms.get((path === '' ? '/' : path) as RealmName)
}

function refuse(parts: PortalParts, visit: Visit, realm: CompiledRealm, session: Session | undefined): void {
  answerError(parts, visit, {
    ...{ kind: 'provider-answer', status: 403, realm, session },
    loginUrl: signInUrl(realm, session, []),
  })
}
