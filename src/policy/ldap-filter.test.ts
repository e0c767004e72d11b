import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseLdapFilter } from './ldap-filter.ts'

const USER: Readonly<Record<string, readonly string[]>> = {
  cn: ['Ada (Lovelace)'],
  dept: ['sales', 'it'],
  size: ['42'],
  note: ['a*b'],
  city: ['Zürich'],
}

function fits(text: string): boolean {
  const parsed = parseLdapFilter(text)
  assert.ok(parsed.kind === 'filter')
  return parsed.filter((name) => USER[name] ?? [])
}

suite('a search filter (RFC 4515)', () => {
  const cases: Readonly<Record<string, boolean>> = {
    '(dept=sales)': true,
    '(dept=SALES)': true,
    '(dept=sale)': false,
    '(dept~=Sales)': true,
    '(dept=s*s)': true,
    '(dept=*ale*)': true,
    '(dept=*t)': true,
    '(dept=sal*ales)': false,
    '(absent=*)': false,
    '(dept=*)': true,
    '(!(absent=*))': true,
    '(&(dept=sales)(size>=41))': true,
    '(&(dept=sales)(size>=43))': false,
    '(size<=42)': true,
    '(size<=9)': false,
    '(size>=100)': false,
    '(|(dept=hr)(dept=it))': true,
    '(cn=ada \\28lovelace\\29)': true,
    '(note=a\\2ab)': true,
    '(note=a\\2a)': false,
    '(city=z\\c3\\bcrich)': true,
    '(city=zürich)': true,
    '(dept=)': false,
  }
  for (const [text, expected] of Object.entries(cases))
    test(`${text} ${expected ? 'fits' : 'does not fit'}`, () => assert.equal(fits(text), expected))

  const refused = [
    '',
    'dept=sales',
    '(dept=sales',
    '(dept=sales))',
    '()',
    '(&)',
    '(|)',
    '(!)',
    '(!(a=b)(c=d))',
    '(dept)',
    '(=x)',
    '(a=b\\2)',
    '(a=b\\zz)',
    '(a=(b))',
    '(size>=4*)',
    '(cn:caseExactMatch:=x)',
    `${'(!'.repeat(20)}(a=b)${')'.repeat(20)}`,
    `(a=${'x'.repeat(3_000)})`,
  ]
  for (const text of refused)
    test(`${text.slice(0, 40)} is refused`, () => assert.equal(parseLdapFilter(text).kind, 'problem'))

  test('any text is a filter or a problem, and never a fault', () => {
    const text = fc.array(fc.constantFrom('(', ')', '&', '|', '!', '=', '*', '\\', '2a', 'a', '>', '~'), {
      maxLength: 30,
    })
    fc.assert(
      fc.property(text, (parts) => {
        const parsed = parseLdapFilter(parts.join(''))
        if (parsed.kind === 'filter') parsed.filter(() => ['a', '*'])
        return true
      }),
      { numRuns: 3_000 },
    )
  })

  test('a hostile filter takes no longer than its length: many wildcards on a long value', () => {
    const parsed = parseLdapFilter(`(a=${'*x'.repeat(500)}*)`)
    assert.ok(parsed.kind === 'filter')
    const started = performance.now()
    parsed.filter(() => ['x'.repeat(499) + 'y'.repeat(200_000)])
    assert.ok(performance.now() - started < 2_000)
  })
})
