import { readXml, type XmlElement } from '../../http/xml.ts'
import { canonicalValue, DATA_TYPES } from './data-types.ts'
import type { RequestReading, XacmlAttribute, XacmlCategory, XacmlValue } from './request.ts'

/** XACML Core 3.0 §4.1. */
export const XACML_NAMESPACE = 'urn:oasis:names:tc:xacml:3.0:core:schema:wd-17'
const XML_ID = '{http://www.w3.org/XML/1998/namespace}id'
/** What schemas are told by, and nothing depends on. */
const INSTANCE = '{http://www.w3.org/2001/XMLSchema-instance}'

/** What is wrong, thrown out of the element that it stands in. */
class Malformed extends Error {}

/** Reads a request in XML (XACML Core 3.0 §5.42 to §5.51). */
export function readXmlRequest(text: string): RequestReading {
  const reading = readXml(text)
  if (reading.kind === 'refused') return { kind: 'malformed', message: reading.message }
  try {
    return { kind: 'request', request: requestOf(reading.root) }
  } catch (caught) {
    if (caught instanceof Malformed) return { kind: 'malformed', message: caught.message }
    throw caught
  }
}

function requestOf(root: XmlElement): Extract<RequestReading, { kind: 'request' }>['request'] {
  if (root.name !== 'Request') throw new Malformed('the root element has to be Request')
  const attributes = attributesOf(root, ['ReturnPolicyIdList', 'CombinedDecision'])
  const parts = childrenOf(root, ['RequestDefaults', 'Attributes', 'MultiRequests'])
  const [multi, another] = parts.filter(({ name }) => name === 'MultiRequests')
  if (another !== undefined) throw new Malformed('MultiRequests stands twice')
  return {
    returnPolicyIdList: flag(attributes, 'ReturnPolicyIdList'),
    combinedDecision: flag(attributes, 'CombinedDecision'),
    categories: parts.filter(({ name }) => name === 'Attributes').map(categoryOf),
    references: multi && childrenOf(multi, ['RequestReference']).map(referencesOf),
  }
}

function categoryOf(element: XmlElement): XacmlCategory {
  const given = attributesOf(element, ['Category', XML_ID])
  if (element.children.some(({ name }) => name === 'Content'))
    throw new Malformed('Content is not supported: policies here ask nothing of it')
  return {
    category: required(given, 'Category'),
    id: given.get(XML_ID),
    attributes: childrenOf(element, ['Attribute']).map(attributeOf),
  }
}

function attributeOf(element: XmlElement): XacmlAttribute {
  const given = attributesOf(element, ['AttributeId', 'Issuer', 'IncludeInResult'])
  const id = required(given, 'AttributeId')
  const values = childrenOf(element, ['AttributeValue']).map((value) => valueOf(id, value))
  if (values.length === 0) throw new Malformed(`${id}: it has no AttributeValue`)
  return { id, issuer: given.get('Issuer'), includeInResult: flag(given, 'IncludeInResult'), values }
}

function valueOf(id: string, element: XmlElement): XacmlValue {
  const type = required(attributesOf(element, ['DataType']), 'DataType')
  if (element.children.length > 0 || element.interrupted)
    throw new Malformed(`${id}: a value is text alone, without elements and comments`)
  const text = canonicalValue(type, element.text)
  if (text === undefined) throw new Malformed(`${id}: a value is no ${type}`)
  return { type, text }
}

function referencesOf(element: XmlElement): readonly string[] {
  return childrenOf(element, ['AttributesReference']).map((reference) =>
    required(attributesOf(reference, ['ReferenceId']), 'ReferenceId'),
  )
}

/** Elements that may stand here, all of them XACML's, and no text between them. */
function childrenOf({ name, children, text }: XmlElement, known: readonly string[]): readonly XmlElement[] {
  if (text.trim() !== '') throw new Malformed(`${name}: there is text beside its elements`)
  const odd = children.find((child) => child.namespace !== XACML_NAMESPACE || !known.includes(child.name))
  if (odd === undefined) return children
  const where = odd.namespace === XACML_NAMESPACE ? '' : ` of the namespace ${odd.namespace || '(none)'}`
  throw new Malformed(`${name}: ${odd.name}${where} does not belong here`)
}

function attributesOf(
  { name, namespace, attributes }: XmlElement,
  known: readonly string[],
): ReadonlyMap<string, string> {
  if (namespace !== XACML_NAMESPACE) throw new Malformed(`${name}: its namespace has to be ${XACML_NAMESPACE}`)
  const odd = [...attributes.keys()].find((each) => !known.includes(each) && !each.startsWith(INSTANCE))
  if (odd !== undefined) throw new Malformed(`${name}: the attribute ${odd} does not belong here`)
  return attributes
}

function required(attributes: ReadonlyMap<string, string>, name: string): string {
  const value = attributes.get(name)?.trim()
  if (value === undefined || value === '') throw new Malformed(`${name} is missing`)
  return value
}

/** False where absent: so the JSON form says, and it is what people mean who leave it out. */
function flag(attributes: ReadonlyMap<string, string>, name: string): boolean {
  const value = attributes.get(name)
  if (value === undefined) return false
  const known = canonicalValue(DATA_TYPES.boolean, value)
  if (known === undefined) throw new Malformed(`${name} is true or false`)
  return known === 'true' || known === '1'
}
