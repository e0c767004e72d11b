import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { User, UserDirectory } from '../../identity/directory.ts'
import type { Session } from '../../session/session.ts'
import type { AuditSink } from '../../telemetry/audit.ts'
import type { GateDemand } from '../login-gate.ts'
import type { PartnerAccess } from '../partner-access.ts'
import type { Endpoint } from '../saml/metadata-endpoints.ts'
import { NAME_ID, STATUS } from '../saml/names.ts'
import type { RealmKeys } from '../saml/realm-keys.ts'
import type { UsedOnce } from '../saml/used-once.ts'
import { attributesOf } from './attributes.ts'
import type { AuthnContexts } from './authn-contexts.ts'
import { nameIdKindOf, type IssuedNameId, type NameIds } from './name-ids.ts'
import { encryptionKeyOf, type KnownPartner } from './partners.ts'
import { PENDING_MS, type Pending, type PendingSeal } from './pending.ts'
import { writeAssertion, writeFailure, type SamlStatus } from './response.ts'
import type { SpSessions } from './sp-sessions.ts'
import type { IdpVisit } from './visit.ts'

export interface SignOnDeps {
  readonly realm: RealmName
  readonly entityId: string
  /** Where a request goes on once its person has signed in, with what `seal` made of it. */
  readonly continueAt: (sealed: string) => string
  readonly directory: Pick<UserDirectory, 'find'>
  readonly access: PartnerAccess
  readonly contexts: AuthnContexts
  readonly nameIds: NameIds
  readonly sessions: SpSessions
  readonly seal: PendingSeal
  readonly used: UsedOnce
  readonly keys: RealmKeys
  readonly audit: AuditSink
  readonly clock: Clock
}

/** A request with the partner that it is of, and the address that its answer goes to. */
export interface Asked {
  readonly pending: Pending
  readonly partner: KnownPartner
  readonly consumer: Endpoint
}

/** Who has come back this often has not found what was asked of them. */
const MOST_TRIPS = 4

const RESPONDER = (subcode: string): SamlStatus => ({ code: 'responder', subcode })
const REQUESTER = (subcode: string): SamlStatus => ({ code: 'requester', subcode })
const INVALID_NAME_ID_POLICY = 'urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy'
const UNKNOWN_PRINCIPAL = 'urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal'

/**
 * Answers one request, or sends its person to sign in first (SAML Profiles 2.0 §4.1). Each step looks at the session as it is now: what a
 * sealed request says was asked for, never what was proved.
 */
export function createSignOn(deps: SignOnDeps): (visit: IdpVisit, asked: Asked) => Promise<void> {
  return async (visit, asked) => {
    const { pending } = asked
    const session = await visit.gate.session()
    const needs = await needsOf(session, asked, visit, deps)
    switch (needs.kind) {
      case 'nothing':
        await signOn(visit, { ...asked, ...needs }, deps)
        return
      case 'impossible':
        fail(visit, asked, needs.status, deps)
        return
      case 'denied':
        if (pending.isPassive) {
          await deps.access.refused(needs.entrance)
          fail(visit, asked, RESPONDER(STATUS.requestDenied), deps)
        } else await turnAway(visit, asked, needs, deps)
        return
      case 'login': {
        if (pending.isPassive) {
          fail(visit, asked, RESPONDER(STATUS.noPassive), deps)
          return
        }
        const sealed =
          pending.trips < MOST_TRIPS ? deps.seal.close({ ...pending, trips: pending.trips + 1 }) : undefined
        if (sealed === undefined) {
          fail(visit, asked, RESPONDER(STATUS.authnFailed), deps)
          return
        }
        visit.redirect(await visit.gate.loginUrl(needs.demand, deps.continueAt(sealed)))
      }
    }
  }
}

interface Ready {
  readonly session: Session
  readonly user: User
  readonly context: string
}

type Entrance = Parameters<PartnerAccess['ask']>[0]

type Needs =
  | ({ readonly kind: 'nothing' } & Ready)
  | { readonly kind: 'login'; readonly demand: GateDemand }
  | {
      readonly kind: 'denied'
      readonly username: string
      readonly policies: readonly string[]
      readonly entrance: Entrance
    }
  | { readonly kind: 'impossible'; readonly status: SamlStatus }

