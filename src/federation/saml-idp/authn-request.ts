import type { XmlElement } from '../../http/xml.ts'
import { childrenOf, nameOf, optionalChild } from '../saml/document.ts'
import { NS } from '../saml/names.ts'
import { judged, refuse, type SamlRefusal } from '../saml/refusal.ts'

export const COMPARISONS = ['exact', 'minimum', 'maximum', 'better'] as const
export type Comparison = (typeof COMPARISONS)[number]

/** What a request wants (SAML Core 2.0 §3.4.1). Scoping is advice to proxies, which we are none of: it is not looked at. */
export interface AuthnRequest {
  readonly id: string
  readonly consumerUrl: string | undefined
  readonly consumerIndex: number | undefined
  /** How the answer is to come; `undefined` leaves it to the metadata. */
  readonly binding: string | undefined
  readonly forceAuthn: boolean
  readonly isPassive: boolean
  readonly nameIdFormat: string | undefined
  readonly spNameQualifier: string | undefined
  /** Only where it says so itself: most partners that mean yes leave it out. */
  readonly mayCreate: boolean
  readonly contexts: { readonly comparison: Comparison; readonly classes: readonly string[] } | undefined
  /** Who has to have signed in. */
  readonly subject: { readonly value: string; readonly format: string | undefined } | undefined
}

/** Of an element that the gate has let through. */
export function readAuthnRequest(element: XmlElement, id: string): AuthnRequest | SamlRefusal {
  return judged(() => {
    const { attributes } = element
    const consumerUrl = attributes.get('AssertionConsumerServiceURL')
    const index = attributes.get('AssertionConsumerServiceIndex')
    const binding = attributes.get('ProtocolBinding')
    if (index !== undefined && (consumerUrl !== undefined || binding !== undefined))
      refuse('saml-shape', 'an AssertionConsumerServiceIndex beside a URL or a binding')
    if (index !== undefined && !/^\d{1,5}$/.test(index))
      refuse('saml-shape', 'an AssertionConsumerServiceIndex that is no number')
    const policy = optionalChild(element, NS.protocol, 'NameIDPolicy')?.attributes
    return {
      id,
      consumerUrl,
      consumerIndex: index === undefined ? undefined : Number(index),
      binding,
      forceAuthn: flag(attributes.get('ForceAuthn'), false),
      isPassive: flag(attributes.get('IsPassive'), false),
      nameIdFormat: policy?.get('Format'),
      spNameQualifier: policy?.get('SPNameQualifier'),
      mayCreate: flag(policy?.get('AllowCreate'), true),
      contexts: contextsOf(element),
      subject: subjectOf(element),
    }
  })
}

function flag(text: string | undefined, absent: boolean): boolean {
  if (text === undefined) return absent
  if (text === 'true' || text === '1') return true
  return text === 'false' || text === '0' ? false : refuse('saml-shape', 'a switch that is neither true nor false')
}

function contextsOf(element: XmlElement): AuthnRequest['contexts'] {
  const requested = optionalChild(element, NS.protocol, 'RequestedAuthnContext')
  if (requested === undefined) return undefined
  const named = requested.attributes.get('Comparison') ?? 'exact'
  const comparison = COMPARISONS.find((each) => each === named)
  if (comparison === undefined) refuse('saml-shape', 'a Comparison that does not exist')
  // Declarations (AuthnContextDeclRef) are nobody's here: a request for them alone names no class that could be met.
  return { comparison, classes: childrenOf(requested, NS.assertion, 'AuthnContextClassRef').slice(0, 20).map(nameOf) }
}

function subjectOf(element: XmlElement): AuthnRequest['subject'] {
  const subject = optionalChild(element, NS.assertion, 'Subject')
  if (subject === undefined) return undefined
  if (childrenOf(subject, NS.assertion, 'SubjectConfirmation').length > 0)
    refuse('saml-subject', 'a request that says how its subject is to be confirmed')
  const name = optionalChild(subject, NS.assertion, 'NameID') ?? refuse('saml-subject', 'a Subject without a NameID')
  return { value: nameOf(name), format: name.attributes.get('Format') }
}
