import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { collapsed } from './classic.ts'
import { covers } from './coverage.fixture.ts'
import { checkPattern, type Matching } from './pattern.ts'

interface AmVector {
  readonly id: string
  readonly fn: string
  readonly pattern?: string | null
  readonly resource?: string | null
  readonly match?: boolean
  readonly result?: string
  readonly in?: string
  readonly out?: string | null
}

type Reasons = Readonly<Record<string, string>>

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`vectors/${name}`, import.meta.url), 'utf8'))
}

const { vectors } = readJson('am-match.json') as { readonly vectors: readonly AmVector[] }
const differences = readJson('am-differences.json') as Readonly<Record<Matching | 'normalize' | 'absent', Reasons>>

/** The Java engine also compares bare paths; they are the path of some site. */
const onSite = (text: string) => (text.startsWith('/') ? `http://site${text}` : text)
const compared = vectors.filter((v) => typeof v.pattern === 'string' && typeof v.resource === 'string')
const pathForms = vectors.filter((v) => v.fn === 'PrefixResourceName.canonicalize')
const portForms = vectors.filter((v) => v.fn === 'URLResourceName.canonicalize')
const patternForms = vectors.filter((v) => v.fn === 'normalize_pattern')

for (const matching of ['component', 'classic'] as const) {
  suite(`behaviour observed in OpenAM, ${matching}`, () => {
    const reasons = differences[matching]
    for (const { id, pattern, resource, match, result } of compared) {
      const expected = match ?? (result === 'EXACT_MATCH' || result === 'WILDCARD_MATCH')
      const reason = reasons[id]
      test(`${id}: ${String(pattern)} on ${String(resource)} ${reason === undefined ? 'agrees' : `differs: ${reason}`}`, () => {
        const actual = covers(onSite(pattern ?? ''), onSite(resource ?? ''), { matching })
        assert.equal(actual, reason === undefined ? expected : !expected)
      })
    }

    for (const { id, in: short = '', out } of [...portForms, ...patternForms]) {
      if (typeof out !== 'string' || !/^http/.test(short)) continue
      test(`${id}: ${short} means ${out}`, () => {
        for (const origin of [
          'http://www.example.com',
          'https://www.example.com:8443',
          'http://a.c.b',
          'https://a.b.com',
        ]) {
          for (const path of ['/hello', '/first/second?a=b', '/path', '/?a=b', '/']) {
            const url = origin + path
            assert.equal(covers(short, url, { matching }), covers(out, url, { matching }), url)
          }
        }
      })
    }
  })
}

suite('forms of a URL observed in OpenAM', () => {
  for (const { id, in: given = '', out } of pathForms) {
    test(`${id}: ${given} is ${String(out)} to classic sets`, () => {
      const [, site = '', path = '', query = ''] = /^([a-z]+:\/\/[^/]*)?([^?]*)(.*)$/.exec(given) ?? []
      assert.equal(site + collapsed(path) + query, out)
    })
  }

  for (const { id, in: given = '', out } of [...portForms, ...patternForms]) {
    if (typeof out === 'string' && /^http/.test(given)) continue
    const reason = differences.normalize[id]
    test(`${id}: ${given} ${reason === undefined ? 'is no pattern' : `differs: ${reason}`}`, () => {
      assert.equal(checkPattern(given) === undefined, reason !== undefined)
    })
  }
})

test('each of the 215 vectors is tested, or listed with the reason why it cannot be; every reason is about one', () => {
  const tested = [...compared, ...pathForms, ...portForms, ...patternForms].map(({ id }) => id)
  const accounted = [...tested, ...Object.keys(differences.absent)]
  assert.equal(vectors.length, 215)
  assert.deepEqual(accounted.toSorted(), vectors.map(({ id }) => id).toSorted())
  const reasons = [differences.component, differences.classic, differences.normalize].flatMap((list) =>
    Object.keys(list),
  )
  assert.deepEqual(
    reasons.filter((id) => !tested.includes(id)),
    [],
  )
})
