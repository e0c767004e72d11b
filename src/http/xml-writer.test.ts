import assert from 'node:assert/strict'
import { test } from 'node:test'
import { element } from './xml-writer.ts'
import { readXml } from './xml.ts'

test('what is written reads back as it was, whatever is in it', () => {
  const nasty = `a<b>&"'\r\n\t]]><!--x--><?p?>&amp;`
  const written = element('r', { a: nasty, gone: undefined }, nasty, undefined, [element('c', {}, 'x'), element('c')])
  const read = readXml(written.xml)
  assert.ok(read.kind === 'document', JSON.stringify(read))
  assert.deepEqual([read.root.attributes.get('a'), read.root.text, read.root.children.length], [nasty, nasty, 2])
  assert.equal(read.root.attributes.has('gone'), false)
  assert.equal(element('r', {}, 'a\u0000\ud800b').xml, '<r>a\ufffd\ufffdb</r>')
})

test('an element says where it begins', () => {
  const text = '<?xml version="1.0"?>\n<r>\n  <a\n  x="&lt;"/><b>t</b></r>'
  const read = readXml(text)
  assert.ok(read.kind === 'document')
  const [a, b] = read.root.children
  assert.deepEqual(
    [read.root.offset, a?.offset, b?.offset],
    ['<r>', '<a', '<b>'].map((tag) => text.indexOf(tag)),
  )
})
