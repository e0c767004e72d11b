import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { RealmName } from '../../base/brand.ts'
import { DATA_TYPES } from './data-types.ts'
import { ATTRIBUTES, CATEGORIES } from './identifiers.ts'
import { jsonFlaw } from './json-flaw.ts'
import { readQuestion } from './question.ts'
import { readJsonRequest } from './read-json.ts'
import { readXmlRequest } from './read-xml.ts'
import type { RequestReading, XacmlRequest } from './request.ts'

const XMLNS = 'urn:oasis:names:tc:xacml:3.0:core:schema:wd-17'
const XS = 'http://www.w3.org/2001/XMLSchema#'

function requestOf(reading: RequestReading): XacmlRequest {
  return reading.kind === 'request' ? reading.request : assert.fail(reading.message)
}

function flawOf(reading: RequestReading): string {
  return reading.kind === 'malformed' ? reading.message : assert.fail('it was read')
}

/** After the first example of XACML Core 3.0 §4.1.2: Bart Simpson wants to read a record. */
const CORE_EXAMPLE = `<?xml version="1.0" encoding="UTF-8"?>
<Request xmlns="${XMLNS}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:schemaLocation="${XMLNS} http://docs.oasis-open.org/xacml/3.0/xacml-core-v3-schema-wd-17.xsd"
    ReturnPolicyIdList="false" CombinedDecision="0">
  <Attributes Category="${CATEGORIES.AccessSubject}">
    <Attribute IncludeInResult="false" AttributeId="${ATTRIBUTES.subjectId}">
      <AttributeValue DataType="${DATA_TYPES.rfc822Name}"> bs@simpsons.com </AttributeValue>
    </Attribute>
  </Attributes>
  <!-- what he wants -->
  <Attributes Category="${CATEGORIES.Resource}">
    <Attribute IncludeInResult="true" AttributeId="${ATTRIBUTES.resourceId}">
      <AttributeValue DataType="${XS}anyURI">file://example/med/record/patient/BartSimpson</AttributeValue>
    </Attribute>
  </Attributes>
  <Attributes Category="${CATEGORIES.Action}">
    <Attribute IncludeInResult="false" AttributeId="${ATTRIBUTES.actionId}">
      <AttributeValue DataType="${XS}string">read</AttributeValue>
    </Attribute>
  </Attributes>
  <Attributes Category="${CATEGORIES.Environment}"/>
</Request>`

test('XACML Core 3.0 §4.1.2: the example is read', () => {
  const { categories, ...flags } = requestOf(readXmlRequest(CORE_EXAMPLE))
  assert.deepEqual(flags, { returnPolicyIdList: false, combinedDecision: false, references: undefined })
  assert.deepEqual(
    categories.map(({ category, attributes }) => [category, attributes.length]),
    [
      [CATEGORIES.AccessSubject, 1],
      [CATEGORIES.Resource, 1],
      [CATEGORIES.Action, 1],
      [CATEGORIES.Environment, 0],
    ],
  )
  const [subject, resource] = categories
  assert.deepEqual(subject?.attributes[0]?.values, [{ type: DATA_TYPES.rfc822Name, text: 'bs@simpsons.com' }])
  assert.equal(resource?.attributes[0]?.includeInResult, true)
})

/** After the examples of the JSON Profile of XACML 3.0 Version 1.1 §4 and §6: objects, lists, short names and types that are not named. */
const JSON_EXAMPLE = {
  Request: {
    ReturnPolicyIdList: true,
    AccessSubject: [
      {
        Id: 's1',
        Attribute: [
          { AttributeId: 'subject-id', Value: 'Andreas', Issuer: 'idp' },
          { AttributeId: 'location', Value: 'Gamla Stan', DataType: 'string', IncludeInResult: true },
          { AttributeId: 'age', Value: 42 },
          { AttributeId: 'height', Value: 1.5 },
          { AttributeId: 'sizes', Value: [1, 2.5] },
          { AttributeId: 'is-staff', Value: true },
          { AttributeId: 'groups', Value: ['a', 'b'] },
          { AttributeId: 'none', Value: [] },
        ],
      },
    ],
    Action: { Attribute: { AttributeId: 'action-id', Value: 'http://www.xacml.eu/buy', DataType: 'anyURI' } },
    Category: {
      CategoryId: 'urn:example:custom',
      Attribute: { AttributeId: 'x', Value: '2026-01-01', DataType: `${XS}date` },
    },
    MultiRequests: { RequestReference: { ReferenceId: 's1' } },
  },
}

