import type { KeyObject } from 'node:crypto'
import type { XmlElement } from '../../http/xml.ts'
import { decrypted } from './decrypt.ts'
import { childrenOf, is, nameOf, optionalChild, readDocument, requiredChild, textOf } from './document.ts'
import { idOf, issuerOf, type GateMessage, type GateRules } from './gate.ts'
import { checkWindow, instantOf, type Moment } from './instant.ts'
import { BEARER, NS, STATUS } from './names.ts'
import { judged, refuse, type SamlRefusal } from './refusal.ts'
import { signedAmong } from './signature-shape.ts'
import { verifiedElement } from './verify-signature.ts'

export interface AssertionRules extends Pick<GateRules, 'signed' | 'moment'> {
  /** Our entity id: the audience. */
  readonly audience: string
  /** The address that it was received at. */
  readonly recipient: string
  /** The id of the request that it has to answer; `undefined` where it has to answer none (SAML Profiles 2.0 §4.1.5). */
  readonly inResponseTo: string | undefined
  /** Ours, by which assertions and names are encrypted for us. */
  readonly decryptionKeys: readonly KeyObject[]
}

export interface NameId {
  readonly value: string
  /** `undefined` where the partner does not say. */
  readonly format: string | undefined
  readonly nameQualifier: string | undefined
  readonly spNameQualifier: string | undefined
}

/** Who somebody is, by an assertion that was signed by the partner who was asked, for us, now. */
export interface Asserted {
  readonly kind: 'asserted'
  readonly assertionId: string
  readonly nameId: NameId
  /** By Name: values that are plain text. */
  readonly attributes: ReadonlyMap<string, readonly string[]>
  /** Milliseconds since the epoch. */
  readonly authnInstant: number
  readonly authnContextClassRef: string | undefined
  /** What the partner calls its session. */
  readonly sessionIndex: string | undefined
  /** When the partner wants the session to end; milliseconds since the epoch. */
  readonly sessionNotOnOrAfter: number | undefined
  /** Until when its id has to be remembered for it to count once; milliseconds since the epoch. */
  readonly staleAt: number
}

/** Judges the Response that `openMessage` has let through. Its ids have to be used up (`used-once.ts`) before anybody is signed in. */
export function acceptAssertion(message: GateMessage, rules: AssertionRules): Asserted | SamlRefusal {
  return judged(() => {
    checkStatus(message.element)
    if (message.inResponseTo !== rules.inResponseTo) refuse('saml-in-response-to', 'the answer to another request')
    return assertedBy(assertionOf(message, rules), message, rules)
  })
}

/** The codes of a status, the outermost first (SAML Core 2.0 §3.2.2.2). */
export function statusOf(message: XmlElement): readonly string[] {
  const codes: string[] = []
  let place = optionalChild(requiredChild(message, NS.protocol, 'Status'), NS.protocol, 'StatusCode')
  while (place !== undefined) {
    codes.push(place.attributes.get('Value') ?? '')
    place = optionalChild(place, NS.protocol, 'StatusCode')
  }
  return codes
}

function checkStatus(message: XmlElement): void {
  const codes = statusOf(message)
  if (codes.length === 1 && codes[0] === STATUS.success) return
  refuse('saml-status', codes.map((code) => (/^[\w:.-]{1,128}$/.test(code) ? code : '?')).join(' '))
}

/** The one assertion, from signed octets alone: its own signature's, or those of the message around it. */
function assertionOf(message: GateMessage, { signed, moment, decryptionKeys }: AssertionRules): XmlElement {
  const { element, isSigned, signedContent, partner } = message
  const [encrypted] = childrenOf(element, NS.assertion, 'EncryptedAssertion')
  if (encrypted === undefined) {
    const plain = requiredChild(element, NS.assertion, 'Assertion')
    const own = signedContent.get(idOf(plain))
    return checked(own ?? plain, { signed, isSigned, isOwn: own !== undefined })
  }
  const xml = decrypted(encrypted, { keys: decryptionKeys, isSigned })
  const inner = readDocument(xml)
  if (!is(inner, NS.assertion, 'Assertion')) refuse('saml-shape', 'what was encrypted is no assertion')
  const isOwn = signedAmong(inner, [inner]).length > 0
  const assertion = isOwn ? verifiedElement({ xml, signed: inner, keys: partner.keys, now: moment.now }) : inner
  return checked(assertion, { signed, isSigned, isOwn })
}

function checked(
  assertion: XmlElement,
  { signed, isSigned, isOwn }: Pick<AssertionRules, 'signed'> & { readonly isSigned: boolean; readonly isOwn: boolean },
): XmlElement {
  const isEnough = { message: isSigned, any: isSigned || isOwn, content: isOwn, both: isSigned && isOwn, none: false }
  return isEnough[signed] ? assertion : refuse('saml-unsigned', 'what has to be signed is not')
}

function assertedBy(assertion: XmlElement, { partner }: GateMessage, rules: AssertionRules): Asserted {
  const { moment } = rules
  if (assertion.attributes.get('Version') !== '2.0') refuse('saml-version', 'an assertion of another version')
  if (issuerOf(assertion) !== partner.entityId) refuse('saml-issuer', 'an assertion of somebody else')
  instantOf(assertion.attributes.get('IssueInstant') ?? '', 'IssueInstant of the assertion')
  const subject = requiredChild(assertion, NS.assertion, 'Subject')
  const endsAt = checkConfirmation(subject, rules)
  checkConditions(assertion, rules)
  const statement = requiredStatement(assertion)
  return {
    kind: 'asserted',
    assertionId: idOf(assertion),
    nameId: nameIdOf(subject, rules.decryptionKeys),
    attributes: attributesOf(assertion),
    ...authnOf(statement, moment),
    staleAt: endsAt + moment.skewMs,
  }
}

