import { DATA_TYPES } from './data-types.ts'
import { STATUS_CODES } from './identifiers.ts'
import type { XacmlAttribute, XacmlCategory, XacmlValue } from './request.ts'
import type { XacmlAdvice, XacmlResult } from './result.ts'

/** A response in JSON (JSON Profile of XACML 3.0 Version 1.1 §5). */
export function writeJsonResponse(results: readonly XacmlResult[]): string {
  return `${JSON.stringify({ Response: results.map(resultOf) })}\n`
}

function resultOf({ decision, problem, advice, categories, policies }: XacmlResult): object {
  return {
    Decision: decision,
    Status: statusOf(problem),
    ...(advice.length === 0 ? {} : { AssociatedAdvice: advice.map(adviceOf) }),
    ...(categories.length === 0 ? {} : { Category: categories.map(categoryOf) }),
    ...(policies.length === 0
      ? {}
      : { PolicyIdentifierList: { PolicyIdReference: policies.map((id) => ({ Id: id })) } }),
  }
}

function statusOf(problem: XacmlResult['problem']): object {
  if (problem === undefined) return { StatusCode: { Value: STATUS_CODES.ok } }
  const { code, message, missing } = problem
  return { StatusCode: { Value: STATUS_CODES[code] }, StatusMessage: message, ...(missing && detailOf(missing)) }
}

function detailOf({ category, id, type }: NonNullable<NonNullable<XacmlResult['problem']>['missing']>): object {
  const detail = { Category: category, AttributeId: id, DataType: type }
  return { StatusDetail: { MissingAttributeDetail: [detail] } }
}

function adviceOf({ id, assignments }: XacmlAdvice): object {
  return {
    Id: id,
    AttributeAssignment: assignments.map(({ id: AttributeId, type: DataType, text: Value }) => ({
      ...{ AttributeId, DataType, Value },
    })),
  }
}

function categoryOf({ category, id, attributes }: XacmlCategory): object {
  return { CategoryId: category, ...(id === undefined ? {} : { Id: id }), Attribute: attributes.map(attributeOf) }
}

function attributeOf({ id, issuer, values }: XacmlAttribute): object {
  const [first] = values
  return {
    AttributeId: id,
    ...(issuer === undefined ? {} : { Issuer: issuer }),
    ...(first === undefined ? {} : { DataType: first.type }),
    IncludeInResult: true,
    Value: values.length === 1 && first !== undefined ? native(first) : values.map(native),
  }
}

/** Numbers and truth as JSON has them, as far as it has them exactly. */
function native({ type, text }: XacmlValue): string | number | boolean {
  if (type === DATA_TYPES.boolean) return text === 'true' || text === '1'
  if (type !== DATA_TYPES.integer) return text
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : text
}