test('JSON Profile 1.1 §3 and §4: single values, lists, short names and inferred types', () => {
  const { categories, ...flags } = requestOf(readJsonRequest(JSON.stringify(JSON_EXAMPLE)))
  assert.deepEqual(flags, { returnPolicyIdList: true, combinedDecision: false, references: [['s1']] })
  const told = categories.flatMap(({ category, attributes }) =>
    attributes.map(({ id, values }) => [
      category.split(':').at(-1),
      id,
      ...values.map(({ type, text }) => `${text} ${type.split('#').at(-1)}`),
    ]),
  )
  assert.deepEqual(told, [
    ['access-subject', 'subject-id', 'Andreas string'],
    ['access-subject', 'location', 'Gamla Stan string'],
    ['access-subject', 'age', '42 integer'],
    ['access-subject', 'height', '1.5 double'],
    ['access-subject', 'sizes', '1 double', '2.5 double'],
    ['access-subject', 'is-staff', 'true boolean'],
    ['access-subject', 'groups', 'a string', 'b string'],
    ['access-subject', 'none'],
    ['action', 'action-id', 'http://www.xacml.eu/buy anyURI'],
    ['custom', 'x', '2026-01-01 date'],
  ])
  const [subject] = categories
  assert.deepEqual(
    [subject?.id, subject?.attributes[0]?.issuer, subject?.attributes[1]?.includeInResult],
    ['s1', 'idp', true],
  )
})

const inJson = (attribute: string): string => `{"Request":{"Action":{"Attribute":${attribute}}}}`

/** What is no request in JSON, and a word of what is said about it. */
const JSON_FLAWS: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
  nothing: ['', /not JSON/],
  'half of it': ['{"Request":{', /not JSON/],
  XML: ['<Request/>', /not JSON/],
  'a list': ['[]', /body/],
  null: ['null', /body/],
  'no request': ['{}', /Request/],
  'an unknown name': ['{"Request":{"Subject":{}}}', /Subject/],
  'a name of Object.prototype': ['{"Request":{"constructor":{}}}', /constructor/],
  __proto__: ['{"Request":{"__proto__":{"Action":{}}}}', /__proto__/],
  '__proto__ in other words': [String.raw`{"Request":{"_\u005fproto__":{}}}`, /__proto__/],
  'a name twice': ['{"Request":{"Action":{},"Action":{}}}', /Action stands twice/],
  'a name twice in other words': [String.raw`{"Request":{"Action":{},"\u0041ction":{}}}`, /Action stands twice/],
  'a value twice': [inJson('{"AttributeId":"a","Value":"x","Value":"y"}'), /Value stands twice/],
  'a category without its name': ['{"Request":{"Category":{"Attribute":[]}}}', /CategoryId/],
  'a short name of another category': [`{"Request":{"Action":{"CategoryId":"${CATEGORIES.Resource}"}}}`, /CategoryId/],
  Content: ['{"Request":{"Resource":{"Content":"<a/>"}}}', /Content/],
  'no id': [inJson('{"Value":"x"}'), /AttributeId/],
  'no value': [inJson('{"AttributeId":"a"}'), /Value/],
  'null as a value': [inJson('{"AttributeId":"a","Value":null}'), /Value/],
  'an object as a value': [inJson('{"AttributeId":"a","Value":{"XPath":"/"}}'), /Value/],
  'a list in a list': [inJson('{"AttributeId":"a","Value":[["x"]]}'), /Value/],
  'values of several types': [inJson('{"AttributeId":"a","Value":["x",1]}'), /several types/],
  'a value that is not of its type': [inJson('{"AttributeId":"a","Value":"x","DataType":"integer"}'), /no http/],
  'more digits than a number has': [inJson('{"AttributeId":"a","Value":9007199254740993}'), /digits/],
  'more than a number': [inJson('{"AttributeId":"a","Value":1e999}'), /a number/],
  'a flag in quotes': ['{"Request":{"CombinedDecision":"true"}}', /CombinedDecision/],
  'deep lists': [`${'['.repeat(30_000)}${']'.repeat(30_000)}`, /more than 16/],
}

