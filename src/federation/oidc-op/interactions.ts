import type Provider from 'oidc-provider'
import type { Interaction, InteractionResults } from 'oidc-provider'
import type { Clock } from '../../base/clock.ts'
import type { RealmName } from '../../base/brand.ts'
import { findCookie } from '../../http/cookies.ts'
import type { Session } from '../../session/session.ts'
import type { AuditSink } from '../../telemetry/audit.ts'
import { scopesTelling, type Claims } from './account-claims.ts'
import type { PartnerAccess } from '../partner-access.ts'
import { targetsOf } from './client-metadata.ts'
import type { OidcClientConfig } from './clients.schema.ts'
import type { Grants } from './grants.ts'
import { awaitedBy, meets } from './login-prompt.ts'
import { entranceOf } from './partner-gate.ts'
import { facts, type BindingDeps } from './sso-binding.ts'
import type { SubjectOf } from './subjects.ts'
import type { OpVisit, Visits } from './visits.ts'

export interface InteractionsDeps {
  readonly realm: RealmName
  readonly visits: Visits
  readonly grants: Grants
  readonly clock: Clock
  /** Path of the issuer. */
  readonly mount: string
  readonly access: PartnerAccess
  readonly describe: Pick<BindingDeps, 'levels' | 'methodsOf'>
  readonly clientOf: (id: string) => OidcClientConfig | undefined
  /** What a client may come to know, by scope. */
  readonly claimsFor: (clientId: string) => Claims
  readonly subjectOf: SubjectOf
  readonly audit: AuditSink
}

/** The stops of a request between the library's own steps: the login, and the question whether a client may know. */
export type Interactions = (provider: Provider, visit: OpVisit, uid: string) => Promise<void>

export function createInteractions(deps: InteractionsDeps): Interactions {
  return async (provider, visit, uid) => {
    const { request } = visit
    // Of the browser that began it, and of no other. The library's own way wants the session to be the same as then, which a login may end.
    const isOwn = findCookie(request.headers.cookie, provider.cookieName('interaction')) === uid
    const interaction = isOwn ? await provider.Interaction.find(uid) : undefined
    if (interaction === undefined) {
      refuse(visit, 400, 'invalid_request', 'this request is over, or was begun in another browser')
      return
    }
    const stop = { provider, visit, interaction, session: await visit.gate.session() }
    if (interaction.prompt.name === 'login') await logIn(stop, deps)
    else if (request.method === 'POST') await decide(stop, deps)
    else await ask(stop, deps)
  }
}

interface Stop {
  readonly provider: Provider
  readonly visit: OpVisit
  readonly interaction: Interaction
  readonly session: Session | undefined
}

/** How often a browser is sent to prove what a policy asks for, before the answer is no: a login may have done all it can. */
const MOST_SENT = 3

async function logIn(stop: Stop, deps: InteractionsDeps): Promise<void> {
  const { clock, describe, mount, access } = deps
  const { visit, interaction, session } = stop
  const awaited = awaitedBy(interaction)
  const { since, times } = sentBefore(interaction)
  const client = String(interaction.params['client_id'])
  const verdict = session && (await access.ask(entranceOf(session, visit, client)))
  const advices = verdict?.kind === 'login' ? verdict.advices : undefined
  const isRefused = verdict?.kind === 'denied' || (advices !== undefined && times >= MOST_SENT)
  if (session !== undefined && isRefused && visit.field('decision') !== 'another') {
    await turnAway(stop, session, deps)
    return
  }
  const isLetIn = verdict?.kind === 'allowed'
  // Whom the request is for it says in the client's own words.
  const known = session && { ...session, userId: deps.subjectOf(client, session.userId) }
  if (session !== undefined && known !== undefined && isLetIn && meets(known, awaited, { now: clock(), since })) {
    // Signed in anew, the browser may have another session than the one that it began with: this one goes on, and no later one.
    interaction.session = { uid: session.sid, accountId: session.userId, cookie: session.sid }
    visit.gate.used(session)
    const { loginTs: ts, ...who } = facts(session, describe)
    await finish(stop, { login: { ...who, ts } })
    return
  }
  const isSomebodyElse = known !== undefined && awaited.userId !== undefined && known.userId !== awaited.userId
  if (isSomebodyElse && since !== undefined) {
    await finish(stop, {
      error: 'login_required',
      error_description: 'somebody else has signed in than the request is for',
    })
    return
  }
  interaction.result = { sent: { at: since ?? clock(), times: isRefused ? 0 : times + 1 } satisfies Sent }
  await interaction.persist()
  const back = `${mount}/interaction/${interaction.uid}?${new URLSearchParams({ client }).toString()}`
  redirect(visit, await visit.gate.loginUrl({ ...awaited, advices, another: isSomebodyElse || isRefused }, back))
}

/** A browser that was sent to log in: first when, in milliseconds, and how often. */
interface Sent {
  readonly at: number
  readonly times: number
}

