import { z } from 'zod'
import { canonicalValue, DATA_TYPES, typeUri } from './data-types.ts'
import { CATEGORIES } from './identifiers.ts'
import { jsonFlaw } from './json-flaw.ts'
import type { RequestReading, XacmlAttribute, XacmlCategory, XacmlRequest, XacmlValue } from './request.ts'

function inList(given: unknown): unknown {
  return Array.isArray(given) ? (given as readonly unknown[]) : [given]
}

/** One may stand without a list around it (JSON Profile of XACML 3.0 §3.2). */
function listOf<T extends z.ZodType>(member: T) {
  return z.preprocess((given) => (given === undefined ? undefined : inList(given)), z.array(member).default([]))
}

const scalar = z.union([z.string(), z.number(), z.boolean()], { error: 'a text, a number, true or false is needed' })

const attributeSchema = z.strictObject({
  AttributeId: z.string().min(1),
  Issuer: z.string().optional(),
  DataType: z.string().min(1).optional(),
  IncludeInResult: z.boolean().default(false),
  Value: z.preprocess(inList, z.array(scalar)),
})

const shared = {
  Id: z.string().min(1).optional(),
  Content: z.never({ error: 'Content is not supported: policies here ask nothing of it' }).optional(),
  Attribute: listOf(attributeSchema),
}
const categorySchema = z.strictObject({ CategoryId: z.string().min(1), ...shared })
const shortSchema = z.strictObject({ CategoryId: z.string().optional(), ...shared })

type Short = keyof typeof CATEGORIES
const SHORT_NAMES = Object.keys(CATEGORIES) as Short[]
const short = listOf(shortSchema)

const requestSchema = z.strictObject({
  Request: z.strictObject({
    ReturnPolicyIdList: z.boolean().default(false),
    CombinedDecision: z.boolean().default(false),
    XPathVersion: z.string().optional(),
    Category: listOf(categorySchema),
    ...({ AccessSubject: short, RecipientSubject: short, IntermediarySubject: short, Codebase: short } as const),
    ...({ RequestingMachine: short, Resource: short, Action: short, Environment: short } as const),
    MultiRequests: z
      .strictObject({ RequestReference: listOf(z.strictObject({ ReferenceId: listOf(z.string()) })) })
      .optional(),
  }),
})

type Written = z.infer<typeof requestSchema>['Request']

/** Reads a request in JSON (JSON Profile of XACML 3.0 Version 1.1 §4). */
export function readJsonRequest(text: string): RequestReading {
  const flaw = jsonFlaw(text)
  if (flaw !== undefined) return malformed(flaw)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return malformed('this is not JSON')
  }
  const { success, data, error } = requestSchema.safeParse(value)
  if (success) return requestOf(data.Request)
  const [issue] = error.issues
  return malformed(issue === undefined ? 'no request' : `${issue.path.join('.') || 'body'}: ${issue.message}`)
}

function malformed(message: string): RequestReading {
  return { kind: 'malformed', message }
}

function requestOf(written: Written): RequestReading {
  const { ReturnPolicyIdList, CombinedDecision, MultiRequests, Category } = written
  const named = SHORT_NAMES.flatMap((name) => written[name].map((each) => ({ name, ...each })))
  const odd = named.find(({ name, CategoryId }) => CategoryId !== undefined && CategoryId !== CATEGORIES[name])
  if (odd !== undefined) return malformed(`${odd.name}: its CategoryId is ${CATEGORIES[odd.name]}`)
  const all = [...named.map((each) => ({ ...each, CategoryId: CATEGORIES[each.name] })), ...Category]
  const categories: XacmlCategory[] = []
  for (const { CategoryId: category, Id: id, Attribute } of all) {
    const attributes: XacmlAttribute[] = []
    for (const each of Attribute) {
      const values = valuesOf(each)
      if (typeof values === 'string') return malformed(values)
      const { AttributeId, Issuer: issuer, IncludeInResult: includeInResult } = each
      attributes.push({ id: AttributeId, issuer, includeInResult, values })
    }
    categories.push({ category, id, attributes })
  }
  const request: XacmlRequest = {
    returnPolicyIdList: ReturnPolicyIdList,
    combinedDecision: CombinedDecision,
    categories,
    references: MultiRequests?.RequestReference.map(({ ReferenceId }) => ReferenceId),
  }
  return { kind: 'request', request }
}

/** Or what is wrong with them. A type that is not named is that of the JSON value (§3.3.1); one list has one type. */
function valuesOf({ AttributeId, DataType, Value }: z.infer<typeof attributeSchema>): readonly XacmlValue[] | string {
  const inferred = new Set(Value.map(inferredType))
  const isNumeric = [...inferred].every((type) => type === DATA_TYPES.integer || type === DATA_TYPES.double)
  const [only = DATA_TYPES.string, another] = inferred
  if (another !== undefined && !isNumeric) return `${AttributeId}: its values are of several types`
  const type = DataType === undefined ? (another === undefined ? only : DATA_TYPES.double) : typeUri(DataType)
  const values: XacmlValue[] = []
  for (const each of Value) {
    if (typeof each === 'number' && Number.isInteger(each) && !Number.isSafeInteger(each))
      return `${AttributeId}: write a number of so many digits as a text`
    const text = canonicalValue(type, String(each))
    if (text === undefined) return `${AttributeId}: a value is no ${type}`
    values.push({ type, text })
  }
  return values
}

function inferredType(value: string | number | boolean): string {
  if (typeof value === 'number') return Number.isInteger(value) ? DATA_TYPES.integer : DATA_TYPES.double
  return typeof value === 'boolean' ? DATA_TYPES.boolean : DATA_TYPES.string
}
