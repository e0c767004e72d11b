import type { EpochMs } from '../base/brand.ts'
import { escapeXml as text } from '../http/xml-writer.ts'

/** What one answer of `/cdcservlet` says. */
export interface Lares {
  /** Of the answer and of the assertion; nobody has had them before. */
  readonly responseId: string
  readonly assertionId: string
  /** The agent's own id of what it asked. */
  readonly inResponseTo: string
  /** Address of the servlet, as the agent knows it. */
  readonly issuer: string
  /** Whom it is for, as the agent called itself. */
  readonly audience: string
  readonly token: string
  readonly authInstant: EpochMs
  readonly now: EpochMs
}

/** How long it may be taken for one. */
const LIFE_MS = 60_000

const NAMESPACES = [
  'xmlns:lib="http://projectliberty.org/schemas/core/2002/12"',
  'xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion"',
  'xmlns:samlp="urn:oasis:names:tc:SAML:1.0:protocol"',
  'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
].join(' ')

/**
 * The authentication response of Liberty ID-FF 1.1 that OpenAM's agents read: the token is the name of the subject. Unsigned, as theirs
 * is: who may get it is decided before, by where the browser sends it.
 */
export function writeLares(lares: Lares): string {
  const { responseId, assertionId, inResponseTo, issuer, audience, token, authInstant, now } = lares
  const at = instant(now)
  const name = `<saml:NameIdentifier NameQualifier="${text(issuer)}">${text(token)}</saml:NameIdentifier>`
  const provided = `<lib:IDPProvidedNameIdentifier NameQualifier="${text(issuer)}">${text(token)}</lib:IDPProvidedNameIdentifier>`
  return [
    `<lib:AuthnResponse ${NAMESPACES} ResponseID="${text(responseId)}" InResponseTo="${text(inResponseTo)}" MajorVersion="1" MinorVersion="0" IssueInstant="${at}">`,
    '<samlp:Status><samlp:StatusCode Value="samlp:Success"></samlp:StatusCode></samlp:Status>',
    `<saml:Assertion MajorVersion="1" MinorVersion="0" AssertionID="${text(assertionId)}" Issuer="${text(issuer)}" IssueInstant="${at}" InResponseTo="${text(inResponseTo)}" xsi:type="lib:AssertionType">`,
    `<saml:Conditions NotBefore="${at}" NotOnOrAfter="${instant(now + LIFE_MS)}"><saml:AudienceRestrictionCondition><saml:Audience>${text(audience)}</saml:Audience></saml:AudienceRestrictionCondition></saml:Conditions>`,
    `<saml:AuthenticationStatement AuthenticationMethod="urn:oasis:names:tc:SAML:1.0:am:unspecified" AuthenticationInstant="${instant(authInstant)}" ReauthenticateOnOrAfter="${instant(now + LIFE_MS)}" xsi:type="lib:AuthenticationStatementType">`,
    `<saml:Subject xsi:type="lib:SubjectType">${name}<saml:SubjectConfirmation><saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:bearer</saml:ConfirmationMethod></saml:SubjectConfirmation>${provided}</saml:Subject>`,
    '</saml:AuthenticationStatement></saml:Assertion>',
    `<lib:ProviderID>${text(issuer)}</lib:ProviderID></lib:AuthnResponse>`,
  ].join('')
}

/** Without fractions, which OpenAM's agents for C do not read. */
function instant(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}
