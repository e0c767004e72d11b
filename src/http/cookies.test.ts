import fc from 'fast-check'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { EpochMs } from '../base/brand.ts'
import {
  AMBIGUOUS,
  clearCookie,
  cookieName,
  cookieSpellings,
  findCookie,
  lifeUntil,
  setCookie,
  setCookieName,
  stripCookies,
} from './cookies.ts'

interface Vector {
  readonly id: string
  readonly cookie?: string
}

const vectors = JSON.parse(readFileSync(new URL('vectors/cookie.json', import.meta.url), 'utf8')) as readonly Vector[]
const headers = new Map(vectors.flatMap(({ id, cookie }) => (cookie === undefined ? [] : [[id, cookie] as const])))

const SID: readonly (readonly [id: string, name: string, value: string | symbol | undefined])[] = [
  ['dup-name', 'sid', AMBIGUOUS],
  ['quoted', 'sid', 'VALID'],
  ['quoted-semi', 'sid', 'a;b=c; sid=VALID'],
  ['version', 'sid', 'VALID'],
  ['host-prefix-unicode', '__Host-sid', 'VALID'],
  ['host-prefix-latin', '__Host-sid', undefined],
  ['nameless', 'sid', undefined],
  ['nameless2', '__Host-sid', undefined],
  ['case', 'sid', undefined],
  ['space', 'sid', undefined],
  ['garbage', 'sid', '%ff%00\u0001'],
  ['chunks', 'sid', undefined],
  ['strip-crafted', 'sid', undefined],
  ['strip-only', 'sid', 'VALID'],
  ['strip-prefix', 'sid', 'VALID'],
]

for (const [id, name, value] of SID) {
  test(`cookie vector ${id}: ${name} reads as ${String(value)}`, () =>
    assert.equal(findCookie(headers.get(id), name), value))
}

test('equal duplicates are one cookie, also when one is quoted', () => {
  assert.equal(findCookie('sid=A; x=1; sid=A', 'sid'), 'A')
  assert.equal(findCookie('sid=A; sid="A"', 'sid'), 'A')
})

test('a cookie inside the quotes of another is not taken (cookie sandwich)', () => {
  assert.equal(findCookie('x="a; sid=EVIL; y=b"', 'sid'), undefined)
  assert.equal(findCookie('x="a; sid=VALID', 'sid'), 'VALID')
  assert.equal(findCookie('x=a"; sid=VALID; y="b', 'sid'), 'VALID')
})

test('a thousand cookies are read in one pass', () => {
  const header = `${Array.from({ length: 1_000 }, (_, i) => `c${i}="x`).join('; ')}; sid=VALID`
  assert.equal(findCookie(header, 'sid'), 'VALID')
})

const OURS = new Set(['sid', '__Host-sid'])

/** Headers that make a scanner that looks too far pay for every pair; each starts with the name, or nothing is scanned at all. */
const COSTLY: readonly (readonly [what: string, piece: string])[] = [
  ['empty pairs', ';'],
  ['pairs without a value', 'a;'],
  ['blanks', ' '],
  ['blank pairs', ' ; '],
  ['words', ' a'],
  ['pairs behind commas', ',a='],
  ['equals signs', '='],
  ['nameless pairs', '=;'],
  ['opened quotes', 'a=";'],
  ['values with a quote', 'a=b";'],
]

/**
 * Milliseconds of the fastest of many short runs: shorter than the slice that a busy machine gives a process, so that others on it
 * decide nothing.
 */
function fastest(header: string): number {
  let best = Infinity
  for (let run = 0; run < 100; run++) {
    const started = performance.now()
    findCookie(header, 'sid')
    stripCookies(header, { inside: true, has: (name) => OURS.has(name) })
    best = Math.min(best, performance.now() - started)
  }
  return best
}

for (const [what, piece] of COSTLY) {
  test(`reading and stripping takes time in proportion to the header, for ${what}`, () => {
    const bytes = (size: number): string => `sid${piece.repeat(size / piece.length)}`
    // Four times the input: four times the time, and sixteen times where the rest is scanned for each pair.
    const [short, long] = [fastest(bytes(8_192)), fastest(bytes(32_768))]
    assert.ok(long < 30, `a header of 32 KiB cost ${long.toFixed(2)} ms`)
    assert.ok(long < 8 * short + 0.5, `${short.toFixed(2)} ms became ${long.toFixed(2)} ms`)
  })
}

const STRIPPED: readonly (readonly [header: string, left: string | undefined])[] = [
  ['sid=VALID', undefined],
  ['xsid=1; sid2=2; sid=VALID', 'xsid=1; sid2=2'],
  ['sid=VALID; a=1', 'a=1'],
  ['a=1; sid=VALID;b=2;  c = 3', 'a=1;b=2;  c = 3'],
  ['a=1; sid = VALID; b=2', 'a=1; b=2'],
  ['=sid=VALID; a=1', 'a=1'],
  ['; =__Host-sid=VALID', undefined],
  ['a="x; sid=VALID; y"', 'a="x; y"'],
  ['sid', undefined],
  ['__Host-sid=A; sid=B', undefined],
  [';;;=;;', ';;;=;;'],
  ['a=1;;b=2;', 'a=1;;b=2;'],
]

