import { readXml, type XmlElement, type XmlLimits } from '../../http/xml.ts'
import { NS } from './names.ts'
import { refuse } from './refusal.ts'

const NAMESPACE = /\sxmlns(?::[^\s=]+)?\s*=\s*(?:"([^"]*)"|'([^']*)')/g
/** Absolute and of ASCII: canonical forms of anything else differ between implementations (CVE-2025-66568, CVE-2025-25292). */
const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/
/** An NCName that is plain everywhere, in XPath too. */
const PLAIN_ID = /^[A-Za-z_][\w.-]{0,255}$/
const ID_NAMES: ReadonlySet<string> = new Set(['id', 'assertionid', 'requestid', 'responseid'])
/** Schemas whose elements have an `Id` of their own. */
const OF_XML_SECURITY: ReadonlySet<string> = new Set([NS.signature, NS.encryption, NS.encryption11])

/**
 * Reads a message strictly. On top of what `readXml` refuses: comments and CDATA sections anywhere, since
 * canonicalisation drops or merges them where readers do not; identifiers that are not plain `ID` attributes or stand twice.
 */
export function readDocument(xml: string, most?: XmlLimits): XmlElement {
  // Well-formed XML has `<!` at markup alone: comments, CDATA sections, document types.
  if (xml.includes('<!')) refuse('saml-xml', 'a document type, a comment or a CDATA section')
  for (const [, double, single] of xml.matchAll(NAMESPACE)) {
    const uri = double ?? single ?? ''
    if (!ABSOLUTE.test(uri)) refuse('saml-xml', 'a namespace that is no absolute URI of plain characters')
  }
  const reading = readXml(xml, most)
  if (reading.kind === 'refused') refuse('saml-xml', reading.message)
  checkIds(reading.root)
  return reading.root
}

/** Each identifier once, and in one spelling: a signature refers by it, and whoever looks it up must find what others find. */
function checkIds(root: XmlElement): void {
  const seen = new Set<string>()
  walk(root, ({ attributes, namespace }) => {
    for (const [name, value] of attributes) {
      const local = name.slice(name.indexOf('}') + 1)
      if (!ID_NAMES.has(local.toLowerCase())) continue
      const isPlain = name === 'ID' || (name === 'Id' && OF_XML_SECURITY.has(namespace))
      if (!isPlain) refuse('saml-xml', 'an identifier that is not the attribute ID')
      if (!PLAIN_ID.test(value)) refuse('saml-xml', 'an identifier that is no plain name')
      if (seen.has(value)) refuse('saml-xml', 'an identifier that stands twice')
      seen.add(value)
    }
  })
}

export function walk(element: XmlElement, visit: (element: XmlElement) => void): void {
  visit(element)
  for (const child of element.children) walk(child, visit)
}

export function is(element: XmlElement, namespace: string, name: string): boolean {
  return element.name === name && element.namespace === namespace
}

export function childrenOf(element: XmlElement, namespace: string, name: string): readonly XmlElement[] {
  return element.children.filter((child) => is(child, namespace, name))
}

/** The child of that name, where there may be one. Two are refused. */
export function optionalChild(element: XmlElement, namespace: string, name: string): XmlElement | undefined {
  const [child, ...more] = childrenOf(element, namespace, name)
  if (more.length > 0) refuse('saml-shape', `more than one ${name} in ${element.name}`)
  return child
}

export function requiredChild(element: XmlElement, namespace: string, name: string): XmlElement {
  return optionalChild(element, namespace, name) ?? refuse('saml-shape', `no ${name} in ${element.name}`)
}

/** Text of an element that has nothing else in it. */
export function textOf(element: XmlElement): string {
  if (element.children.length > 0) refuse('saml-shape', `elements in ${element.name}, which has text alone`)
  return element.text
}

/** Text that names something: no white space around it, nothing invisible in it, so nobody reads it in two ways. */
export function nameOf(element: XmlElement): string {
  const text = textOf(element)
  const isPlain = text !== '' && text.length <= 1_024 && text.trim() === text && !/\p{C}/u.test(text)
  return isPlain
    ? text
    : refuse('saml-shape', `${element.name} is empty, too long, or has characters that are not seen`)
}
