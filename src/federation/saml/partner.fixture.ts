import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { selfSignedCertificate } from '../../crypto/x509/self-signed.ts'
import { readPartnerKey, type PartnerKey } from './partner-keys.ts'
import { signElement, type SigningKey } from './sign.ts'

export const NOW = Date.UTC(2026, 10, 29, 12)
export const IDP = 'https://idp.example/metadata'
export const SP = 'https://sp.example/metadata'
export const ACS = 'https://sp.example/acs'

export const at = (offsetMs: number): string => new Date(NOW + offsetMs).toISOString()

/** What a Response says. */
export interface Said {
  readonly idp: string
  readonly sp: string
  readonly acs: string
  readonly now: number
  readonly name: string
  readonly nameFormat: string
  /** `undefined`: nobody has asked. */
  readonly inResponseTo: string | undefined
  readonly responseId: string
  readonly assertionId: string
  readonly context: string
  readonly authnInstant: number
  readonly sessionIndex: string
  readonly sessionEnds: number
  readonly attributes: Readonly<Record<string, string>>
}

export const SAID: Said = {
  idp: IDP,
  sp: SP,
  acs: ACS,
  now: NOW,
  name: 'alice',
  nameFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
  inResponseTo: '_request',
  responseId: '_response',
  assertionId: '_assertion',
  context: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
  authnInstant: NOW - 5_000,
  sessionIndex: '_session',
  sessionEnds: NOW + 3_600_000,
  attributes: { mail: 'alice@corp.example' },
}

/** The same as somebody else, or another time, would say it; ids that nobody has had. */
export function said(more: Partial<Said> = {}): Said {
  const now = more.now ?? Date.now()
  const fresh = { responseId: `_${randomUUID()}`, assertionId: `_${randomUUID()}` }
  return { ...SAID, ...fresh, now, authnInstant: now - 5_000, sessionEnds: now + 3_600_000, ...more }
}

const DAY = 86_400_000

/** Somebody who signs, and what their metadata says of it. */
export interface Signer extends SigningKey {
  readonly partnerKey: PartnerKey
}

export function newSigner({ notBefore = NOW - 3_650 * DAY, notAfter = NOW + 8_000 * DAY } = {}): Signer {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  return signerOf(privateKey, { notBefore, notAfter })
}

export function signerOf(key: KeyObject, validity: { readonly notBefore: number; readonly notAfter: number }): Signer {
  const certificate = selfSignedCertificate(key, { name: 'partner', ...validity }).toString('base64')
  const partnerKey = readPartnerKey(certificate)
  if (typeof partnerKey === 'string') throw new Error(partnerKey)
  return { key, certificate, partnerKey }
}

const iso = (at: number): string => new Date(at).toISOString()
const answers = (id: string | undefined): string => (id === undefined ? '' : ` InResponseTo="${id}"`)

/** An assertion as partners make them, before it is signed. */
export function assertionXml(more: Partial<Said> = {}): string {
  const { idp, sp, acs, now, ...rest } = { ...SAID, ...more }
  const attributes = Object.entries(rest.attributes).map(
    ([name, value]) =>
      `<saml:Attribute Name="${name}"><saml:AttributeValue>${value}</saml:AttributeValue></saml:Attribute>`,
  )
  return (
    `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${rest.assertionId}" Version="2.0" IssueInstant="${iso(now)}">` +
    `<saml:Issuer>${idp}</saml:Issuer><saml:Subject>` +
    `<saml:NameID Format="${rest.nameFormat}">${rest.name}</saml:NameID>` +
    '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">' +
    `<saml:SubjectConfirmationData NotOnOrAfter="${iso(now + 60_000)}" Recipient="${acs}"${answers(rest.inResponseTo)}/>` +
    '</saml:SubjectConfirmation></saml:Subject>' +
    `<saml:Conditions NotBefore="${iso(now - 1_000)}" NotOnOrAfter="${iso(now + 60_000)}">` +
    `<saml:AudienceRestriction><saml:Audience>${sp}</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
    `<saml:AuthnStatement AuthnInstant="${iso(rest.authnInstant)}" SessionIndex="${rest.sessionIndex}" SessionNotOnOrAfter="${iso(rest.sessionEnds)}">` +
    `<saml:AuthnContext><saml:AuthnContextClassRef>${rest.context}</saml:AuthnContextClassRef></saml:AuthnContext>` +
    `</saml:AuthnStatement><saml:AttributeStatement>${attributes.join('')}</saml:AttributeStatement>` +
    '</saml:Assertion>'
  )
}

export function responseXml(assertion: string, more: Partial<Said> = {}): string {
  const { idp, acs, now, responseId, inResponseTo } = { ...SAID, ...more }
  return (
    `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="${responseId}" Version="2.0" IssueInstant="${iso(now)}"` +
    ` Destination="${acs}"${answers(inResponseTo)}>` +
    `<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${idp}</saml:Issuer>` +
    '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>' +
    `${assertion}</samlp:Response>`
  )
}

export function signedAssertion(signer: SigningKey, more: Partial<Said> = {}): string {
  return signElement(assertionXml(more), more.assertionId ?? SAID.assertionId, signer)
}

/** A Response whose assertion alone is signed. */
export function signedResponse(signer: SigningKey, more: Partial<Said> = {}): string {
  return responseXml(signedAssertion(signer, more), more)
}

/** A Response that is signed as a whole. */
export function wholeSigned(signer: SigningKey, response = responseXml(assertionXml()), id = SAID.responseId): string {
  return signElement(response, id, signer)
}

export const field = (xml: string): string => Buffer.from(xml, 'utf8').toString('base64')

/** Metadata of an identity provider. */
export function idpMetadata(
  { certificate }: SigningKey,
  { idp = SAID.idp, signOn = 'https://idp.example/sso' }: { readonly idp?: string; readonly signOn?: string } = {},
): string {
  const endpoint = (binding: string): string =>
    `<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}" Location="${signOn}"/>`
  return (
    `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${idp}">` +
    '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">' +
    '<md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>' +
    `<ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>` +
    `${endpoint('HTTP-Redirect')}${endpoint('HTTP-POST')}</md:IDPSSODescriptor></md:EntityDescriptor>`
  )
}
