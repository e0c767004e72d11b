import type { XmlElement } from '../../http/xml.ts'
import { childrenOf, is, nameOf, optionalChild, readDocument, requiredChild, walk } from './document.ts'
import { instantOf, type Moment } from './instant.ts'
import { xmlOfField } from './message-bytes.ts'
import { NAME_ID, NS } from './names.ts'
import type { PartnerKey } from './partner-keys.ts'
import { checkQuerySignature, readRedirectQuery } from './redirect-query.ts'
import { judged, refuse, type SamlRefusal } from './refusal.ts'
import { signedAmong } from './signature-shape.ts'
import { documentOf, verifiedElement } from './verify-signature.ts'

export type MessageName =
  | 'AuthnRequest'
  | 'Response'
  | 'LogoutRequest'
  | 'LogoutResponse'
  | 'ArtifactResolve'
  | 'ArtifactResponse'

/** A message as it came in, before anything has looked at it. */
export type Inbound =
  /** `field`: the form's SAMLRequest or SAMLResponse. */
  | { readonly binding: 'post'; readonly field: string; readonly relayState: string | undefined }
  /** `query`: of the address as it was received, without the question mark and decoded by nobody. */
  | { readonly binding: 'redirect'; readonly query: string }
  /** `body`: of the HTTP message, a SOAP 1.1 envelope. */
  | { readonly binding: 'soap'; readonly body: string }

/** A partner by its metadata. What a message brings of keys itself is never looked at. */
export interface GatePartner {
  readonly entityId: string
  /** Of use `signing` or of none; several while it rolls over. */
  readonly keys: readonly PartnerKey[]
}

export interface GateRules<P extends GatePartner = GatePartner> {
  /** What may come here; anything else is refused. */
  readonly expects: MessageName
  /** The partner with this entity id who may send it here; `undefined` for anybody else. Its signature is checked after that. */
  readonly partner: (issuer: string) => P | undefined
  /** The addresses that the message may be meant for, each exactly. */
  readonly destinations: readonly string[]
  /**
   * What has to be signed: the message; of a Response the message or its assertion (`any`), its assertion (`content`), or `both`;
   * nothing (`none`: a signature that is there has to be good all the same).
   */
  readonly signed: 'message' | 'any' | 'content' | 'both' | 'none'
  readonly moment: Moment
}

/** How old a message may be that says nothing of it, in milliseconds. Its id is remembered for as long. */
export const LONGEST_AGE_MS = 300_000

export interface GateMessage<P extends GatePartner = GatePartner> {
  readonly kind: 'message'
  readonly partner: P
  /** Its own element, read from the octets that are signed where it is. */
  readonly element: XmlElement
  /** Whether the message itself is signed: in it, or in the query. */
  readonly isSigned: boolean
  /** Elements with a signature of their own, by ID, read from the octets that it is over. */
  readonly signedContent: ReadonlyMap<string, XmlElement>
  readonly id: string
  readonly inResponseTo: string | undefined
  readonly relayState: string | undefined
  /** Until when its id has to be remembered for it to count once; milliseconds since the epoch. */
  readonly staleAt: number
}

/**
 * The one way in for SAML messages: who sent it, to whom and when, and what of it was signed. Pure: asks nobody, keeps nothing.
 * Whoever calls it has the id used up (`used-once.ts`) before acting on the message.
 */
export function openMessage<P extends GatePartner>(
  inbound: Inbound,
  rules: GateRules<P>,
): GateMessage<P> | SamlRefusal {
  return judged(() => open(inbound, rules))
}

function open<P extends GatePartner>(inbound: Inbound, rules: GateRules<P>): GateMessage<P> {
  const { expects, destinations, signed, moment } = rules
  const { xml, relayState, query } = received(inbound, expects)
  const document = readDocument(xml)
  const root = inbound.binding === 'soap' ? bodyOf(document) : document
  if (!is(root, NS.protocol, expects)) refuse('saml-shape', `not a ${expects}`)
  const contents = contentsOf(root)
  const signedElements = signedAmong(document, inbound.binding === 'redirect' ? [] : [root, ...contents])
  const partner = rules.partner(issuerOf(root)) ?? refuse('saml-issuer', 'nobody who may send this here')
  const parsed = signedElements.length > 1 ? documentOf(xml) : undefined
  const verify = (element: XmlElement): XmlElement =>
    verifiedElement({ xml, document: parsed, signed: element, keys: partner.keys, now: moment.now })
  if (query !== undefined) checkQuerySignature(query, partner.keys, moment.now)
  const isSigned = query !== undefined || signedElements.includes(root)
  const signedContent = new Map(
    signedElements.filter((each) => each !== root).map((each) => [idOf(each), verify(each)] as const),
  )
  if (isUnsigned({ signed, isSigned, contents, signedContent })) refuse('saml-unsigned', 'what has to be signed is not')
  const element = signedElements.includes(root) ? verify(root) : root
  if (issuerOf(element) !== partner.entityId) refuse('saml-issuer', 'what is signed names somebody else')
  if (element.attributes.get('Version') !== '2.0') refuse('saml-version', 'a version other than 2.0')
  checkDestination(element, destinations, inbound.binding === 'soap')
  return {
    kind: 'message',
    partner,
    element,
    isSigned,
    signedContent,
    id: idOf(element),
    inResponseTo: element.attributes.get('InResponseTo'),
    relayState,
    staleAt: checkAge(element, moment),
  }
}

