import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { selfSignedCertificate } from '../../crypto/x509/self-signed.ts'
import { readPartnerKey, type PartnerKey } from './partner-keys.ts'
import { signElement, type SigningKey } from './sign.ts'

export const NOW = Date.UTC(2026, 10, 29, 12)
export const IDP = 'https://idp.example/metadata'
export const SP = 'https://sp.example/metadata'
export const ACS = 'https://sp.example/acs'

const DAY = 86_400_000

/** Somebody who signs, and what their metadata says of it. */
export interface Signer extends SigningKey {
  readonly partnerKey: PartnerKey
}

export function newSigner({ notBefore = NOW - DAY, notAfter = NOW + DAY, bits = 2_048 } = {}): Signer {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  return signerOf(privateKey, { notBefore, notAfter })
}

export function signerOf(key: KeyObject, validity: { readonly notBefore: number; readonly notAfter: number }): Signer {
  const certificate = selfSignedCertificate(key, { name: 'partner', ...validity }).toString('base64')
  const partnerKey = readPartnerKey(certificate)
  if (typeof partnerKey === 'string') throw new Error(partnerKey)
  return { key, certificate, partnerKey }
}

export const at = (offsetMs: number): string => new Date(NOW + offsetMs).toISOString()

/** An assertion as partners make them, before it is signed. */
export function assertionXml({ name = 'alice', id = '_assertion', inResponseTo = '_request' } = {}): string {
  return (
    `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${id}" Version="2.0" IssueInstant="${at(0)}">` +
    `<saml:Issuer>${IDP}</saml:Issuer><saml:Subject>` +
    `<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">${name}</saml:NameID>` +
    '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">' +
    `<saml:SubjectConfirmationData NotOnOrAfter="${at(60_000)}" Recipient="${ACS}" InResponseTo="${inResponseTo}"/>` +
    '</saml:SubjectConfirmation></saml:Subject>' +
    `<saml:Conditions NotBefore="${at(-1_000)}" NotOnOrAfter="${at(60_000)}">` +
    `<saml:AudienceRestriction><saml:Audience>${SP}</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
    `<saml:AuthnStatement AuthnInstant="${at(-5_000)}" SessionIndex="_session" SessionNotOnOrAfter="${at(3_600_000)}">` +
    '<saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>' +
    '</saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="mail">' +
    `<saml:AttributeValue>${name}@example.com</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>` +
    '</saml:Assertion>'
  )
}

export function responseXml(assertion: string, { id = '_response', inResponseTo = '_request' } = {}): string {
  return (
    `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="${id}" Version="2.0" IssueInstant="${at(0)}"` +
    ` Destination="${ACS}" InResponseTo="${inResponseTo}">` +
    `<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${IDP}</saml:Issuer>` +
    '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>' +
    `${assertion}</samlp:Response>`
  )
}

export function signedAssertion(signer: SigningKey, assertion = assertionXml()): string {
  return signElement(assertion, '_assertion', signer)
}

/** A Response whose assertion alone is signed. */
export function signedResponse(signer: SigningKey): string {
  return responseXml(signedAssertion(signer))
}

/** A Response that is signed as a whole. */
export function wholeSigned(signer: SigningKey, response = responseXml(assertionXml())): string {
  return signElement(response, '_response', signer)
}

export const field = (xml: string): string => Buffer.from(xml, 'utf8').toString('base64')