/** The one NameID of a Subject, or of a LogoutRequest. One that is encrypted stands in signed octets. */
export function nameIdOf(subject: XmlElement, decryptionKeys: readonly KeyObject[]): NameId {
  const encrypted = optionalChild(subject, NS.assertion, 'EncryptedID')
  const plain = optionalChild(subject, NS.assertion, 'NameID')
  if ((encrypted === undefined) === (plain === undefined)) refuse('saml-subject', 'not exactly one name')
  const element =
    plain ?? readDocument(encrypted === undefined ? '' : decrypted(encrypted, { keys: decryptionKeys, isSigned: true }))
  if (!is(element, NS.assertion, 'NameID')) refuse('saml-subject', 'what was encrypted is no name')
  const { attributes } = element
  return {
    value: nameOf(element),
    format: attributes.get('Format'),
    nameQualifier: attributes.get('NameQualifier'),
    spNameQualifier: attributes.get('SPNameQualifier'),
  }
}

/** SAML Profiles 2.0 §4.1.4.2 and §4.1.4.3. Of several confirmations others might choose another than we do: there is one. */
function checkConfirmation(subject: XmlElement, { moment, recipient, inResponseTo }: AssertionRules): number {
  const confirmation = requiredChild(subject, NS.assertion, 'SubjectConfirmation')
  if (confirmation.attributes.get('Method') !== BEARER) refuse('saml-subject', 'a confirmation other than bearer')
  const data = requiredChild(confirmation, NS.assertion, 'SubjectConfirmationData')
  if (data.children.length > 0) refuse('saml-subject', 'a confirmation with something in it')
  if (data.attributes.get('Recipient') !== recipient) refuse('saml-destination', 'an assertion for another address')
  if (data.attributes.get('InResponseTo') !== inResponseTo)
    refuse('saml-in-response-to', 'an assertion for another request')
  if (data.attributes.has('NotBefore')) refuse('saml-time', 'a confirmation with NotBefore')
  const { endsAt } = checkWindow(data.attributes, moment, 'the confirmation')
  return endsAt ?? refuse('saml-time', 'a confirmation without an end')
}

/** SAML Core 2.0 §2.5.1: a condition that is not understood makes the assertion one that nobody may rely on. */
function checkConditions(assertion: XmlElement, { moment, audience }: AssertionRules): void {
  const conditions = requiredChild(assertion, NS.assertion, 'Conditions')
  checkWindow(conditions.attributes, moment, 'the assertion')
  // OneTimeUse is what every assertion is here. ProxyRestriction would bind whoever relies on us, whom we cannot bind.
  const known = ['AudienceRestriction', 'OneTimeUse']
  if (conditions.children.some(({ name, namespace }) => namespace !== NS.assertion || !known.includes(name)))
    refuse('saml-conditions', 'a condition that is not understood')
  const restrictions = childrenOf(conditions, NS.assertion, 'AudienceRestriction')
  if (restrictions.length === 0) refuse('saml-audience', 'an assertion for anybody')
  for (const restriction of restrictions) {
    const audiences = childrenOf(restriction, NS.assertion, 'Audience').map(textOf)
    if (!audiences.includes(audience)) refuse('saml-audience', 'an assertion for somebody else')
  }
}

function requiredStatement(assertion: XmlElement): XmlElement {
  const [statement, ...more] = childrenOf(assertion, NS.assertion, 'AuthnStatement')
  if (statement === undefined || more.length > 0) refuse('saml-authn', 'not exactly one AuthnStatement')
  return statement
}

function authnOf(statement: XmlElement, { now, skewMs }: Moment) {
  const { attributes } = statement
  const authnInstant = instantOf(attributes.get('AuthnInstant') ?? '', 'AuthnInstant')
  if (authnInstant > now + skewMs) refuse('saml-authn', 'the person signed in in the future')
  const end = attributes.get('SessionNotOnOrAfter')
  const sessionNotOnOrAfter = end === undefined ? undefined : instantOf(end, 'SessionNotOnOrAfter')
  if (sessionNotOnOrAfter !== undefined && now >= sessionNotOnOrAfter) refuse('saml-time', 'a session that is over')
  const context = requiredChild(statement, NS.assertion, 'AuthnContext')
  const reference = optionalChild(context, NS.assertion, 'AuthnContextClassRef')
  return {
    authnInstant,
    sessionNotOnOrAfter,
    sessionIndex: attributes.get('SessionIndex'),
    authnContextClassRef: reference === undefined ? undefined : nameOf(reference),
  }
}

/** Values with elements in them are nobody's attribute here. What is encrypted would be read by some and not by others. */
function attributesOf(assertion: XmlElement): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>()
  for (const statement of childrenOf(assertion, NS.assertion, 'AttributeStatement')) {
    if (childrenOf(statement, NS.assertion, 'EncryptedAttribute').length > 0)
      refuse('saml-encryption', 'an attribute that is encrypted on its own')
    for (const attribute of childrenOf(statement, NS.assertion, 'Attribute')) {
      const name = attribute.attributes.get('Name') ?? refuse('saml-shape', 'an attribute without a name')
      const values = childrenOf(attribute, NS.assertion, 'AttributeValue').filter(
        ({ children }) => children.length === 0,
      )
      found.set(name, [...(found.get(name) ?? []), ...values.map(({ text }) => text)])
    }
  }
  return found
}
