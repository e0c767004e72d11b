import { DOMParser } from '@xmldom/xmldom'
import { SignedXml } from 'xml-crypto'
import type { XmlElement, XmlLimits } from '../../http/xml.ts'
import {
  DIGEST_ALGORITHMS,
  digestOf,
  ENVELOPED,
  EXCLUSIVE_C14N,
  isSignatureOf,
  SIGNATURE_ALGORITHMS,
} from './algorithms.ts'
import { readDocument } from './document.ts'
import { NS } from './names.ts'
import { isValidAt, type PartnerKey } from './partner-keys.ts'
import { refuse } from './refusal.ts'

export interface Verification {
  /** The document, which `readDocument` has let through. */
  readonly xml: string
  /** The element that is signed; its signature has the accepted shape. */
  readonly signed: XmlElement
  readonly keys: readonly PartnerKey[]
  readonly now: number
  /** What the document may have in it, where that is more than messages have. */
  readonly most?: XmlLimits | undefined
}

/**
 * What of the document a partner has signed, read anew from exactly the octets that the signature is over: nothing else of it counts.
 * Refuses where no key of the partner's that is valid now has made the signature.
 */
export function verifiedElement({ xml, signed, keys, now, most }: Verification): XmlElement {
  const valid = keys.filter((key) => isValidAt(key, now))
  if (valid.length === 0) refuse('saml-certificate', 'no certificate of the partner is valid now')
  const id = signed.attributes.get('ID') ?? ''
  const signature = signatureOf(xml, id)
  for (const { key } of valid) {
    const octets = octetsSigned(xml, signature, key)
    if (octets === undefined) continue
    const element = readDocument(octets, most)
    if (element.name !== signed.name || element.namespace !== signed.namespace || element.attributes.get('ID') !== id)
      refuse('saml-signature', 'what is signed is not what it stands in')
    return element
  }
  return refuse('saml-signature', 'no key of the partner has made this signature')
}

function signatureOf(xml: string, id: string): Node {
  const document = new DOMParser({ errorHandler: unreadable }).parseFromString(xml, 'text/xml')
  for (const node of Array.from(document.getElementsByTagNameNS(NS.signature, 'Signature'))) {
    const parent = node.parentNode as Element | null
    if (parent?.getAttribute('ID') === id) return node
  }
  return refuse('saml-signature', 'the signature is not found where it stands')
}

/** The canonical form of what is referred to, where this key has made the signature over its digest. */
function octetsSigned(xml: string, signature: Node, key: PartnerKey['key']): string | undefined {
  const check = new SignedXml({ publicCert: key, getCertFromKeyInfo: () => null })
  check.idAttributes = ['ID']
  narrow(check, key)
  try {
    check.loadSignature(signature)
    if (!check.checkSignature(xml)) return undefined
  } catch {
    // Whatever it is that cannot be checked was not signed by this key.
    return undefined
  }
  const [octets, ...more] = check.getSignedReferences()
  return more.length === 0 ? octets : undefined
}

/** What the library may use: our tables in the place of its own, which have SHA-1 and inclusive canonicalisation. */
function narrow(check: SignedXml, key: PartnerKey['key']): void {
  const c14n = check.CanonicalizationAlgorithms
  check.CanonicalizationAlgorithms = pick(c14n, [ENVELOPED, EXCLUSIVE_C14N])
  const signatures = [...SIGNATURE_ALGORITHMS].map(([name, algorithm]) => {
    const verifySignature = (octets: string, _: unknown, value: string): boolean =>
      isSignatureOf(octets, Buffer.from(value, 'base64'), { algorithm, key })
    return [name, made({ getAlgorithmName: () => name, getSignature: () => '', verifySignature })] as const
  })
  check.SignatureAlgorithms = Object.fromEntries(signatures)
  const digests = [...DIGEST_ALGORITHMS].map(
    ([name, hash]) =>
      [name, made({ getAlgorithmName: () => name, getHash: (octets: string) => digestOf(hash, octets) })] as const,
  )
  check.HashAlgorithms = Object.fromEntries(digests)
}

function pick<T>(table: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(table).filter(([name]) => names.includes(name)))
}

/** The library makes an object for each use. */
function made<T extends object>(object: T): new () => T {
  return function algorithm() {
    return object
  } as unknown as new () => T
}

function unreadable(level: string): void {
  if (level !== 'warning') refuse('saml-xml', 'readers of XML differ about it')
}