for (const [header, left] of STRIPPED) {
  test(`strips ${header} to ${String(left)}`, () => assert.equal(stripCookies(header, OURS), left))
}

test('a pair that only some application finds inside of another is stripped where nobody else may say it', () => {
  const inside = { inside: true, has: (name: string) => OURS.has(name) }
  for (const [header, left] of [
    ['a=1 sid=VALID; b=2', 'b=2'],
    ['a=1,sid =VALID', undefined],
    ['b=2;,sid=VALID', 'b=2'],
    ['a=1\tsid=VALID', undefined],
    ['a=sid=VALID; b=sid, c=sid', 'a=sid=VALID; b=sid, c=sid'],
  ] as const) {
    assert.equal(stripCookies(header, inside), left)
    assert.equal(stripCookies(header, OURS), header, 'no browser sends a token of ours like this')
  }
})

test('what is stripped cannot be found any more, and other cookies stay byte for byte', () => {
  const piece = fc.constantFrom('sid', '=', ';', '; ', '"', 'a', 'SECRET', ' ', '\t', '__Host-sid')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (parts) => {
      const left = stripCookies(parts.join(''), OURS)
      if (left === undefined) return
      assert.equal(findCookie(left, 'sid'), undefined)
      for (const pair of left.split(';')) assert.ok(parts.join('').includes(pair.trim()))
    }),
    { numRuns: 5_000 },
  )
})

test('a header as browsers send it is read pair by pair: one value of a name is the cookie, two are none', () => {
  const name = fc.constantFrom('sid', 'Sid', 'sid2', 'xsid', '__Host-sid', 'a', 'si')
  const value = fc.constantFrom('', 'A', 'B', 'sid', 'sid=A', 'a=b', '%3B', '"A"', 'A B')
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, value), { maxLength: 8 }),
      fc.constantFrom('; ', ';', ';  '),
      (pairs, joint) => {
        const header = pairs.map((pair) => pair.join('=')).join(joint)
        const values = new Set(pairs.flatMap(([n, v]) => (n === 'sid' ? [v === '"A"' ? 'A' : v] : [])))
        assert.equal(findCookie(header, 'sid'), values.size > 1 ? AMBIGUOUS : [...values][0], header)
        const kept = pairs.filter(([n]) => !OURS.has(n))
        const left = stripCookies(header, OURS)
        assert.equal(
          left?.split(/; */).join(';'),
          kept.length === 0 ? (pairs.length === 0 ? '' : undefined) : kept.map((p) => p.join('=')).join(';'),
          header,
        )
      },
    ),
    { numRuns: 3_000 },
  )
})

test('over https a host-only cookie has the __Host- prefix; with a domain or over http it cannot', () => {
  assert.equal(cookieName('sid', { secure: true }), '__Host-sid')
  assert.equal(cookieName('sid', { secure: true, domain: 'example.com' }), 'sid')
  assert.equal(cookieName('sid', { secure: false }), 'sid')
  assert.deepEqual(cookieSpellings('__host-sid'), ['sid', '__Host-sid', '__Secure-sid'])
})

test('cookie vector set-cookie-attrs: HttpOnly, SameSite=Lax, Path=/, Secure over https, no Domain unless asked for', () => {
  assert.equal(
    setCookie('__Host-sid', 'a*b*', { secure: true }),
    '__Host-sid=a*b*; Path=/; HttpOnly; Secure; SameSite=Lax',
  )
  assert.equal(
    clearCookie('sid', { secure: false, domain: 'example.com' }),
    'sid=; Max-Age=0; Domain=example.com; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax',
  )
  assert.match(setCookie('sid', 'a', { secure: true, sameSite: 'none' }), /; Secure; SameSite=None$/)
})

test('a cookie that outlives the browser ends no later than its session, by Max-Age and by Expires', () => {
  const now = Date.UTC(2026, 0, 2, 3, 4, 5, 600) as EpochMs
  const end = (now + 90_500) as EpochMs
  assert.equal(
    setCookie('sid', 'a', { secure: false, ...lifeUntil(end, now) }),
    'sid=a; Max-Age=90; Path=/; Expires=Fri, 02 Jan 2026 03:05:36 GMT; HttpOnly; SameSite=Lax',
  )
  assert.equal(lifeUntil(now, end).maxAge, 0, 'a session that is over leaves nothing')
})

test('the name of a Set-Cookie is read as browsers read it', () => {
  assert.equal(setCookieName(' __host-sid =evil; Path=/'), '__host-sid')
  assert.equal(setCookieName('=__Host-sid=evil'), '')
  assert.equal(setCookieName('evil; a=b'), '')
})

test('a name that an application might trim to ours is stripped as ours', () => {
  const names = new Set(['__Host-sid'])
  for (const padding of ['\u00e2\u0080\u0080', '\u00c2\u0085', '\u00a0', '"', '= ', '\t', '\v', '\u00ef\u00bb\u00bf']) {
    assert.equal(stripCookies(`a=1; ${padding}__Host-sid=x; b=2`, names), 'a=1; b=2', JSON.stringify(padding))
    assert.equal(stripCookies(`${padding}__Host-sid${padding}=x`, names), undefined, JSON.stringify(padding))
  }
  assert.equal(stripCookies('x__Host-sid=1; __Host-sid2=2', names), 'x__Host-sid=1; __Host-sid2=2')
})