async function needsOf(session: Session | undefined, asked: Asked, visit: IdpVisit, deps: SignOnDeps): Promise<Needs> {
  const { pending, partner } = asked
  const { forceAuthn: force, subject, at } = pending
  const verdict = deps.contexts.judge(pending.contexts, session?.authLevel ?? -1)
  if (verdict.kind === 'unreachable') return { kind: 'impossible', status: RESPONDER(STATUS.noAuthnContext) }
  const level = verdict.kind === 'level' ? verdict.level : undefined
  const username = subject !== undefined && isPlainName(subject.format) ? subject.value : undefined
  const user = session && (await deps.directory.find(session.userId))
  // What was proved before the request is no proof where a new one is wanted.
  const isNew = session !== undefined && session.authInstant >= at
  if (session === undefined || user === undefined || verdict.kind === 'level' || (force && !isNew))
    return { kind: 'login', demand: { level, force: force && !isNew, username } }
  if (!(await isSubject(user, asked, deps))) {
    // Once: who signs in as somebody else again is not who is asked for.
    if (pending.trips > 0) return { kind: 'impossible', status: RESPONDER(UNKNOWN_PRINCIPAL) }
    return { kind: 'login', demand: { level, force: false, username, another: true } }
  }
  const { clientIp, requestId } = visit
  const entrance = { partner: partner.config.id, subject: session, sid: session.sid, clientIp, requestId }
  const access = await deps.access.ask(entrance)
  if (access.kind === 'login' && pending.trips < MOST_TRIPS)
    return { kind: 'login', demand: { level, force: false, advices: access.advices } }
  if (access.kind !== 'allowed') {
    const policies = access.kind === 'denied' ? access.policies : []
    return { kind: 'denied', username: session.username, policies, entrance }
  }
  return { kind: 'nothing', session, user, context: verdict.name }
}

function isPlainName(format: string | undefined): boolean {
  return format === undefined || format === NAME_ID.unspecified
}

/** Whether it is whom the request wants: its answer is about them, or about nobody (SAML Core 2.0 §3.4.1.4). */
async function isSubject(
  user: User,
  { pending: { subject }, partner }: Asked,
  { nameIds }: SignOnDeps,
): Promise<boolean> {
  if (subject === undefined) return true
  const { config } = partner
  const kind = nameIdKindOf({ requested: subject.format, configured: 'unspecified', offered: [] })
  if (kind === undefined || kind === 'transient') return false
  const wish = {
    kind,
    user,
    entityId: config.entityId,
    from: config.nameId.from,
    mayCreate: false,
    transient: undefined,
  }
  return (await nameIds.issue(wish))?.value === subject.value
}

async function signOn(visit: IdpVisit, asked: Asked & Ready, deps: SignOnDeps): Promise<void> {
  const { pending, partner, consumer, session, user } = asked
  const { config, metadata } = partner
  const { clock, sessions, realm } = deps
  const now = clock()
  const encryptFor = config.encrypt ? encryptionKeyOf(metadata, now) : undefined
  if (config.encrypt && encryptFor === undefined) {
    // Never in the clear where it was to be encrypted.
    fail(visit, asked, RESPONDER(STATUS.requestDenied), deps)
    return
  }
  const nameId = await nameIdFor(asked, deps)
  if (nameId === undefined) {
    fail(visit, asked, REQUESTER(INVALID_NAME_ID_POLICY), deps)
    return
  }
  // Of any number of answers to one request, one counts (SAML Profiles 2.0 §4.1.4.5).
  const { requestId } = pending
  const staleAt = pending.at + PENDING_MS
  if (requestId !== undefined && !(await deps.used.use({ realm, issuer: config.entityId, id: requestId, staleAt }))) {
    visit.page({
      kind: 'refused',
      status: 400,
      reason: 'this request was answered before: begin again where you came from',
    })
    return
  }
  const known = await sessions.add(session, { partner: config.id, entityId: config.entityId, nameId })
  const { xml } = writeAssertion(envelopeOf(asked, deps), {
    audience: config.entityId,
    nameId,
    attributes: attributesOf(user, config.attributes),
    authnContext: asked.context,
    authnInstant: session.authInstant,
    sessionIndex: known.sessionIndex,
    sessionEndsAt: session.maxExpiresAt,
    ttlMs: config.assertionTTL,
    sign: config.sign,
    encryptFor,
  })
  visit.gate.used(session)
  const { requestId: id, clientIp } = visit
  deps.audit.record({
    event: 'SamlAsserted',
    ...{ at: now, requestId: id, clientIp, realm, username: session.username, sid: session.sid },
    partner: config.id,
  })
  deliver(visit, { partner: partner.title, consumer, relayState: pending.relayState }, xml)
}

