import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { Sealer } from '../../crypto/seal.ts'
import type { UserDirectory } from '../../identity/directory.ts'
import type { Store } from '../../store/store.ts'
import type { AuditSink } from '../../telemetry/audit.ts'
import type { Log } from '../../telemetry/log.ts'
import type { PartnerAccess } from '../partner-access.ts'
import { entityIdOf, samlPath } from '../saml/addresses.ts'
import { issuerOf, openMessage, type GatePartner, type Inbound } from '../saml/gate.ts'
import { readDocument } from '../saml/document.ts'
import { readServiceProvider } from '../saml/metadata.ts'
import { xmlOfField } from '../saml/message-bytes.ts'
import { judged, type SamlRefusal } from '../saml/refusal.ts'
import { readRedirectQuery } from '../saml/redirect-query.ts'
import { openPartnerMetadata } from '../saml/partner-metadata.ts'
import type { RealmKeys } from '../saml/realm-keys.ts'
import { createUsedOnce } from '../saml/used-once.ts'
import { readAuthnRequest, type AuthnRequest } from './authn-request.ts'
import { createAuthnContexts } from './authn-contexts.ts'
import { createNameIds } from './name-ids.ts'
import { consumerOf, createPartners, type KnownPartner, type Partners } from './partners.ts'
import { consumerName, createPendingSeal, type Pending } from './pending.ts'
import type { SamlConfig } from './service-providers.schema.ts'
import { createSignOn, decideAfterRefusal, type Asked, type SignOnDeps } from './sign-on.ts'
import { createSpSessions, type SpSessions } from './sp-sessions.ts'
import type { IdpVisit } from './visit.ts'

/** A realm as its identity provider sees it. */
export interface IdpRealm {
  readonly name: RealmName
  readonly saml: SamlConfig
  readonly acr: readonly { readonly name: string; readonly level: number }[]
  readonly directory: Pick<UserDirectory, 'find'>
  readonly access: PartnerAccess
  /** The level that a login can come to. */
  readonly highestLevel: number
}

export interface IdpDeps {
  readonly store: Pick<Store, 'versioned' | 'documents' | 'oneTime'>
  readonly sealer: Sealer
  /** Origin of the login host. */
  readonly origin: string
  readonly audit: AuditSink
  readonly log: Log
  readonly clock: Clock
}

/** The SAML identity provider of one realm. */
export interface RealmIdp {
  readonly entityId: string
  readonly sessions: SpSessions
  readonly partners: Partners
  /** A request of a partner's, by the redirect binding or in a form (SAML Profiles 2.0 §4.1.4.1). */
  request(visit: IdpVisit): Promise<void>
  /** Where it goes on when its person has signed in, or says what to do about a refusal. */
  goOn(visit: IdpVisit): Promise<void>
  /** A login that a link here begins (SAML Profiles 2.0 §4.1.5). */
  begin(visit: IdpVisit, entityId: string | undefined): Promise<void>
  /** The partner that a page of the login's leads back to, by the sealed request: whoever makes up a link names no other. */
  partnerOf(sealed: string): { readonly title: string; readonly targets: readonly string[] } | undefined
  close(): void
}

/** Partners put whole addresses into it, which are longer than the standard's 80 bytes (SAML Bindings 2.0 §3.4.3). */
const LONGEST_RELAY_STATE = 960
/** How far a partner's clock may be off, in milliseconds. */
const SKEW_MS = 60_000

