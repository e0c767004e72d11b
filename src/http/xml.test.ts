import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { escapeXml } from '../base/xml-text.ts'
import { readXml, type XmlElement } from './xml.ts'

function rootOf(text: string): XmlElement {
  const reading = readXml(text)
  return reading.kind === 'document' ? reading.root : assert.fail(reading.message)
}

function refusalOf(text: string): string | undefined {
  const reading = readXml(text)
  return reading.kind === 'refused' ? reading.message : undefined
}

test('elements, attributes and text are told with their namespaces', () => {
  const root = rootOf('<p:a xmlns:p="urn:x" p:b="1" c="&lt;&#65;"> t<d/><![CDATA[<u>]]></p:a>')
  assert.deepEqual([root.name, root.namespace, root.text], ['a', 'urn:x', ' t<u>'])
  assert.deepEqual(
    [...root.attributes],
    [
      ['{urn:x}b', '1'],
      ['c', '<A'],
    ],
  )
  assert.deepEqual(
    root.children.map(({ name, namespace }) => [name, namespace]),
    [['d', '']],
  )
  assert.equal(rootOf('\u{FEFF}<?xml version="1.0" encoding="UTF-8"?>\n<a/>\n<!-- end -->').name, 'a')
})

test('a comment in a text is told: others may read what stands before it alone', () => {
  const [value] = rootOf('<r><v>admin<!---->@evil.test</v></r>').children
  assert.deepEqual([value?.text, value?.interrupted], ['admin@evil.test', true])
  assert.equal(rootOf('<r><!-- x --><v>a</v></r>').children[0]?.interrupted, false)
})

/** Vectors: XML 1.0 §2 to §4, Namespaces in XML 1.0 §3 and §6; XXE and entity bombs (CWE-611, CWE-776). */
const REFUSED: Readonly<Record<string, string>> = {
  'a file by entity': '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
  'an address by entity': '<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1:1/"> %b;]><a/>',
  'an entity bomb':
    '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;">]><a>&d;</a>',
  'a document type alone': '<!DOCTYPE a><a/>',
  'a document type from elsewhere': '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
  'an entity of nobody': '<a>&b;</a>',
  'a stylesheet': '<?xml-stylesheet href="x"?><a/>',
  'a processing instruction in a text': '<a>b<?c d?>e</a>',
  'an include of another namespace is kept, a prefix of none is not': '<xi:include href="file:///etc/passwd"/>',
  'two roots': '<a/><b/>',
  'text before the root': 'x<a/>',
  'text after the root': '<a/>x',
  'an attribute twice': '<a b="1" b="2"/>',
  'an attribute twice by two prefixes': '<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>',
  'an attribute without quotes': '<a b=c/>',
  'a bare ampersand': '<a>&</a>',
  'the end of a section in text': '<a>]]></a>',
  'a character of none': '<a>\u0000</a>',
  'a character of none by number': '<a>&#0;</a>',
  'beyond Unicode': '<a>&#x110000;</a>',
  'a declaration that comes late': ' <?xml version="1.0"?><a/>',
  'another encoding': '<?xml version="1.0" encoding="UTF-16"?><a/>',
  'UTF-7': '<?xml version="1.0" encoding="UTF-7"?><a>+ADw-b+AD4-</a>',
  'XML 1.1': '<?xml version="1.1"?><a/>',
  'two dashes in a comment': '<a><!-- -- --></a>',
  'another end': '<a></b>',
  'no end': '<a>',
  'a prefix in a prefix': '<p:q:a xmlns:p="u"/>',
  'the namespace of xml under another': '<a xmlns:xml="u"/>',
  nothing: '',
  JSON: '{"Request":{}}',
}

suite('refused', () => {
  for (const [name, text] of Object.entries(REFUSED)) test(name, () => assert.ok(refusalOf(text)))
})

test('what is large in any way is refused as soon as it is, and what is not passes', () => {
  const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth)
  const many = (count: number): string => `<a>${'<b/>'.repeat(count - 1)}</a>`
  const wide = (count: number): string => `<a ${Array.from({ length: count }, (_, at) => `b${at}=""`).join(' ')}/>`
  const declaring = (count: number): string =>
    `<a ${Array.from({ length: count }, (_, at) => `xmlns:b${at}="u"`).join(' ')}/>`
  const long = (length: number): string => `<a>${'b'.repeat(length - 7)}</a>`
  const bounds: readonly (readonly [make: (size: number) => string, most: number])[] = [
    [nested, 24],
    [many, 2_000],
    [wide, 32],
    [declaring, 32],
    [long, 65_536],
  ]
  for (const [make, most] of bounds) {
    assert.equal(refusalOf(make(most)), undefined, make.name)
    assert.match(refusalOf(make(most + 1)) ?? '', /more than/, make.name)
  }
  assert.match(refusalOf('<a>'.repeat(21_000)) ?? '', /24/, 'before its end is looked for')
})

test('what is written is read again, whatever the text', () => {
  const texts = ['<&>"\'', 'a\tb\r\nc', ']]>', '\u{1F600}', ' ', '<!-- -->', '&amp;lt;']
  for (const text of texts) {
    const root = rootOf(`<a b="${escapeXml(text)}">${escapeXml(text)}</a>`)
    assert.deepEqual([root.attributes.get('b'), root.text], [text, text])
  }
  assert.equal(rootOf(`<a>${escapeXml('\u0000x\uD800y\uFFFE')}</a>`).text, '\u{FFFD}x\u{FFFD}y\u{FFFD}')
})
