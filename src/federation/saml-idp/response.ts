import { randomUUID } from 'node:crypto'
import { element, type XmlText } from '../../http/xml-writer.ts'
import type { EncryptionKey } from '../saml/metadata-keys.ts'
import { BEARER, NS, STATUS } from '../saml/names.ts'
import type { SamlKey } from '../saml/realm-keys.ts'
import { signElement } from '../saml/sign.ts'
import type { IssuedAttribute } from './attributes.ts'
import { encryptAs } from './encryption.ts'
import type { IssuedNameId } from './name-ids.ts'

/** Where an answer goes, and from whom. */
export interface Envelope {
  /** Our entity id. */
  readonly issuer: string
  /** The partner's address. */
  readonly destination: string
  /** Id of the request; `undefined` where there was none. */
  readonly inResponseTo: string | undefined
  readonly signer: SamlKey
  readonly now: number
}

/** What is said of somebody. */
export interface Statement {
  readonly audience: string
  readonly nameId: IssuedNameId
  readonly attributes: readonly IssuedAttribute[]
  readonly authnContext: string
  /** Milliseconds since the epoch, as are the others. */
  readonly authnInstant: number
  readonly sessionIndex: string
  readonly sessionEndsAt: number
  readonly ttlMs: number
  readonly sign: 'assertion' | 'response' | 'both'
  readonly encryptFor: EncryptionKey | undefined
}

export interface SamlStatus {
  /** `requester` where the request cannot be met, `responder` where we cannot. */
  readonly code: 'requester' | 'responder'
  readonly subcode: string
}

/** Our clock may be ahead of the partner's. */
const BACKDATED_MS = 60_000

/** A response that signs somebody in (SAML Profiles 2.0 §4.1.4.2). */
export function writeAssertion(
  envelope: Envelope,
  statement: Statement,
): { readonly xml: string; readonly assertionId: string } {
  const { signer } = envelope
  const { sign, encryptFor } = statement
  const assertionId = `_${randomUUID()}`
  const plain = assertion(envelope, statement, assertionId).xml
  const signed = sign === 'response' ? plain : signElement(plain, assertionId, signer)
  const content = encryptFor === undefined ? { xml: signed } : encryptAs('EncryptedAssertion', signed, encryptFor)
  return { xml: response(envelope, statusOf(STATUS.success), { content, isSigned: sign !== 'assertion' }), assertionId }
}

/** One that says why nobody is signed in (SAML Core 2.0 §3.2.2.2). */
export function writeFailure(envelope: Envelope, { code, subcode }: SamlStatus): string {
  return response(envelope, statusOf(STATUS[code], subcode), { content: undefined, isSigned: true })
}

function response(
  { issuer, destination, inResponseTo, now, signer }: Envelope,
  status: XmlText,
  { content, isSigned }: { readonly content: XmlText | undefined; readonly isSigned: boolean },
): string {
  const id = `_${randomUUID()}`
  const { xml } = element(
    'samlp:Response',
    {
      'xmlns:samlp': NS.protocol,
      'xmlns:saml': NS.assertion,
      ID: id,
      Version: '2.0',
      IssueInstant: instant(now),
      Destination: destination,
      InResponseTo: inResponseTo,
    },
    element('saml:Issuer', {}, issuer),
    status,
    content,
  )
  return isSigned ? signElement(xml, id, signer) : xml
}

function statusOf(code: string, subcode?: string): XmlText {
  const inner = subcode === undefined ? undefined : element('samlp:StatusCode', { Value: subcode })
  return element('samlp:Status', {}, element('samlp:StatusCode', { Value: code }, inner))
}

function assertion(
  { issuer, destination, inResponseTo, now }: Envelope,
  { audience, nameId, attributes, ttlMs, ...authn }: Statement,
  id: string,
): XmlText {
  const until = instant(now + ttlMs)
  const qualifiers = nameId.isPairwise ? { NameQualifier: issuer, SPNameQualifier: audience } : {}
  return element(
    'saml:Assertion',
    { 'xmlns:saml': NS.assertion, ID: id, Version: '2.0', IssueInstant: instant(now) },
    element('saml:Issuer', {}, issuer),
    element(
      'saml:Subject',
      {},
      element('saml:NameID', { Format: nameId.format, ...qualifiers }, nameId.value),
      element(
        'saml:SubjectConfirmation',
        { Method: BEARER },
        element('saml:SubjectConfirmationData', {
          NotOnOrAfter: until,
          Recipient: destination,
          InResponseTo: inResponseTo,
        }),
      ),
    ),
    element(
      'saml:Conditions',
      { NotBefore: instant(now - BACKDATED_MS), NotOnOrAfter: until },
      element('saml:AudienceRestriction', {}, element('saml:Audience', {}, audience)),
    ),
    element(
      'saml:AuthnStatement',
      {
        AuthnInstant: instant(authn.authnInstant),
        SessionIndex: authn.sessionIndex,
        SessionNotOnOrAfter: instant(authn.sessionEndsAt),
      },
      element('saml:AuthnContext', {}, element('saml:AuthnContextClassRef', {}, authn.authnContext)),
    ),
    attributes.length === 0 ? undefined : element('saml:AttributeStatement', {}, attributes.map(attribute)),
  )
}

function attribute({ name, format, friendlyName, values }: IssuedAttribute): XmlText {
  return element(
    'saml:Attribute',
    { Name: name, NameFormat: format, FriendlyName: friendlyName },
    values.map((value) => element('saml:AttributeValue', {}, value)),
  )
}

function instant(at: number): string {
  return new Date(at).toISOString()
}
