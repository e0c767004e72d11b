import { sign as signOctets, type KeyObject } from 'node:crypto'
import { SignedXml } from 'xml-crypto'
import { ENVELOPED, EXCLUSIVE_C14N } from './algorithms.ts'

/** What we sign with: a private key, and the certificate that our metadata has for it. */
export interface SigningKey {
  readonly key: KeyObject
  /** Base64 of DER, as in metadata. */
  readonly certificate: string
}

const MORE = 'http://www.w3.org/2001/04/xmldsig-more#'
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256'

function algorithmOf({ key }: SigningKey): string {
  return key.asymmetricKeyType === 'ec' ? `${MORE}ecdsa-sha256` : `${MORE}rsa-sha256`
}

function signature(octets: string, { key }: SigningKey): string {
  const data = Buffer.from(octets, 'utf8')
  const isEc = key.asymmetricKeyType === 'ec'
  // RFC 9231 §2.3.6: r and s, one after the other.
  return signOctets('sha256', data, isEc ? { key, dsaEncoding: 'ieee-p1363' } : key).toString('base64')
}

/**
 * Signs the root element of XML that we have written: enveloped, over it alone, by its ID. The signature comes right after its Issuer,
 * where the schema of messages and assertions has it, or before its first child where it has none, as in metadata.
 */
export function signElement(xml: string, id: string, signer: SigningKey): string {
  const algorithm = algorithmOf(signer)
  const place = `//*[@ID='${id}']`
  const certificate = `<ds:X509Data><ds:X509Certificate>${signer.certificate}</ds:X509Certificate></ds:X509Data>`
  const signing = new SignedXml({
    privateKey: signer.key,
    signatureAlgorithm: algorithm,
    canonicalizationAlgorithm: EXCLUSIVE_C14N,
    getKeyInfoContent: () => certificate,
  })
  signing.idAttributes = ['ID']
  signing.SignatureAlgorithms = { [algorithm]: signerClass(algorithm, signer) }
  signing.addReference({
    xpath: place,
    uri: `#${id}`,
    transforms: [ENVELOPED, EXCLUSIVE_C14N],
    digestAlgorithm: SHA256,
  })
  const isMessage = /^[^>]*>\s*<(?:\w+:)?Issuer[\s>]/.test(xml)
  const location = isMessage
    ? ({ reference: `${place}/*[local-name(.)='Issuer']`, action: 'after' } as const)
    : ({ reference: place, action: 'prepend' } as const)
  signing.computeSignature(xml, { prefix: 'ds', location })
  return signing.getSignedXml()
}

function signerClass(name: string, signer: SigningKey) {
  const made = {
    getAlgorithmName: () => name,
    getSignature: (octets: unknown) => signature(String(octets), signer),
    verifySignature: () => false,
  }
  return function algorithm() {
    return made
  } as unknown as new () => typeof made
}

/** The query of a redirect with its signature: over exactly these octets (SAML Bindings 2.0 §3.4.4.1). `query` has the message and RelayState. */
export function signQuery(query: string, signer: SigningKey): string {
  const octets = `${query}&SigAlg=${encodeURIComponent(algorithmOf(signer))}`
  return `${octets}&Signature=${encodeURIComponent(signature(octets, signer))}`
}