export function createRealmIdp(realm: IdpRealm, keys: RealmKeys, deps: IdpDeps): RealmIdp {
  const { name, saml } = realm
  const { clock, store, origin, audit } = deps
  const base = `${origin}${samlPath(name)}`
  const entityId = entityIdOf(origin, name, saml.entityId)
  const partners = createPartners(saml.serviceProviders, (config) =>
    openPartnerMetadata(config, readServiceProvider, deps),
  )
  const seal = createPendingSeal(name, deps.sealer, clock)
  const sessions = createSpSessions({ realm: name, store, clock })
  const signOnDeps: SignOnDeps = {
    ...{ realm: name, entityId, seal, sessions, keys, audit, clock },
    ...{ directory: realm.directory, access: realm.access },
    continueAt: (sealed) => `${base}/continue?on=${sealed}`,
    contexts: createAuthnContexts(realm.acr, realm.highestLevel),
    nameIds: createNameIds(name, store.documents),
    used: createUsedOnce(store.oneTime, clock),
  }
  const signOn = createSignOn(signOnDeps)

  const refuse = (
    visit: IdpVisit,
    partner: string | undefined,
    { reason, detail }: Pick<SamlRefusal, 'reason' | 'detail'>,
  ): void => {
    const { requestId, clientIp } = visit
    audit.record({
      event: 'SamlRefused',
      at: clock(),
      requestId,
      clientIp,
      realm: name,
      partner,
      reason: `${reason}: ${detail}`,
    })
    visit.page({ kind: 'refused', status: 400, reason })
  }
  /** Browsers that come from the partner by a form do not send our cookie: the next request, for an address, does (SameSite=Lax). */
  const goOn = (visit: IdpVisit, pending: Pending): void => {
    const sealed = seal.close(pending)
    if (sealed === undefined) refuse(visit, pending.partner, { reason: 'saml-shape', detail: 'too much to keep' })
    else visit.redirect(signOnDeps.continueAt(sealed))
  }

  return {
    entityId,
    sessions,
    partners,

    async request(visit) {
      const inbound = inboundOf(visit)
      const issuer = issuerIn(inbound)
      const partner = issuer === undefined ? undefined : await partners.byEntityId(issuer)
      const waiting = partner === undefined && issuer !== undefined ? partners.idOf(issuer) : undefined
      if (waiting !== undefined) {
        refuse(visit, waiting, { reason: 'saml-issuer', detail: 'its metadata is over, or could not be read yet' })
        return
      }
      const opened = opening(inbound, { partner, destinations: destinationsOf(origin, name), now: clock() })
      if (opened.kind === 'refused' || partner === undefined) {
        const why = opened.kind === 'refused' ? opened : { reason: 'saml-issuer' as const, detail: 'nobody' }
        refuse(visit, partner?.config.id, why)
        return
      }
      const { request, relayState } = opened
      const consumer = consumerOf(partner.metadata, request)
      if (consumer === undefined) {
        refuse(visit, partner.config.id, {
          reason: 'saml-destination',
          detail: 'an answer to an address, or by a binding, that its metadata does not have',
        })
        return
      }
      if (request.spNameQualifier !== undefined && request.spNameQualifier !== partner.config.entityId) {
        refuse(visit, partner.config.id, {
          reason: 'saml-subject',
          detail: 'a name of another partner (SPNameQualifier)',
        })
        return
      }
      if (Buffer.byteLength(relayState ?? '') > LONGEST_RELAY_STATE) {
        refuse(visit, partner.config.id, {
          reason: 'saml-encoding',
          detail: `a RelayState of more than ${LONGEST_RELAY_STATE} bytes`,
        })
        return
      }
      const { forceAuthn, isPassive, nameIdFormat, mayCreate, contexts, subject } = request
      goOn(visit, {
        ...{ partner: partner.config.id, requestId: request.id, consumer: consumerName(consumer.location), relayState },
        ...{ forceAuthn, isPassive, nameIdFormat, mayCreate, contexts, subject, at: clock(), trips: 0 },
      })
    },

    async goOn(visit) {
      const pending = seal.open(visit.query('on') ?? '')
      const partner = pending && (await partners.byId(pending.partner))
      const consumer = partner?.metadata.role.consumers.find(
        ({ location }) => consumerName(location) === pending?.consumer,
      )
      if (pending === undefined || partner === undefined || consumer === undefined) {
        refuse(visit, pending?.partner, {
          reason: 'saml-in-response-to',
          detail: 'a request that is over, or of a partner that is gone',
        })
        return
      }
      const asked: Asked = { pending, partner, consumer }
      if (visit.method !== 'POST') await signOn(visit, asked)
      else if (visit.sameOrigin()) await decideAfterRefusal(visit, asked, signOnDeps)
      else visit.page({ kind: 'refused', status: 403, reason: 'the answer came from another site' })
    },

    async begin(visit, wanted) {
      const partner = wanted === undefined ? undefined : await partners.byEntityId(wanted)
      const consumer = partner && consumerOf(partner.metadata, undefined)
      const relayState = visit.query('RelayState')
      if (partner === undefined || consumer === undefined || !partner.config.idpInitiated) {
        refuse(visit, partner?.config.id, {
          reason: 'saml-issuer',
          detail: 'no partner that a link may sign people in at',
        })
        return
      }
      if (relayState !== undefined && !partner.config.relayStates.includes(relayState)) {
        refuse(visit, partner.config.id, {
          reason: 'saml-shape',
          detail: 'a RelayState that the configuration does not have',
        })
        return
      }
      goOn(visit, {
        ...{ partner: partner.config.id, requestId: undefined, consumer: consumerName(consumer.location), relayState },
        ...{ forceAuthn: false, isPassive: false, nameIdFormat: undefined, mayCreate: true },
        ...{ contexts: undefined, subject: undefined, at: clock(), trips: 0 },
      })
    },

    partnerOf(sealed) {
      const pending = seal.open(sealed)
      const title = pending && partners.titleOf(pending.partner)
      return title === undefined ? undefined : { title, targets: [] }
    },
    close: () => partners.close(),
  }
}

