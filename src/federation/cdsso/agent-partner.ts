import type { AgentId } from '../../base/brand.ts'
import { element } from '../../http/xml-writer.ts'
import { BINDINGS, NAME_ID, NS } from '../saml/names.ts'
import type { ServiceProviderConfig } from '../saml-idp/service-providers.schema.ts'

/** A site as a service provider of its realm, by its profile alone. */
export interface SamlAgent {
  readonly agent: AgentId
  readonly title: string
  /** The address of its metadata. */
  readonly entityId: string
  /** The one address that answers go to. */
  readonly consumer: string
}

/** How long an answer may be on its way: a browser that posts it at once. */
const ASSERTION_MS = 60_000

/**
 * What the identity provider of the realm is told of it. Requests of an agent are not signed: whoever makes one up has the answer sent to the
 * agent, which takes none that its own browser did not ask for. Answers name nobody: a name for one session, and no attributes.
 */
export function agentPartner(agent: SamlAgent): ServiceProviderConfig {
  return {
    ...{ id: agent.agent, name: agent.title, entityId: agent.entityId, metadata: agentMetadata(agent) },
    ...{ signedRequests: false, sign: 'response', encrypt: false, assertionTTL: ASSERTION_MS },
    ...{ nameId: { format: 'transient', from: 'userId' }, attributes: [] },
    ...{ idpInitiated: false, relayStates: [], disabled: false },
  }
}

/** The same for whoever asks the site (SAML Metadata 2.0 §2.4.4). */
export function agentMetadata({ entityId, consumer }: SamlAgent): string {
  return element(
    'md:EntityDescriptor',
    { 'xmlns:md': NS.metadata, entityID: entityId },
    element(
      'md:SPSSODescriptor',
      { AuthnRequestsSigned: false, WantAssertionsSigned: false, protocolSupportEnumeration: NS.protocol },
      element('md:NameIDFormat', {}, NAME_ID.transient),
      element('md:AssertionConsumerService', {
        Binding: BINDINGS.post,
        Location: consumer,
        index: 0,
        isDefault: true,
      }),
    ),
  ).xml
}
