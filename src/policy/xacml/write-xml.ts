import { escapeXml } from '../../base/xml-text.ts'
import { STATUS_CODES } from './identifiers.ts'
import { XACML_NAMESPACE } from './read-xml.ts'
import type { XacmlAttribute, XacmlCategory } from './request.ts'
import type { XacmlAdvice, XacmlResult } from './result.ts'

/** A response in XML (XACML Core 3.0 §5.47). */
export function writeXmlResponse(results: readonly XacmlResult[]): string {
  const inner = results.map((result) => element('Result', {}, resultOf(result)))
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('Response', { xmlns: XACML_NAMESPACE }, inner)}\n`
}

/** Content is markup already; values of attributes are text. One that is `undefined` is left out. */
function element(
  name: string,
  attributes: Readonly<Record<string, string | undefined>>,
  content: readonly string[],
): string {
  const given = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : ` ${key}="${escapeXml(value)}"`,
  )
  const tag = `${name}${given.join('')}`
  return content.length === 0 ? `<${tag}/>` : `<${tag}>${content.join('')}</${name}>`
}

/** In the order of the schema. */
function resultOf({ decision, problem, advice, categories, policies }: XacmlResult): readonly string[] {
  const references = policies.map((id) => element('PolicyIdReference', {}, [escapeXml(id)]))
  return [
    element('Decision', {}, [decision]),
    element('Status', {}, statusOf(problem)),
    ...(advice.length === 0 ? [] : [element('AssociatedAdvice', {}, advice.map(adviceOf))]),
    ...categories.map(categoryOf),
    ...(references.length === 0 ? [] : [element('PolicyIdentifierList', {}, references)]),
  ]
}

function statusOf(problem: XacmlResult['problem']): readonly string[] {
  const code = element('StatusCode', { Value: STATUS_CODES[problem?.code ?? 'ok'] }, [])
  if (problem === undefined) return [code]
  const { message, missing } = problem
  const detail =
    missing &&
    element(
      'MissingAttributeDetail',
      { Category: missing.category, AttributeId: missing.id, DataType: missing.type },
      [],
    )
  const told = element('StatusMessage', {}, [escapeXml(message)])
  return [code, told, ...(detail === undefined ? [] : [element('StatusDetail', {}, [detail])])]
}

function adviceOf({ id, assignments }: XacmlAdvice): string {
  const assigned = assignments.map(({ id: AttributeId, type: DataType, text }) =>
    element('AttributeAssignment', { AttributeId, DataType }, [escapeXml(text)]),
  )
  return element('Advice', { AdviceId: id }, assigned)
}

function categoryOf({ category, id, attributes }: XacmlCategory): string {
  return element('Attributes', { Category: category, 'xml:id': id }, attributes.map(attributeOf))
}

function attributeOf({ id, issuer, values }: XacmlAttribute): string {
  const told = values.map(({ type, text }) => element('AttributeValue', { DataType: type }, [escapeXml(text)]))
  return element('Attribute', { IncludeInResult: 'true', AttributeId: id, Issuer: issuer }, told)
}
