import { deflateRawSync } from 'node:zlib'
import { element, type XmlText } from '../../http/xml-writer.ts'
import type { XmlElement } from '../../http/xml.ts'
import type { Carried } from '../logout/logout-protocol.ts'
import { encryptAs } from '../saml-idp/encryption.ts'
import { nameIdOf, type NameId } from '../saml/assertion.ts'
import { childrenOf, requiredChild, textOf } from '../saml/document.ts'
import { checkWindow, type Moment } from '../saml/instant.ts'
import type { Endpoint } from '../saml/metadata-endpoints.ts'
import type { EncryptionKey } from '../saml/metadata-keys.ts'
import { NS, STATUS } from '../saml/names.ts'
import { signElement, signQuery, type SigningKey } from '../saml/sign.ts'

/** What a message of either kind says of itself. */
export interface Sent {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly now: number
  /** None by SOAP, which knows whom it is talking to. */
  readonly destination: string | undefined
  /** Our entity id. */
  readonly issuer: string
}

/** Whom a partner is to sign out. */
export interface Named {
  readonly nameId: Pick<NameId, 'value'> & Partial<NameId>
  readonly sessionIndex: string | undefined
}

/** `partial`: the session here is over, and so the logout a success; but not everybody could be told (§3.7.3.2). */
export type LogoutStatus = 'success' | 'partial'

/** As long as an answer is waited for at most; who gets it later does nothing. */
const REQUEST_MS = 5 * 60_000

/** A LogoutRequest, unsigned (SAML Core 2.0 §3.7.1). `encryptFor`: for whom alone the name is to be read. */
export function writeLogoutRequest(sent: Sent, { nameId, sessionIndex }: Named, encryptFor?: EncryptionKey): string {
  const { value, format: Format, nameQualifier: NameQualifier, spNameQualifier: SPNameQualifier } = nameId
  const name = (xmlns: Readonly<Record<string, string>>): XmlText =>
    element('saml:NameID', { ...xmlns, Format, NameQualifier, SPNameQualifier }, value)
  return message(
    'LogoutRequest',
    sent,
    { NotOnOrAfter: new Date(sent.now + REQUEST_MS).toISOString() },
    encryptFor === undefined
      ? name({})
      : encryptAs('EncryptedID', name({ 'xmlns:saml': NS.assertion }).xml, encryptFor),
    sessionIndex === undefined ? undefined : element('samlp:SessionIndex', {}, sessionIndex),
  )
}

/** A LogoutResponse, unsigned (§3.7.2). */
export function writeLogoutResponse(sent: Sent, inResponseTo: string, status: LogoutStatus): string {
  const inner = status === 'partial' ? element('samlp:StatusCode', { Value: STATUS.partialLogout }) : undefined
  const code = element('samlp:StatusCode', { Value: STATUS.success }, inner)
  return message('LogoutResponse', sent, { InResponseTo: inResponseTo }, element('samlp:Status', {}, code))
}

function message(
  name: 'LogoutRequest' | 'LogoutResponse',
  { id, now, destination, issuer }: Sent,
  more: Readonly<Record<string, string>>,
  ...content: readonly (XmlText | undefined)[]
): string {
  return element(
    `samlp:${name}`,
    {
      'xmlns:samlp': NS.protocol,
      'xmlns:saml': NS.assertion,
      ...{ ID: id, Version: '2.0', IssueInstant: new Date(now).toISOString(), Destination: destination },
      ...more,
    },
    element('saml:Issuer', {}, issuer),
    ...content,
  ).xml
}

interface Going {
  readonly field: 'SAMLRequest' | 'SAMLResponse'
  readonly id: string
  readonly relayState: string | undefined
  readonly signer: SigningKey
}

/** The message on its way through a browser: in an address whose query is signed, or signed itself in a form (Bindings §3.4, §3.5). */
export function carried(xml: string, to: Pick<Endpoint, 'binding' | 'location'>, going: Going): Carried {
  const { field, id, relayState, signer } = going
  const { location } = to
  if (to.binding === 'post') {
    const fields: [string, string][] = [[field, Buffer.from(signElement(xml, id, signer), 'utf8').toString('base64')]]
    if (relayState !== undefined) fields.push(['RelayState', relayState])
    return { kind: 'post', url: location, fields, requestId: id }
  }
  const deflated = deflateRawSync(Buffer.from(xml, 'utf8')).toString('base64')
  const relay = relayState === undefined ? '' : `&RelayState=${encodeURIComponent(relayState)}`
  const query = signQuery(`${field}=${encodeURIComponent(deflated)}${relay}`, signer)
  return { kind: 'redirect', url: `${location}${location.includes('?') ? '&' : '?'}${query}`, requestId: id }
}

/** The message in a SOAP 1.1 envelope, signed (Bindings §3.2). */
export function enveloped(xml: string, id: string, signer: SigningKey): string {
  const body = element('soap:Body', {}, { xml: signElement(xml, id, signer) })
  return `<?xml version="1.0" encoding="UTF-8"?>${element('soap:Envelope', { 'xmlns:soap': NS.soap }, body).xml}`
}

export interface LogoutRequest {
  readonly nameId: NameId
  /** All sessions of that name where there is none (§3.7.1). */
  readonly sessionIndexes: readonly string[]
}

/** Refuses what is over (CVE-2023-40178), and what names nobody or several. */
export function readLogoutRequest(
  request: XmlElement,
  { moment, keys }: { readonly moment: Moment; readonly keys: Parameters<typeof nameIdOf>[1] },
): LogoutRequest {
  checkWindow(request.attributes, moment, 'the request')
  return {
    nameId: nameIdOf(request, keys),
    sessionIndexes: childrenOf(request, NS.protocol, 'SessionIndex').map(textOf),
  }
}

/** Whether the partner has signed the person out, and everybody whom it told. */
export function isLogoutSuccess(response: XmlElement): boolean {
  const code = requiredChild(requiredChild(response, NS.protocol, 'Status'), NS.protocol, 'StatusCode')
  return code.attributes.get('Value') === STATUS.success && childrenOf(code, NS.protocol, 'StatusCode').length === 0
}
