import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readXml, type XmlElement } from '../../http/xml.ts'
import { escapeXml } from '../../base/xml-text.ts'
import { DATA_TYPES } from './data-types.ts'
import { CATEGORIES } from './identifiers.ts'
import { individualRequests } from './individual.ts'
import { readJsonRequest } from './read-json.ts'
import { readXmlRequest, XACML_NAMESPACE } from './read-xml.ts'
import type { XacmlAttribute, XacmlCategory, XacmlRequest } from './request.ts'
import { combineResults, indeterminate, type XacmlResult } from './result.ts'
import { writeJsonResponse } from './write-json.ts'
import { writeXmlResponse } from './write-xml.ts'

/** Any text that XML can carry: half a pair and control characters it cannot. */
const text = fc
  .string({ unit: 'binary', maxLength: 12 })
  .map((each) => each.replaceAll(/[^\t\n\r -\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '?'))
const name = fc.stringMatching(/^[a-z:._-]{1,12}$/)
const value = fc.oneof(
  text.map((each) => ({ type: DATA_TYPES.string, text: each })),
  fc.integer().map((each) => ({ type: DATA_TYPES.integer, text: String(each) })),
  fc.boolean().map((each) => ({ type: DATA_TYPES.boolean, text: String(each) })),
)
function plain<T>(of: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(of, { noNullPrototype: true })
}

const attribute: fc.Arbitrary<XacmlAttribute> = plain({
  id: name,
  issuer: fc.option(text, { nil: undefined }),
  includeInResult: fc.boolean(),
  values: fc.tuple(value, fc.nat(2)).map(([one, more]) => Array.from({ length: more + 1 }, () => one)),
})
const category: fc.Arbitrary<XacmlCategory> = plain({
  category: fc.oneof(fc.constantFrom(...Object.values(CATEGORIES)), name),
  id: fc.option(name, { nil: undefined }),
  attributes: fc.array(attribute, { maxLength: 4 }),
})
const request: fc.Arbitrary<XacmlRequest> = plain({
  returnPolicyIdList: fc.boolean(),
  combinedDecision: fc.boolean(),
  categories: fc.array(category, { maxLength: 4 }),
  references: fc.option(fc.array(fc.array(name, { maxLength: 3 }), { maxLength: 3 }), { nil: undefined }),
})

function inJson({ returnPolicyIdList, combinedDecision, categories, references }: XacmlRequest): string {
  const native = ({ type, text }: { type: string; text: string }): unknown =>
    type === DATA_TYPES.string ? text : (JSON.parse(text) as unknown)
  const Category = categories.map(({ category: CategoryId, id: Id, attributes }) => ({
    ...{ CategoryId, Id },
    Attribute: attributes.map(({ id: AttributeId, issuer: Issuer, includeInResult: IncludeInResult, values }) => ({
      ...{ AttributeId, Issuer, IncludeInResult },
      Value: values.length === 1 ? values.map(native)[0] : values.map(native),
    })),
  }))
  const MultiRequests = references && { RequestReference: references.map((ReferenceId) => ({ ReferenceId })) }
  const flags = { ReturnPolicyIdList: returnPolicyIdList, CombinedDecision: combinedDecision }
  return JSON.stringify({ Request: { ...flags, Category, MultiRequests } })
}

function inXml({ returnPolicyIdList, combinedDecision, categories, references }: XacmlRequest): string {
  const given = (key: string, each: string | undefined) => (each === undefined ? '' : ` ${key}="${escapeXml(each)}"`)
  const attributes = categories.map(
    (each) =>
      `<x:Attributes${given('Category', each.category)}${given('xml:id', each.id)}>${each.attributes
        .map(
          ({ id, issuer, includeInResult, values }) =>
            `<x:Attribute${given('AttributeId', id)}${given('Issuer', issuer)} IncludeInResult="${includeInResult ? 1 : 0}">${values
              .map(({ type, text }) => `<x:AttributeValue DataType="${type}">${escapeXml(text)}</x:AttributeValue>`)
              .join('')}</x:Attribute>`,
        )
        .join('')}</x:Attributes>`,
  )
  const multi = references?.map(
    (ids) =>
      `<x:RequestReference>${ids.map((id) => `<x:AttributesReference${given('ReferenceId', id)}/>`).join('')}</x:RequestReference>`,
  )
  return `<x:Request xmlns:x="${XACML_NAMESPACE}" ReturnPolicyIdList="${returnPolicyIdList}" CombinedDecision="${combinedDecision}">
    ${attributes.join('\n')}${multi === undefined ? '' : `<x:MultiRequests>${multi.join('')}</x:MultiRequests>`}</x:Request>`
}

test('a request says the same in XML and in JSON', () => {
  fc.assert(
    fc.property(request, (asked) => {
      assert.deepEqual(readJsonRequest(inJson(asked)), { kind: 'request', request: asked })
      assert.deepEqual(readXmlRequest(inXml(asked)), { kind: 'request', request: asked })
    }),
    { numRuns: 50 },
  )
})

const HOSTILE = '"><Decision>Permit</Decision><!-- &amp; \u0000\r\n ]]>'

const RESULT: XacmlResult = {
  decision: 'Deny',
  problem: undefined,
  advice: [{ id: 'urn:x', assignments: [{ id: HOSTILE, type: DATA_TYPES.string, text: HOSTILE }] }],
  categories: [
    {
      category: CATEGORIES.Resource,
      id: 'r1',
      attributes: [
        { id: 'a', issuer: HOSTILE, includeInResult: true, values: [{ type: DATA_TYPES.string, text: HOSTILE }] },
      ],
    },
  ],
  policies: ['urn:p:1', 'urn:p:2'],
}

function all(root: XmlElement, wanted: string): readonly XmlElement[] {
  return [...(root.name === wanted ? [root] : []), ...root.children.flatMap((child) => all(child, wanted))]
}

test('XACML Core 3.0 §5.48: a result in XML has its elements in the order of the schema, and no text becomes markup', () => {
  const missing = { category: 'c', id: HOSTILE, type: DATA_TYPES.string }
  const bad = indeterminate({ code: 'missing-attribute', message: HOSTILE, missing })
  const reading = readXml(writeXmlResponse([RESULT, bad]))
  const root = reading.kind === 'document' ? reading.root : assert.fail(reading.message)
  assert.deepEqual([root.name, root.namespace], ['Response', XACML_NAMESPACE])
  const parts = root.children.map(({ children }) => children.map((child) => child.name))
  assert.deepEqual(parts, [
    ['Decision', 'Status', 'AssociatedAdvice', 'Attributes', 'PolicyIdentifierList'],
    ['Decision', 'Status'],
  ])
  assert.deepEqual(
    all(root, 'Decision').map((each) => each.text),
    ['Deny', 'Indeterminate'],
  )
  const told = HOSTILE.replace('\u0000', '\u{FFFD}')
  assert.deepEqual(
    ['AttributeAssignment', 'AttributeValue', 'StatusMessage'].map((each) => all(root, each)[0]?.text),
    [told, told, told],
  )
  assert.equal(all(root, 'MissingAttributeDetail')[0]?.attributes.get('AttributeId'), told)
  assert.deepEqual(
    all(root, 'PolicyIdReference').map((each) => each.text),
    ['urn:p:1', 'urn:p:2'],
  )
  assert.deepEqual(all(root, 'Attributes')[0]?.attributes.get('{http://www.w3.org/XML/1998/namespace}id'), 'r1')
})

test('JSON Profile 1.1 §5: a result in JSON', () => {
  const { Response } = JSON.parse(writeJsonResponse([RESULT])) as { Response: readonly object[] }
  assert.deepEqual(Response, [
    {
      Decision: 'Deny',
      Status: { StatusCode: { Value: 'urn:oasis:names:tc:xacml:1.0:status:ok' } },
      AssociatedAdvice: [
        { Id: 'urn:x', AttributeAssignment: [{ AttributeId: HOSTILE, DataType: DATA_TYPES.string, Value: HOSTILE }] },
      ],
      Category: [
        {
          CategoryId: CATEGORIES.Resource,
          Id: 'r1',
          Attribute: [
            { AttributeId: 'a', Issuer: HOSTILE, DataType: DATA_TYPES.string, IncludeInResult: true, Value: HOSTILE },
          ],
        },
      ],
      PolicyIdentifierList: { PolicyIdReference: [{ Id: 'urn:p:1' }, { Id: 'urn:p:2' }] },
    },
  ])
})

test('MDP §3: one answer for all is what each of them says, and never a Permit beside anything else', () => {
  const plain = (decision: XacmlResult['decision']): XacmlResult => ({ ...RESULT, decision, advice: [] })
  const combined = (...results: readonly XacmlResult[]) => combineResults(results).decision
  assert.equal(combined(plain('Permit'), plain('Permit')), 'Permit')
  assert.equal(combined(plain('NotApplicable')), 'NotApplicable')
  for (const other of ['Deny', 'NotApplicable', 'Indeterminate'] as const) {
    assert.equal(combined(plain('Permit'), plain(other)), 'Indeterminate')
    assert.equal(combined(plain(other), plain('Permit')), 'Indeterminate')
  }
  assert.equal(combined(plain('Deny'), RESULT), 'Indeterminate', 'advice would be lost')
  assert.equal(combined(), 'Indeterminate')
  assert.deepEqual(combineResults([plain('Deny'), plain('Deny')]).policies, ['urn:p:1', 'urn:p:2'])
})

test('what comes back with each of many decisions is bounded in all', () => {
  const attributes = (id: string, length: number): readonly XacmlAttribute[] => [
    { id, issuer: undefined, includeInResult: true, values: [{ type: DATA_TYPES.string, text: 'x'.repeat(length) }] },
  ]
  const resources = Array.from({ length: 200 }, (): XacmlCategory => ({
    category: CATEGORIES.Resource,
    id: undefined,
    attributes: [],
  }))
  const asked = (length: number): XacmlRequest => ({
    ...{ returnPolicyIdList: false, combinedDecision: false, references: undefined },
    categories: [
      { category: CATEGORIES.Environment, id: undefined, attributes: attributes('a', length) },
      ...resources,
    ],
  })
  assert.ok('length' in individualRequests(asked(2_000)))
  assert.ok('code' in individualRequests(asked(3_000)))
})