/** Ours, and those that OpenAM has for it; a message is meant for one of them, letter for letter. */
function destinationsOf(origin: string, realm: RealmName): readonly string[] {
  const alias = realm === '/' ? '/idp' : `${realm}/idp`
  const prefixes = ['', '/am', '/openam']
  return [
    `${origin}${samlPath(realm)}/sso`,
    ...prefixes.flatMap((prefix) =>
      ['SSORedirect', 'SSOPOST'].map((name) => `${origin}${prefix}/${name}/metaAlias${alias}`),
    ),
  ]
}

function inboundOf(visit: IdpVisit): Inbound {
  if (visit.method !== 'POST') return { binding: 'redirect', query: visit.search }
  return { binding: 'post', field: visit.field('SAMLRequest') ?? '', relayState: visit.field('RelayState') }
}

/** Who a message says it is of, so that their metadata is there when it is checked. Nothing else is believed of it yet. */
function issuerIn(inbound: Inbound): string | undefined {
  const issuer = judged(() => {
    const xml =
      inbound.binding === 'redirect'
        ? readRedirectQuery(inbound.query, 'SAMLRequest').xml
        : xmlOfField(inbound.binding === 'post' ? inbound.field : '')
    return { kind: 'named' as const, name: issuerOf(readDocument(xml)) }
  })
  return issuer.kind === 'named' ? issuer.name : undefined
}

interface Opening {
  readonly partner: KnownPartner | undefined
  readonly destinations: readonly string[]
  readonly now: number
}

type Opened =
  | SamlRefusal
  | { readonly kind: 'opened'; readonly request: AuthnRequest; readonly relayState: string | undefined }

function opening(inbound: Inbound, { partner, destinations, now }: Opening): Opened {
  const sender: GatePartner | undefined = partner && {
    entityId: partner.config.entityId,
    keys: partner.metadata.role.signing,
  }
  const isSigned = partner === undefined || (partner.config.signedRequests ?? partner.metadata.role.requestsSigned)
  const message = openMessage(inbound, {
    expects: 'AuthnRequest',
    partner: (issuer) => (issuer === sender?.entityId ? sender : undefined),
    destinations,
    signed: isSigned ? 'message' : 'none',
    moment: { now, skewMs: SKEW_MS },
  })
  if (message.kind === 'refused') return message
  const request = readAuthnRequest(message.element, message.id)
  return 'kind' in request ? request : { kind: 'opened', request, relayState: message.relayState }
}