suite('no request in JSON', () => {
  for (const [name, [text, message]] of Object.entries(JSON_FLAWS))
    test(name, () => assert.match(flawOf(readJsonRequest(text)), message))
})

test('what looks like structure in a text is none', () => {
  const text = inJson(String.raw`{"AttributeId":"a","Value":["}],{\"Value\":1","\\",":","a\":"]}`)
  assert.equal(requestOf(readJsonRequest(text)).categories[0]?.attributes[0]?.values.length, 4)
})

const inXml = (content: string): string => `<Request xmlns="${XMLNS}">${content}</Request>`
const valued = (value: string): string =>
  inXml(`<Attributes Category="c"><Attribute AttributeId="a">${value}</Attribute></Attributes>`)

const XML_FLAWS: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
  JSON: ['{"Request":{}}', /./],
  'a file by entity': [
    `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>${valued(`<AttributeValue DataType="${XS}string">&b;</AttributeValue>`)}`,
    /document type/,
  ],
  'no namespace': ['<Request/>', /namespace/],
  'XACML 2.0': ['<Request xmlns="urn:oasis:names:tc:xacml:2.0:context:schema:os"/>', /namespace/],
  'another root': [`<Response xmlns="${XMLNS}"/>`, /root/],
  'another namespace within': [inXml('<Attributes xmlns="urn:x" Category="c"/>'), /namespace urn:x/],
  'none within': [inXml('<Attributes xmlns="" Category="c"/>'), /\(none\)/],
  'a value of another namespace': [
    valued(`<v:AttributeValue xmlns:v="urn:x" DataType="${XS}string">x</v:AttributeValue>`),
    /urn:x/,
  ],
  'an element of a policy': [inXml('<Policy/>'), /Policy/],
  'text between elements': [inXml('x'), /text/],
  Content: [inXml('<Attributes Category="c"><Content><a/></Content></Attributes>'), /Content/],
  'no category': [inXml('<Attributes/>'), /Category/],
  'an empty category': [inXml('<Attributes Category=" "/>'), /Category/],
  'an unknown attribute': [inXml('<Attributes Category="c" category="d"/>'), /category/],
  'no value': [valued(''), /AttributeValue/],
  'no type': [valued('<AttributeValue>x</AttributeValue>'), /DataType/],
  'a value that is not of its type': [valued(`<AttributeValue DataType="${XS}integer">1x</AttributeValue>`), /no http/],
  'an element in a value': [valued(`<AttributeValue DataType="${XS}string">x<a/>y</AttributeValue>`), /text alone/],
  'a comment in a value': [
    valued(`<AttributeValue DataType="${XS}string">alice<!---->@evil</AttributeValue>`),
    /text alone/,
  ],
  'a flag that is none': [`<Request xmlns="${XMLNS}" CombinedDecision="yes"/>`, /CombinedDecision/],
  'references twice': [inXml('<MultiRequests/><MultiRequests/>'), /twice/],
}

suite('no request in XML', () => {
  for (const [name, [text, message]] of Object.entries(XML_FLAWS))
    test(name, () => assert.match(flawOf(readXmlRequest(text)), message))
})