/** What was proved before the browser was sent first is not new. */
function sentBefore({ result }: Interaction): { readonly since: number | undefined; readonly times: number } {
  const sent = result?.['sent'] as Sent | undefined
  return { since: sent?.at, times: sent?.times ?? 0 }
}

/** No policy lets this person in there: they are told so here, since many a client cannot; from here they go back to it. */
async function turnAway(stop: Stop, session: Session, { access, clientOf, mount }: InteractionsDeps): Promise<void> {
  const { visit, interaction } = stop
  const id = String(interaction.params['client_id'])
  if (visit.request.method === 'POST') {
    await finish(stop, {
      error: 'access_denied',
      error_description: `a policy of the realm does not let this person in (request ${visit.requestId})`,
    })
    return
  }
  const entrance = entranceOf(session, visit, id)
  const verdict = await access.ask(entrance)
  await access.refused(entrance)
  const client = clientOf(id)
  visit.response.statusCode = 403
  send(
    visit,
    visit.draw({
      kind: 'turned-away',
      client: client?.name ?? id,
      username: session.username,
      policies: verdict.kind === 'denied' ? verdict.policies : [],
      action: `${mount}/interaction/${interaction.uid}`,
      targets: client === undefined ? [] : targetsOf(client),
    }),
  )
}

async function ask(stop: Stop, { clientOf, claimsFor, mount }: InteractionsDeps): Promise<void> {
  const { visit, interaction, session } = stop
  const client = clientOf(String(interaction.params['client_id']))
  if (client === undefined || !isOwner(interaction, session)) {
    await finish(stop, { error: 'access_denied', error_description: 'who was asked is not signed in any more' })
    return
  }
  const { scopes, claims } = wantedOf(interaction)
  // A single claim is shown as what tells it.
  const telling = claims.flatMap((claim) => scopesTelling(claimsFor(client.id), claim).slice(0, 1))
  visit.response.statusCode = 200
  send(
    visit,
    visit.draw({
      kind: 'consent',
      client: client.name ?? client.id,
      username: session.username,
      scopes: [...new Set([...scopes, ...telling])],
      action: `${mount}/interaction/${interaction.uid}`,
      targets: targetsOf(client),
    }),
  )
}

async function decide(stop: Stop, { grants, audit, clock, realm }: InteractionsDeps): Promise<void> {
  const { provider, visit, interaction, session } = stop
  if (!visit.sameOrigin()) {
    refuse(visit, 403, 'access_denied', 'the answer came from another site')
    return
  }
  const clientId = String(interaction.params['client_id'])
  if (!isOwner(interaction, session) || visit.field('decision') !== 'allow') {
    await finish(stop, { error: 'access_denied', error_description: 'the person has not agreed' })
    return
  }
  const wanted = wantedOf(interaction)
  const grantId = await grants.agreed(provider, {
    userId: session.userId,
    clientId,
    ...wanted,
    grantId: interaction.grantId,
  })
  const { requestId, clientIp } = visit
  const { username, sid } = session
  audit.record({
    event: 'OidcConsented',
    at: clock(),
    requestId,
    clientIp,
    realm,
    username,
    sid,
    client: clientId,
    scope: wanted.scopes.join(' '),
  })
  await finish(stop, { consent: { grantId } })
}

/** Whoever is asked is whom the request found signed in: nobody else may say yes for them. */
function isOwner(interaction: Interaction, session: Session | undefined): session is Session {
  return (
    session !== undefined &&
    interaction.session?.uid === session.sid &&
    interaction.session.accountId === session.userId
  )
}

/** All that is asked for, and not only what is new: what was agreed to is what was shown. */
function wantedOf({ params, prompt: { details } }: Interaction): {
  readonly scopes: readonly string[]
  readonly claims: readonly string[]
} {
  const scope = typeof params['scope'] === 'string' ? params['scope'].split(' ') : []
  const missing = details['missingOIDCClaims']
  return {
    scopes: scope,
    claims: Array.isArray(missing) ? missing.filter((claim): claim is string => typeof claim === 'string') : [],
  }
}

async function finish({ provider, visit, interaction }: Stop, result: InteractionResults): Promise<void> {
  // A refusal is the answer whoever is signed in by now.
  if ('error' in result) interaction.session = undefined
  await interaction.persist()
  await provider.interactionFinished(visit.request, visit.response, result, { mergeWithLastSubmission: true })
}

function redirect({ response }: OpVisit, location: string): void {
  response.writeHead(303, { location, 'content-length': '0' }).end()
}

function refuse(visit: OpVisit, status: number, error: string, description: string): void {
  visit.response.statusCode = status
  send(visit, visit.draw({ kind: 'refused', status, error, description }))
}

function send({ response }: OpVisit, html: string): void {
  response.setHeader('content-type', 'text/html; charset=utf-8')
  response.end(html)
}