async function nameIdFor(
  { pending, partner, session, user }: Asked & Ready,
  deps: SignOnDeps,
): Promise<IssuedNameId | undefined> {
  const { config, metadata } = partner
  const { nameIdFormat: requested, mayCreate } = pending
  const kind = nameIdKindOf({ requested, configured: config.nameId.format, offered: metadata.role.nameIdFormats })
  if (kind === undefined) return undefined
  const entries = kind === 'transient' ? ((await deps.sessions.ofSession(session.sid))?.entries ?? []) : []
  const transient = entries.find(
    ({ entityId, nameId }) => entityId === config.entityId && nameId.format === NAME_ID.transient,
  )?.nameId.value
  return deps.nameIds.issue({ kind, user, entityId: config.entityId, from: config.nameId.from, mayCreate, transient })
}

function envelopeOf({ pending, consumer }: Asked, { entityId, keys, clock }: SignOnDeps) {
  return {
    issuer: entityId,
    destination: consumer.location,
    inResponseTo: pending.requestId,
    signer: keys.signing(),
    now: clock(),
  }
}

/** Tells the partner why nobody is signed in. */
function fail(visit: IdpVisit, asked: Asked, status: SamlStatus, deps: SignOnDeps): void {
  const { partner, consumer, pending } = asked
  const { requestId, clientIp } = visit
  const reason = status.subcode.slice(status.subcode.lastIndexOf(':') + 1)
  // A question that was to ask nothing, and got no answer, is routine.
  if (status.subcode !== STATUS.noPassive)
    deps.audit.record({
      event: 'SamlRefused',
      ...{ at: deps.clock(), requestId, clientIp, realm: deps.realm, partner: partner.config.id, reason },
    })
  const xml = writeFailure(envelopeOf(asked, deps), status)
  deliver(visit, { partner: partner.title, consumer, relayState: pending.relayState }, xml)
}

async function turnAway(
  visit: IdpVisit,
  { pending, partner }: Asked,
  { username, policies, entrance }: Extract<Needs, { kind: 'denied' }>,
  { access, seal, continueAt }: SignOnDeps,
): Promise<void> {
  await access.refused(entrance)
  const sealed = seal.close(pending)
  if (sealed === undefined) visit.page({ kind: 'refused', status: 403, reason: 'a policy does not let you in there' })
  else visit.page({ kind: 'turned-away', partner: partner.title, username, policies, action: continueAt(sealed) })
}

function deliver(
  visit: IdpVisit,
  {
    partner,
    consumer,
    relayState,
  }: { readonly partner: string; readonly consumer: Endpoint; readonly relayState: string | undefined },
  xml: string,
): void {
  const fields = [
    ['SAMLResponse', Buffer.from(xml, 'utf8').toString('base64')] as const,
    ...(relayState === undefined ? [] : [['RelayState', relayState] as const]),
  ]
  visit.page({ kind: 'post', partner, action: consumer.location, fields })
}

/** What somebody who was turned away has chosen: to leave with a refusal, or to sign in as somebody else. */
export async function decideAfterRefusal(visit: IdpVisit, asked: Asked, deps: SignOnDeps): Promise<void> {
  const sealed = visit.field('decision') === 'another' ? deps.seal.close({ ...asked.pending, trips: 0 }) : undefined
  if (sealed === undefined) {
    fail(visit, asked, RESPONDER(STATUS.requestDenied), deps)
    return
  }
  const returnTo = deps.continueAt(sealed)
  visit.redirect(await visit.gate.loginUrl({ force: false, another: true }, returnTo))
}
