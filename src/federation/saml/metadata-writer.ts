import { randomUUID } from 'node:crypto'
import { element, type XmlText } from '../../http/xml-writer.ts'
import { BINDINGS, NS } from './names.ts'
import type { EndpointBinding } from './metadata-endpoints.ts'
import type { SamlKey } from './realm-keys.ts'
import { signElement } from './sign.ts'

export interface OwnEndpoint {
  readonly binding: EndpointBinding
  readonly location: string
}

interface OwnRole {
  /** Certificates: all that sign, will sign, or have signed until of late. */
  readonly signing: readonly SamlKey[]
  readonly encryption: readonly SamlKey[]
  readonly logout: readonly OwnEndpoint[]
  readonly nameIdFormats: readonly string[]
}

/** Ourselves, as partners are told. */
export interface OwnMetadata {
  readonly entityId: string
  readonly signer: SamlKey
  readonly idp:
    | (OwnRole & { readonly signOn: readonly OwnEndpoint[]; readonly wantsRequestsSigned: boolean })
    | undefined
  readonly sp: (OwnRole & { readonly consumers: readonly OwnEndpoint[] }) | undefined
  readonly now: number
  /** How long partners may keep it before they ask again, in milliseconds. */
  readonly cacheMs: number
}

/** How many times longer than it may be kept it is good: partners that cannot reach us go on for as long. */
const GOOD_FOR = 7

/** Our metadata, signed (SAML Metadata 2.0 §2.3.2, §3). */
export function writeMetadata(own: OwnMetadata): string {
  const { entityId, now, cacheMs, idp, sp, signer } = own
  const id = `_${randomUUID()}`
  const root = element(
    'md:EntityDescriptor',
    {
      'xmlns:md': NS.metadata,
      'xmlns:ds': NS.signature,
      ID: id,
      entityID: entityId,
      validUntil: new Date(now + cacheMs * GOOD_FOR).toISOString(),
      cacheDuration: `PT${Math.floor(cacheMs / 1_000)}S`,
    },
    idp &&
      element(
        'md:IDPSSODescriptor',
        { WantAuthnRequestsSigned: idp.wantsRequestsSigned, protocolSupportEnumeration: NS.protocol },
        ...common(idp),
        idp.signOn.map((each) => endpoint('SingleSignOnService', each)),
      ),
    sp &&
      element(
        'md:SPSSODescriptor',
        { AuthnRequestsSigned: true, WantAssertionsSigned: true, protocolSupportEnumeration: NS.protocol },
        ...common(sp),
        sp.consumers.map((each, index) =>
          endpoint('AssertionConsumerService', each, { index, isDefault: index === 0 ? true : undefined }),
        ),
      ),
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n${signElement(root.xml, id, signer)}`
}

/** In the order of the schema. */
function common({ signing, encryption, logout, nameIdFormats }: OwnRole): readonly (readonly XmlText[])[] {
  return [
    signing.map((key) => keyDescriptor('signing', key)),
    encryption.map((key) => keyDescriptor('encryption', key)),
    logout.map((each) => endpoint('SingleLogoutService', each)),
    nameIdFormats.map((format) => element('md:NameIDFormat', {}, format)),
  ]
}

function keyDescriptor(use: 'signing' | 'encryption', { certificate }: SamlKey): XmlText {
  const data = element('ds:X509Data', {}, element('ds:X509Certificate', {}, certificate))
  return element(
    'md:KeyDescriptor',
    { use },
    element('ds:KeyInfo', {}, data),
    use === 'encryption' ? CIPHERS.map((each) => element('md:EncryptionMethod', { Algorithm: each })) : undefined,
  )
}

/** What we would have assertions encrypted with. */
const CIPHERS = [
  `${NS.encryption11}aes256-gcm`,
  `${NS.encryption11}aes128-gcm`,
  `${NS.encryption}rsa-oaep-mgf1p`,
] as const

function endpoint(
  name: string,
  { binding, location }: OwnEndpoint,
  more: Readonly<Record<string, number | boolean | undefined>> = {},
): XmlText {
  return element(`md:${name}`, { Binding: BINDINGS[binding], Location: location, ...more })
}
