import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem, orderProblems } from './problems.ts'
import { parseSource, readSource } from './source-document.ts'

const env = { YAML: 'x\nadmin: true', PORT: '9', LIST: '[1, 2]' }
const read = (text: string | Uint8Array) =>
  readSource(parseSource('f.yaml', typeof text === 'string' ? Buffer.from(text) : text), {
    env,
    file: () => ({ kind: 'failed', why: 'does not exist' }),
  })
const problems = (text: string | Uint8Array) => orderProblems(read(text).problems).map(formatProblem)

function bomb(levels: number): string {
  const lines = ['a0: &a0 [x, x]']
  for (let level = 1; level <= levels; level++) lines.push(`a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`)
  return lines.join('\n')
}

test('yaml-alias-bomb: 30 levels of doubling are refused at the alias, and quickly', () => {
  const found = problems(bomb(30))
  assert.equal(found.length, 1)
  assert.match(found[0] ?? '', /^f\.yaml:\d+:\d+: aliases multiply too much \(alias bomb\)/)
})

test('anchors and aliases of ordinary size are read, each use a value of its own', () => {
  assert.deepEqual(read('a: &x { b: 1 }\nc: *x\nd: [*x, *x]').value, {
    a: { b: 1 },
    c: { b: 1 },
    d: [{ b: 1 }, { b: 1 }],
  })
})

test('an alias without an anchor above, or inside its own value, is refused where it stands', () => {
  assert.deepEqual(problems('a: *b\nb: &b 1'), ['f.yaml:1:4: there is no anchor &b above; add it or quote the text'])
  assert.deepEqual(problems('a: &a\n  b: [1, *a]'), ['f.yaml:2:10: *a stands inside the value it refers to'])
})

test('yaml-merge-chain: << merges nothing and is refused', () => {
  assert.deepEqual(problems('x: &x { a: 1 }\ny:\n  <<: *x\n  b: 2'), [
    'f.yaml:3:3: merge keys are not supported; write the keys out',
  ])
})

test('yaml-dup-key: every repeated key is reported, also in flow style and in another spelling', () => {
  assert.deepEqual(problems('rules: a\nrules: b\nx: { k: 1, k: 2 }\n1: a\n"1": b'), [
    'f.yaml:2:1: this key is there already; remove one of them',
    'f.yaml:3:12: this key is there already; remove one of them',
    'f.yaml:5:1: this key is there already; remove one of them',
  ])
})

test('yaml-norway and the other YAML 1.1 words stay texts', () => {
  assert.deepEqual(read('a: no\nb: on\nc: yes\nd: 12:30:45\ne: 2026-01-02').value, {
    a: 'no',
    b: 'on',
    c: 'yes',
    d: '12:30:45',
    e: '2026-01-02',
  })
})

test('yaml-octal: a number with a leading zero is refused, a quoted one is a text', () => {
  assert.deepEqual(problems('mode: 0777'), [
    'f.yaml:1:7: a number that starts with 0 can be read in two ways; drop the 0, or quote it',
  ])
  assert.deepEqual(read('a: "01"\nb: 0\nc: 0.5').value, { a: '01', b: 0, c: 0.5 })
})

test('yaml-tag: tags that could make anything else than plain values are refused', () => {
  for (const tag of ['!!js/function', '!!binary', '!custom', '!!set']) {
    assert.deepEqual(problems(`a: ${tag} "x"`), ['f.yaml:1:4: this tag is not supported; remove it'], tag)
  }
})

test('yaml-proto: __proto__ is refused and no prototype changes', () => {
  const document = read('__proto__:\n  admin: true\nb: 1')
  assert.deepEqual(document.problems.map(formatProblem), ['f.yaml:1:1: __proto__ cannot be a key'])
  assert.equal(({} as Record<string, unknown>)['admin'], undefined)
  assert.equal((document.value as Record<string, unknown>)['admin'], undefined)
})