const WELL: Readonly<Record<string, readonly string[]>> = {
  boolean: ['true', '0'],
  integer: ['-7', '12345678901234567890'],
  double: ['1.5e-3', '-INF', 'NaN', '.5'],
  time: ['23:59:59.5Z', '00:00:00'],
  date: ['2026-02-28', '2026-12-31+01:00'],
  dateTime: ['2026-03-01T00:00:00Z', '2026-03-01T00:00:00.123456789+14:00'],
  dayTimeDuration: ['P1DT2H', '-PT5.5S', 'P3D'],
  yearMonthDuration: ['P1Y2M', 'P3M'],
  anyURI: ['urn:x', '', 'http://a/?b=c#d'],
  hexBinary: ['', '0aFF'],
  base64Binary: ['QUJD', 'QQ=='],
  rfc822Name: ['a@b.c'],
  x500Name: ['cn=a,o=b'],
  ipAddress: ['10.0.0.1', '10.0.0.0/255.0.0.0:80-90', '[::1]', '[fe80::1]/[ff::]:80'],
  dnsName: ['a.example.com', '*.example.com:443'],
}
const ILL: Readonly<Record<string, readonly string[]>> = {
  boolean: ['TRUE', 'yes', ''],
  integer: ['1.0', '', '0x1'],
  double: ['1e', '+INF', '.'],
  time: ['24:00:00', '1:00:00'],
  date: ['2026-13-01', '26-01-01'],
  dateTime: ['2026-03-01', '2026-03-01 00:00:00Z', '2026-03-01T00:00Z'],
  dayTimeDuration: ['P', 'P1DT', 'P1Y'],
  yearMonthDuration: ['P', 'P1D'],
  anyURI: ['a b', '<x>'],
  hexBinary: ['0', 'xy'],
  base64Binary: ['*', 'Q===='],
  rfc822Name: ['a', 'a@b@c'],
  x500Name: ['cn'],
  ipAddress: ['::1', 'host', '10.0.0.x'],
  dnsName: ['a b', ''],
}

test('XACML Core 3.0 §A.2: values are of their types, with space around them where it does not count', () => {
  const read = (DataType: string, Value: string) =>
    readJsonRequest(inJson(JSON.stringify({ AttributeId: 'a', DataType, Value })))
  for (const [type, values] of Object.entries(WELL))
    for (const value of values) {
      const [only] = requestOf(read(type, ` ${value}\n`)).categories[0]?.attributes[0]?.values ?? []
      assert.equal(only?.text, value, `${type}: ${value}`)
    }
  for (const [type, values] of Object.entries(ILL))
    for (const value of values) assert.match(flawOf(read(type, value)), /is no/, `${type}: ${value}`)
  const [kept] = requestOf(read('string', ' a ')).categories[0]?.attributes[0]?.values ?? []
  assert.equal(kept?.text, ' a ', 'space in a text is text')
})

const REALM = '/employees' as RealmName

interface Odd {
  readonly category: keyof typeof CATEGORIES
  readonly attribute: { readonly AttributeId: string; readonly Value: unknown; readonly DataType?: string }
}

/** A question that is whole, with something odd beside it. */
function problemOf({ category, attribute }: Odd): string | undefined {
  const whole: Record<string, { Attribute: object[] }> = {
    AccessSubject: { Attribute: [{ AttributeId: ATTRIBUTES.subjectId, Value: 'alice' }] },
    Resource: { Attribute: [{ AttributeId: ATTRIBUTES.resourceId, Value: 'http://a.test/' }] },
    Action: { Attribute: [{ AttributeId: ATTRIBUTES.actionId, Value: 'GET' }] },
  }
  whole[category] = { Attribute: [...(whole[category]?.Attribute ?? []), attribute] }
  const { categories } = requestOf(readJsonRequest(JSON.stringify({ Request: whole })))
  const read = readQuestion(categories, REALM)
  return read.kind === 'problem' ? `${read.problem.code} ${read.problem.message}` : undefined
}

const ODD: Readonly<
  Record<string, readonly [category: Odd['category'], AttributeId: string, Value: unknown, DataType?: string]>
