import { deflateRawSync } from 'node:zlib'
import type { Clock } from '../../base/clock.ts'
import { element } from '../../http/xml-writer.ts'
import type { HandshakeService, RedemptionFault, RequestOrigin, Session, SessionToken } from '../../session/session.ts'
import type { Audience, Store } from '../../store/store.ts'
import type { AuditSink } from '../../telemetry/audit.ts'
import type { Asserted } from '../saml/assertion.ts'
import { BINDINGS, NAME_ID, NS } from '../saml/names.ts'
import { readPartnerKey } from '../saml/partner-keys.ts'
import type { RealmKeys } from '../saml/realm-keys.ts'
import type { SamlRefusal } from '../saml/refusal.ts'
import type { SpSessions } from '../saml-idp/sp-sessions.ts'
import { agentMetadata, type SamlAgent } from './agent-partner.ts'
import { isFirstAnswer } from './first-answer.ts'
import { judgeAnswer, type SamlWish } from './judge-answer.ts'

/** A site of this gateway that is a service provider of its realm. */
export interface AgentAtIdp extends SamlAgent {
  /** Of the tokens that its logins end with. */
  readonly audience: Audience
}

export interface LocalSamlDeps {
  /** The identity provider of the realm, in this process. */
  readonly idp: {
    readonly entityId: string
    /** Address of its sign-on service for the redirect binding. */
    readonly signOnUrl: string
    readonly keys: Pick<RealmKeys, 'all'>
    /** Of its realm alone. */
    readonly sessions: Pick<SpSessions, 'knownAs'>
  }
  /** The class of authentication contexts that stands for exactly this level; `undefined` where there is none. */
  readonly classOf: (level: number) => string | undefined
  /** A live session, of somebody whom the configuration knows. */
  readonly find: (sid: string) => Promise<Session | undefined>
  readonly handshakes: Pick<HandshakeService, 'tokenFor'>
  readonly store: { readonly oneTime: Pick<Store['oneTime'], 'put'> }
  readonly audit: AuditSink
  readonly clock: Clock
}

interface Answer {
  readonly response: string
  readonly requestId: string
  readonly start: string
}

type Redemption =
  | { readonly kind: 'issued'; readonly token: SessionToken; readonly session: Session }
  | { readonly kind: 'refused'; readonly reason: RedemptionFault }
  | { readonly kind: 'denied' }

/** A site's login by the SAML identity provider of this process: the answer leads to the very session, and the token is a child of it. */
export function createLocalSaml(agent: AgentAtIdp, deps: LocalSamlDeps) {
  const { idp, classOf, find, handshakes, store, audit, clock } = deps

  const refused = (reason: string, { requestId, clientIp }: RequestOrigin): void =>
    audit.record({ event: 'HandshakeRefused', at: clock(), requestId, clientIp, agent: agent.agent, reason })
  const refuse = (reason: RedemptionFault, origin: RequestOrigin): Redemption => {
    refused(reason, origin)
    return { kind: 'refused', reason }
  }

  /** Which session of ours the provider means: it has a name for it that is good at this agent alone. */
  const sessionOf = async ({ nameId, sessionIndex }: Asserted): Promise<Session | undefined> => {
    const known = await idp.sessions.knownAs(agent.entityId, nameId.value)
    const sid = known.find((each) => each.sessionIndex === sessionIndex)?.sid
    return sid === undefined ? undefined : find(sid)
  }

  return {
    metadata: agentMetadata(agent),

    signOn({ id, relayState, level, isForced }: SamlWish): string | undefined {
      const name = level === undefined ? undefined : classOf(level)
      if (level !== undefined && name === undefined) return undefined
      const xml = writeRequest(agent, { id, name, isForced, to: idp.signOnUrl, at: clock() })
      // SAML Bindings 2.0 §3.4.4.1
      const message = deflateRawSync(Buffer.from(xml, 'utf8')).toString('base64')
      return `${idp.signOnUrl}?${new URLSearchParams({ SAMLRequest: message, RelayState: relayState }).toString()}`
    },

    async redeem(answer: Answer, origin: RequestOrigin): Promise<Redemption> {
      const asserted = judge(answer, agent, deps)
      if (asserted.kind === 'refused') {
        refused(`${asserted.reason}: ${asserted.detail}`, origin)
        return asserted.reason === 'saml-status' ? { kind: 'denied' } : { kind: 'refused', reason: 'unknown-code' }
      }
      // Each answer is one to one start, so neither counts again (SAML Profiles 2.0 §4.1.4.5).
      if (!(await isFirstAnswer(store, answer.start))) return refuse('other-start', origin)
      const session = await sessionOf(asserted)
      if (session === undefined) return refuse('session-ended', origin)
      const token = await handshakes.tokenFor(session, agent, origin)
      return token === undefined ? { kind: 'refused', reason: 'session-ended' } : { kind: 'issued', token, session }
    },
  }
}

/** Another process of ours may have answered, on another machine. */
const SKEW_MS = 60_000

function judge(
  { response, requestId }: Answer,
  { entityId, consumer }: AgentAtIdp,
  { idp, clock }: LocalSamlDeps,
): Asserted | SamlRefusal {
  const keys = idp.keys.all('saml-signing').map(({ certificate }) => readPartnerKey(certificate))
  const partner = { entityId: idp.entityId, keys: keys.filter((key) => typeof key !== 'string') }
  const moment = { now: clock(), skewMs: SKEW_MS }
  return judgeAnswer(response, {
    partner,
    entityId,
    consumer,
    requestId,
    signed: 'response',
    moment,
    decryptionKeys: [],
  })
}

interface RequestParts {
  readonly id: string
  readonly name: string | undefined
  readonly isForced: boolean
  readonly to: string
  readonly at: number
}

/** SAML Core 2.0 §3.4.1. */
function writeRequest({ entityId, consumer }: SamlAgent, { id, name, isForced, to, at }: RequestParts): string {
  return element(
    'samlp:AuthnRequest',
    {
      'xmlns:samlp': NS.protocol,
      'xmlns:saml': NS.assertion,
      ...{ ID: id, Version: '2.0', IssueInstant: new Date(at).toISOString(), Destination: to },
      ...{ ForceAuthn: isForced ? true : undefined },
      ...{ ProtocolBinding: BINDINGS.post, AssertionConsumerServiceURL: consumer },
    },
    element('saml:Issuer', {}, entityId),
    element('samlp:NameIDPolicy', { Format: NAME_ID.transient, AllowCreate: true }),
    name === undefined
      ? undefined
      : element('samlp:RequestedAuthnContext', { Comparison: 'exact' }, element('saml:AuthnContextClassRef', {}, name)),
  ).xml
}