function received(inbound: Inbound, expects: MessageName) {
  if (inbound.binding === 'post')
    return { xml: xmlOfField(inbound.field), relayState: inbound.relayState, query: undefined }
  if (inbound.binding === 'soap') return { xml: inbound.body, relayState: undefined, query: undefined }
  // A response with somebody's identity in it never travels in an address (SAML Profiles 2.0 §4.1.2).
  if (expects === 'Response') refuse('saml-encoding', 'a Response by the redirect binding')
  const field = expects.endsWith('Response') ? 'SAMLResponse' : 'SAMLRequest'
  const { xml, relayState, signature } = readRedirectQuery(inbound.query, field)
  return { xml, relayState, query: signature }
}

function bodyOf(envelope: XmlElement): XmlElement {
  if (!is(envelope, NS.soap, 'Envelope')) refuse('saml-shape', 'not a SOAP envelope')
  const [message, ...more] = requiredChild(envelope, NS.soap, 'Body').children
  return message !== undefined && more.length === 0 ? message : refuse('saml-shape', 'not one message in the envelope')
}

/**
 * What in a message may be signed on its own: the assertion of a Response, the message in an ArtifactResponse and its assertion.
 * Assertions anywhere else, or more than one, are refused: that is where wrapped ones are put.
 */
function contentsOf(root: XmlElement): readonly XmlElement[] {
  const inner = root.name === 'ArtifactResponse' ? childrenOf(root, NS.protocol, 'Response') : []
  if (inner.length > 1) refuse('saml-shape', 'more than one message')
  const response = root.name === 'Response' ? root : inner[0]
  const plain = response === undefined ? [] : childrenOf(response, NS.assertion, 'Assertion')
  const encrypted = response === undefined ? [] : childrenOf(response, NS.assertion, 'EncryptedAssertion')
  let assertions = 0
  walk(root, (each) => {
    if (each.name === 'Assertion' || each.name === 'EncryptedAssertion') assertions += 1
  })
  if (plain.length + encrypted.length !== assertions) refuse('saml-shape', 'an assertion where none may be')
  if (assertions > 1) refuse('saml-shape', 'more than one assertion')
  return [...inner, ...plain]
}

/** Assertions that are encrypted show their signatures later: `assertionOf` looks again. */
function isUnsigned({
  signed,
  isSigned,
  contents,
  signedContent,
}: {
  readonly signed: GateRules['signed']
  readonly isSigned: boolean
  readonly contents: readonly XmlElement[]
  readonly signedContent: ReadonlyMap<string, XmlElement>
}): boolean {
  if (signed === 'none') return false
  if (signed === 'message' || signed === 'both') return !isSigned
  return signed === 'any' && contents.length > 0 && !isSigned && signedContent.size === 0
}

/** Whose it is, by its own word. */
export function issuerOf(element: XmlElement): string {
  const issuer = optionalChild(element, NS.assertion, 'Issuer') ?? refuse('saml-issuer', 'no Issuer')
  const { Format: format = NAME_ID.entity, ...more } = Object.fromEntries(issuer.attributes)
  if (format !== NAME_ID.entity || Object.keys(more).length > 0) refuse('saml-issuer', 'an Issuer that is no entity id')
  return nameOf(issuer)
}

export function idOf(element: XmlElement): string {
  return element.attributes.get('ID') ?? refuse('saml-shape', `${element.name} without an ID`)
}

/** SAML Bindings 2.0 §3.5.5.2: what was meant for somebody else is not passed on to us. */
function checkDestination({ attributes }: XmlElement, destinations: readonly string[], isOptional: boolean): void {
  const destination = attributes.get('Destination')
  if (destination === undefined && isOptional) return
  if (destination === undefined || !destinations.includes(destination))
    refuse('saml-destination', 'it is meant for another address')
}

function checkAge({ attributes }: XmlElement, { now, skewMs }: Moment): number {
  const issued = instantOf(attributes.get('IssueInstant') ?? '', 'IssueInstant')
  if (issued > now + skewMs) refuse('saml-time', 'it was issued in the future')
  const staleAt = issued + LONGEST_AGE_MS + skewMs
  if (now >= staleAt) refuse('saml-time', 'it was issued too long ago')
  return staleAt
}