> = {
  'another subject': ['AccessSubject', ATTRIBUTES.subjectId, 'bob'],
  'the same subject twice': ['AccessSubject', ATTRIBUTES.subjectId, 'alice'],
  'two tokens': ['AccessSubject', ATTRIBUTES.ssoToken, ['a', 'b']],
  'an empty token': ['AccessSubject', ATTRIBUTES.ssoToken, ''],
  'another realm': ['AccessSubject', ATTRIBUTES.qualifier, '/customers'],
  'a subject between': ['IntermediarySubject', 'x', 'y'],
  'a machine': ['RequestingMachine', 'x', 'y'],
  'a codebase': ['Codebase', 'x', 'y'],
  'a recipient': ['RecipientSubject', 'x', 'y'],
  'another resource': ['Resource', ATTRIBUTES.resourceId, 'http://b.test/'],
  'a scope of many': ['Resource', 'urn:oasis:names:tc:xacml:2.0:resource:scope', 'Descendants'],
  'an older scope of many': ['Resource', 'urn:oasis:names:tc:xacml:1.0:resource:scope', 'Children'],
  'a part of the content': ['Resource', 'urn:oasis:names:tc:xacml:3.0:content-selector', '/a'],
  'two policy sets': ['Resource', ATTRIBUTES.policySet, ['a', 'b']],
  'another action': ['Action', ATTRIBUTES.actionId, 'POST'],
  'an address of another type': ['Environment', ATTRIBUTES.address, 1],
  'a scope of another type': ['Environment', ATTRIBUTES.scopes, true],
  'a time alone': ['Environment', ATTRIBUTES.currentTime, '10:00:00Z', 'time'],
  'a date alone': ['Environment', ATTRIBUTES.currentDate, '2026-03-01', 'date'],
  'a time without its zone': ['Environment', ATTRIBUTES.currentDateTime, '2026-03-01T00:00:00', 'dateTime'],
  'a time as a text': ['Environment', ATTRIBUTES.currentDateTime, '2026-03-01T00:00:00Z'],
  'two times': [
    'Environment',
    ATTRIBUTES.currentDateTime,
    ['2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'],
    'dateTime',
  ],
  'two approvals': ['Environment', ATTRIBUTES.transaction, ['a', 'b']],
}

suite('what would be another question is a problem', () => {
  for (const [name, [category, AttributeId, Value, DataType]] of Object.entries(ODD))
    test(name, () => {
      const attribute = { AttributeId, Value, ...(DataType === undefined ? {} : { DataType }) }
      assert.match(problemOf({ category, attribute }) ?? '', /^syntax-error /)
    })
})

test('what no policy asks about is passed over, wherever it stands', () => {
  const passed: readonly Odd[] = [
    { category: 'AccessSubject', attribute: { AttributeId: 'urn:example:role', Value: 'admin' } },
    { category: 'AccessSubject', attribute: { AttributeId: ATTRIBUTES.resourceId, Value: 'http://b.test/' } },
    { category: 'Resource', attribute: { AttributeId: ATTRIBUTES.subjectId, Value: 'bob' } },
    {
      category: 'Resource',
      attribute: { AttributeId: 'urn:oasis:names:tc:xacml:2.0:resource:scope', Value: 'Immediate' },
    },
    { category: 'Environment', attribute: { AttributeId: ATTRIBUTES.ssoToken, Value: 'x' } },
    { category: 'Environment', attribute: { AttributeId: 'constructor', Value: 'x' } },
  ]
  for (const odd of passed) assert.equal(problemOf(odd), undefined, odd.attribute.AttributeId)
})

test('hostile requests take time by their length alone', () => {
  const FULL = 65_000
  const run = (unit: string): string => unit.repeat(Math.floor(FULL / unit.length))
  const texts = [
    run('{"a":'),
    run('['),
    `"${run('\\"')}`,
    run('"'),
    `{"Request":{"Action":[${run('{},')}{}]}}`,
    inJson(`{"AttributeId":"a","DataType":"double","Value":"${run('1')}"}`),
  ]
  const types = ['dayTimeDuration', 'base64Binary', 'ipAddress', 'dateTime', 'anyURI', 'rfc822Name', 'dnsName']
  const values = types.map((type) =>
    inJson(JSON.stringify({ AttributeId: 'a', DataType: type, Value: `${run('1')}!` })),
  )
  const began = process.cpuUsage()
  for (const text of [...texts, ...values]) readJsonRequest(text)
  for (const text of [
    run('<a>'),
    run('<!---->'),
    inXml(run('<!-- -->')),
    valued(run('<AttributeValue/>')),
    run('&#65;'),
  ])
    readXmlRequest(text)
  // Longer than any body, so that time by the square of the length would be a minute where this is a blink.
  assert.equal(jsonFlaw(`"${String.raw`\"`.repeat(150_000)}`), undefined)
  const { user } = process.cpuUsage(began)
  assert.ok(user < 20_000_000, `${user} µs`)
})

test('there is a bound to how much a request may have in it', () => {
  const objects = (count: number): string =>
    `{"Request":{"Action":[${Array.from({ length: count - 2 }, () => '{}').join(',')}]}}`
  assert.equal(requestOf(readJsonRequest(objects(2_000))).categories.length, 1_998)
  assert.match(flawOf(readJsonRequest(objects(2_001))), /more than 2000 objects/)
})