test('yaml-multi-doc and directives: a file is one YAML 1.2 document', () => {
  assert.deepEqual(problems('a: 1\n---\nb: 2'), ['f.yaml:2:1: a second YAML document starts here; a file holds one'])
  assert.deepEqual(problems('%YAML 1.1\n---\na: no'), ['f.yaml:1:1: remove the %YAML directive; files are YAML 1.2'])
})

test('yaml-tabs-bom-crlf: tabs have their place, a byte order mark and CRLF do not shift columns', () => {
  assert.deepEqual(problems('a:\n\tb: 1').slice(0, 1), ['f.yaml:2:1: a tab indents this line; use spaces'])
  assert.deepEqual(problems('\uFEFFa: 1\r\nb: ${X}\r\n'), [
    'f.yaml:2:4: unknown reference; write ${env:NAME}, ${env:NAME:-default} or ${file:PATH}, or $${ for the two characters themselves',
  ])
  assert.match(problems('\uFEFFa: 1\r\na: 2\r\n').join(), /^f\.yaml:2:1: /)
})

test('bytes that are not UTF-8 are reported at their line', () => {
  assert.deepEqual(problems(Buffer.from([0x61, 0x3a, 0x20, 0x31, 0x0a, 0x62, 0x3a, 0x20, 0xff])), [
    'f.yaml:2:4: this is not UTF-8; save the file as UTF-8',
  ])
})

test('several syntax errors are all reported, and nothing is read', () => {
  const document = read('a: "x\\q"\nb: @y\nc: [1')
  assert.deepEqual(
    document.problems.map(({ line, column }) => [line, column]),
    [
      [1, 6],
      [2, 4],
      [3, 6],
    ],
  )
  assert.equal(document.value, undefined)
})

test('nesting beyond all reason is a problem, not a crash', () => {
  assert.match(problems(`a: ${'['.repeat(70)}${']'.repeat(70)}`).join(), /nested too deeply/)
  assert.equal(problems(`a: ${'['.repeat(200_000)}`).length > 0, true)
})

test('interpolation happens on the parsed scalar: a value can inject neither keys nor types', () => {
  assert.deepEqual(read('a: ${env:YAML}\nb: "${env:LIST}"\nc: ${env:PORT}').value, {
    a: 'x\nadmin: true',
    b: '[1, 2]',
    c: '9',
  })
})

test('interpolation errors stand at their scalar, all of them, also in lists and block scalars', () => {
  assert.deepEqual(problems('a: ${env:A}\nb:\n  - x\n  - "${env:B}"\nc: |\n  ${file:gone}\n'), [
    'f.yaml:1:4: environment variable A is not set; set it, or write a default: ${env:A:-default}',
    'f.yaml:4:5: environment variable B is not set; set it, or write a default: ${env:B:-default}',
    'f.yaml:5:4: ${file:gone} does not exist',
  ])
})

test('references in keys and keys that are no texts are refused', () => {
  assert.deepEqual(problems('${env:PORT}: 1\n? [a]\n: 2'), [
    'f.yaml:1:1: references are not filled in within keys; write the key out',
    'f.yaml:2:3: a key must be a plain text',
  ])
})

test('values are found again: nested, in lists, through aliases; what is missing is at the nearest key above', () => {
  const document = read('a:\n  b:\n    - c: 1\n    - d: &x\n        e: 2\nf: *x\ng:\n')
  const at = (path: readonly PropertyKey[]) => {
    const { line, column } = document.locate(path)
    return `${line}:${column}`
  }
  assert.deepEqual(
    [['a', 'b', 0, 'c'], ['a', 'b', 1, 'd', 'e'], ['f', 'e'], ['a', 'b', 0, 'z'], ['a', 'z'], ['z'], ['g']].map(at),
    ['3:10', '5:12', '5:12', '3:7', '1:1', '1:1', '7:1'],
  )
  assert.deepEqual(document.locateKey(['a', 'b', 0, 'c']), { line: 3, column: 7 })
})

test('an empty file holds nothing, which is not an error', () => {
  assert.deepEqual([read('').value, read('# only a comment\n').value], [{}, {}])
})
