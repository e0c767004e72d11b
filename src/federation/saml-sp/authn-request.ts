import { deflateRawSync } from 'node:zlib'
import { SamlLib } from 'samlify'
import { BINDINGS, NAME_ID, NS } from '../saml/names.ts'
import { signElement, signQuery, type SigningKey } from '../saml/sign.ts'

/** What an identity provider is asked (SAML Core 2.0 §3.4.1). */
export interface RequestWish {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Where it goes. */
  readonly destination: string
  /** Our entity id. */
  readonly issuer: string
  /** Where the answer is to go. */
  readonly consumer: string
  readonly nameIdFormat: keyof typeof NAME_ID | undefined
  /** AuthnContextClassRefs, best first; the answer has to be of one of them. */
  readonly contexts: readonly string[]
  /** A session at the provider does not do: the person is to prove it now. */
  readonly isForced: boolean
  readonly isPassive: boolean
}

/**
 * An AuthnRequest, unsigned. The library writes it and leaves out what has no value. It fills one tag after the other, so a value
 * in it could name a tag that comes later: nothing that strangers choose is ever among them.
 */
export function writeAuthnRequest(wish: RequestWish): string {
  const { id, now, destination, issuer, consumer, nameIdFormat, contexts, isForced, isPassive } = wish
  const classes = contexts.map((_, index) => `<saml:AuthnContextClassRef>{Class${index}}</saml:AuthnContextClassRef>`)
  const context =
    classes.length === 0
      ? ''
      : `<samlp:RequestedAuthnContext Comparison="exact">${classes.join('')}</samlp:RequestedAuthnContext>`
  const template =
    `<samlp:AuthnRequest xmlns:samlp="${NS.protocol}" xmlns:saml="${NS.assertion}" ID="{ID}" Version="2.0"` +
    ' IssueInstant="{IssueInstant}" Destination="{Destination}" ForceAuthn="{ForceAuthn}" IsPassive="{IsPassive}"' +
    ' ProtocolBinding="{ProtocolBinding}" AssertionConsumerServiceURL="{AssertionConsumerServiceURL}">' +
    '<saml:Issuer>{Issuer}</saml:Issuer>' +
    `<samlp:NameIDPolicy Format="{NameIDFormat}" AllowCreate="true"/>${context}</samlp:AuthnRequest>`
  return SamlLib.replaceTagsByValue(template, {
    ID: id,
    IssueInstant: new Date(now).toISOString(),
    Destination: destination,
    ForceAuthn: isForced ? 'true' : undefined,
    IsPassive: isPassive ? 'true' : undefined,
    ProtocolBinding: BINDINGS.post,
    AssertionConsumerServiceURL: consumer,
    Issuer: issuer,
    NameIDFormat: nameIdFormat && NAME_ID[nameIdFormat],
    ...Object.fromEntries(contexts.map((each, index) => [`Class${index}`, each])),
  })
}

/** The way there by an address: the query is signed, the message in it is not (SAML Bindings 2.0 §3.4). */
export function redirectTo(
  xml: string,
  { to, relayState, signer }: { readonly to: string; readonly relayState: string; readonly signer: SigningKey },
): string {
  const message = deflateRawSync(Buffer.from(xml, 'utf8')).toString('base64')
  const query = `SAMLRequest=${encodeURIComponent(message)}&RelayState=${encodeURIComponent(relayState)}`
  return `${to}${to.includes('?') ? '&' : '?'}${signQuery(query, signer)}`
}

/** The way there by a form: the message is signed (§3.5). */
export function formFor(
  xml: string,
  { id, relayState, signer }: { readonly id: string; readonly relayState: string; readonly signer: SigningKey },
): Readonly<Record<string, string>> {
  const signed = signElement(xml, id, signer)
  return { SAMLRequest: Buffer.from(signed, 'utf8').toString('base64'), RelayState: relayState }
}
