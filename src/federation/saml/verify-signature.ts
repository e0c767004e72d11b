import { DOMParser } from '@xmldom/xmldom'
import { ExclusiveCanonicalization } from 'xml-crypto'
import type { XmlElement, XmlLimits } from '../../http/xml.ts'
import { digestOf, isSignatureOf } from './algorithms.ts'
import { childrenOf, readDocument, requiredChild, textOf } from './document.ts'
import { base64 } from './message-bytes.ts'
import { NS } from './names.ts'
import { isValidAt, type PartnerKey } from './partner-keys.ts'
import { refuse } from './refusal.ts'
import { readSignedInfo } from './signature-shape.ts'

export interface Verification {
  /** The document, which `readDocument` has let through. */
  readonly xml: string
  /** The same as `documentOf` has it, where more than one signature of it is checked. */
  readonly document?: Document | undefined
  /** The element that is signed; its signature has the accepted shape. */
  readonly signed: XmlElement
  readonly keys: readonly PartnerKey[]
  readonly now: number
  /** What the document may have in it, where that is more than messages have. */
  readonly most?: XmlLimits | undefined
}

/**
 * What of the document a partner has signed, read anew from exactly the octets that the signature is over: nothing else of it counts
 * (XML Signature 1.1 §8.1.3, "see what is signed"). So it is with what is digested, and with the SignedInfo that says how. Refuses where no
 * key of the partner's that is valid now has made the signature.
 */
export function verifiedElement({ xml, document, signed, keys, now, most }: Verification): XmlElement {
  const valid = keys.filter((key) => isValidAt(key, now))
  if (valid.length === 0) refuse('saml-certificate', 'no certificate of the partner is valid now')
  const id = signed.attributes.get('ID') ?? ''
  const { element, signature, signedInfo } = nodesOf(document ?? documentOf(xml), id)
  const octets = canonical(signedInfo)
  const info = readSignedInfo(readDocument(octets), id)
  const [own] = childrenOf(signed, NS.signature, 'Signature')
  const value = own === undefined ? '' : textOf(requiredChild(own, NS.signature, 'SignatureValue'))
  const bytes = base64(value.replaceAll(/[ \t\r\n]/g, ''))
  if (!valid.some(({ key }) => isSignatureOf(octets, bytes, { algorithm: info.algorithm, key })))
    refuse('saml-signature', 'no key of the partner has signed it')
  const next = signature.nextSibling
  element.removeChild(signature)
  const content = canonical(element, info.prefixes)
  element.insertBefore(signature, next)
  if (digestOf(info.digest, content) !== info.digestValue)
    refuse('saml-signature', 'no key of the partner has signed it as it is here')
  const read = readDocument(content, most)
  if (read.name !== signed.name || read.namespace !== signed.namespace || read.attributes.get('ID') !== id)
    refuse('saml-signature', 'what is signed is not what it stands in')
  return read
}

interface Nodes {
  readonly element: Element
  readonly signature: Element
  readonly signedInfo: Element
}

/** As the canonicalisation wants it. */
export function documentOf(xml: string): Document {
  return new DOMParser({ errorHandler: unreadable }).parseFromString(xml, 'text/xml')
}

function nodesOf(document: Document, id: string): Nodes {
  for (const signature of Array.from(document.getElementsByTagNameNS(NS.signature, 'Signature'))) {
    const element = signature.parentNode as Element | null
    const [signedInfo] = Array.from(signature.getElementsByTagNameNS(NS.signature, 'SignedInfo'))
    if (element?.getAttribute('ID') === id && signedInfo !== undefined) return { element, signature, signedInfo }
  }
  return refuse('saml-signature', 'the signature is not found where it stands')
}

/** Exclusive XML Canonicalization 1.0, as UTF-8 will have it. */
function canonical(element: Element, prefixes: readonly string[] = []): string {
  const ancestorNamespaces = prefixes.length === 0 ? [] : declaredAround(element)
  const form: unknown = new ExclusiveCanonicalization().process(element, {
    inclusiveNamespacesPrefixList: [...prefixes],
    ancestorNamespaces,
  })
  return String(form)
}

/** The declarations in force at an element, the nearest of each prefix. */
function declaredAround(element: Element): { prefix: string; namespaceURI: string }[] {
  const found = new Map<string, string>()
  for (let place = element.parentNode; place?.nodeType === 1; place = place.parentNode) {
    for (const { prefix, localName, value } of Array.from((place as Element).attributes)) {
      if (prefix === 'xmlns' && !found.has(localName)) found.set(localName, value)
    }
  }
  return [...found].map(([prefix, namespaceURI]) => ({ prefix, namespaceURI }))
}

function unreadable(level: string): void {
  if (level !== 'warning') refuse('saml-xml', 'readers of XML differ about it')
}
