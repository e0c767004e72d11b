import { SAML, type Profile, type SamlConfig } from '@node-saml/node-saml'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { selfSignedCertificate } from '../../crypto/x509/self-signed.ts'
import { unescapeHtml } from '../../http/html-text.fixture.ts'
import type { Browser, Page } from '../oidc-op/provider.fixture.ts'

/** Keys of a partner, which take a tenth of a second each. */
export function partnerKeys() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const validity = { notBefore: Date.now() - 86_400_000, notAfter: Date.now() + 86_400_000 }
  const certificate = selfSignedCertificate(privateKey, { name: 'sp', ...validity }).toString('base64')
  return { pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), certificate, privateKey }
}

export type PartnerKeys = ReturnType<typeof partnerKeys>

export interface SpOptions {
  readonly entityId: string
  readonly acs: string
  readonly keys: PartnerKeys
  /** The identity provider's metadata. */
  readonly idp: { readonly entityId: string; readonly signOn: string; readonly certificate: string }
  readonly more?: Partial<SamlConfig>
}

/** A service provider that we did not write. */
export class Sp {
  readonly saml: SAML
  readonly options: SpOptions

  constructor(options: SpOptions) {
    const { entityId, acs, keys, idp, more } = options
    this.options = options
    this.saml = new SAML({
      ...{
        issuer: entityId,
        callbackUrl: acs,
        entryPoint: idp.signOn,
        idpCert: idp.certificate,
        idpIssuer: idp.entityId,
      },
      ...{
        audience: entityId,
        privateKey: keys.pem,
        publicCert: keys.certificate,
        signatureAlgorithm: 'sha256',
        digestAlgorithm: 'sha256',
      },
      ...{
        wantAssertionsSigned: true,
        wantAuthnResponseSigned: true,
        identifierFormat: null,
        disableRequestedAuthnContext: true,
      },
      ...more,
    })
  }

  /** The address that it sends a browser to. */
  start(relayState = ''): Promise<string> {
    return this.saml.getAuthorizeUrlAsync(relayState, undefined, {})
  }

  /** Takes what the page at the end of a login would send it; rejects for what it does not believe. */
  async finish(
    page: Page,
  ): Promise<{ readonly profile: Profile; readonly relayState: string | undefined; readonly xml: string }> {
    const { action, fields } = formOf(page)
    if (action !== this.options.acs)
      throw new Error(`${page.status} at ${page.url}: a form for ${action}\n${page.body}`)
    const { SAMLResponse = '', RelayState: relayState } = fields
    const { profile } = await this.saml.validatePostResponseAsync({ SAMLResponse })
    if (profile === null) throw new Error('nobody')
    return { profile, relayState, xml: Buffer.from(SAMLResponse, 'base64').toString() }
  }
}

/** The form that a page sends on. */
export function formOf(page: Pick<Page, 'body'>): {
  readonly action: string
  readonly fields: Readonly<Record<string, string>>
} {
  const form = /<form method="post" action="([^"]*)"[^>]*data-relay>([^]*?)<\/form>/.exec(page.body)
  const inputs = [...(form?.[2] ?? '').matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
  return {
    action: unescapeHtml(form?.[1] ?? ''),
    fields: Object.fromEntries(inputs.map(([, name = '', value = '']) => [name, unescapeHtml(value)])),
  }
}

/** The answer that a page sends on. */
export function xmlIn(page: Pick<Page, 'body'>): string {
  return Buffer.from(formOf(page).fields['SAMLResponse'] ?? '', 'base64').toString()
}

/** The code of an answer that signs nobody in. */
export function statusIn(page: Pick<Page, 'body'>): string {
  return [...xmlIn(page).matchAll(/<samlp:StatusCode Value="[^"]*:([^":]*)"/g)].map(([, code]) => code).join(' ')
}

export interface SpMetadata {
  readonly entityId: string
  readonly keys: Pick<PartnerKeys, 'certificate'>
  readonly consumers: readonly string[]
  readonly isSigning?: boolean
  readonly formats?: readonly string[]
  /** Where it is told of logouts, by the name of the binding. */
  readonly logout?: readonly (readonly [binding: 'HTTP-Redirect' | 'HTTP-POST' | 'SOAP', location: string])[]
}

export function spMetadata({
  entityId,
  keys,
  consumers,
  isSigning = false,
  formats = [],
  logout = [],
}: SpMetadata): string {
  const acs = consumers.map(
    (location, index) =>
      `<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="${location}" index="${index}"/>`,
  )
  const slo = logout.map(
    ([binding, location]) =>
      `<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}" Location="${location}"/>`,
  )
  return (
    `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="${entityId}">` +
    `<md:SPSSODescriptor AuthnRequestsSigned="${isSigning}" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
    `<md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${keys.certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>` +
    `${slo.join('')}${formats.map((format) => `<md:NameIDFormat>${format}</md:NameIDFormat>`).join('')}${acs.join('')}</md:SPSSODescriptor></md:EntityDescriptor>`
  )
}

/** A request as no library makes it, unsigned, by the redirect binding. */
export function requestUrl(
  { entityId, idp: { signOn } }: Pick<SpOptions, 'entityId' | 'idp'>,
  { attributes = '', content = '' }: { readonly attributes?: string; readonly content?: string },
): string {
  const xml =
    `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_${randomUUID()}"` +
    ` Version="2.0" IssueInstant="${new Date().toISOString()}" Destination="${signOn}" ${attributes}><saml:Issuer>${entityId}</saml:Issuer>${content}</samlp:AuthnRequest>`
  return `${signOn}?SAMLRequest=${encodeURIComponent(deflateRawSync(xml).toString('base64'))}`
}

/** Follows a browser from where a partner sends it, through the login if there is one, to where it ends. */
export async function through(browser: Browser, url: string, username?: string): Promise<Page> {
  const page = await browser.open(url)
  return username === undefined || !page.body.includes('IDToken1') ? page : browser.signIn(page, username)
}
