import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maskText } from './mask.ts'

/** Texts that enter a pattern at each of their characters, if they can (a signed-in user chooses the path that is audited). */
const HOSTILE: Readonly<Record<string, (length: number) => string>> = {
  'a scheme that never ends': (length) => `${'a'.repeat(length)}@`,
  'many schemes': (length) => 'a://'.repeat(length / 4) + '@',
  'a user name that never ends': (length) => `http://${'a'.repeat(length)}@`,
  'a password that never ends': (length) => `http://a:${'b'.repeat(length)}`,
  'JWTs that never come to a dot': (length) => '-eyJaaaaa'.repeat(length / 9),
  'one JWT after the other': (length) => 'eyJaaaaa.'.repeat(length / 9),
  'parameters that are almost secrets': (length) => `?${'token'.repeat(length / 5)}=`,
  'parameters without values': (length) => ';tokentoken.'.repeat(length / 12) + '=',
  'almost an SSO token': (length) => 'A'.repeat(length) + '*',
  'SSO tokens side by side': (length) => `${'A'.repeat(43)}*`.repeat(length / 44),
  'bearer after bearer': (length) => 'bearer '.repeat(length / 7) + '@',
  spaces: (length) => `bearer${' '.repeat(length)}@`,
}

/** Of the fastest run: others on a busy machine decide nothing. */
function milliseconds(text: string): number {
  let best = Infinity
  for (let run = 0; run < 40; run++) {
    const start = performance.now()
    maskText(text)
    best = Math.min(best, performance.now() - start)
  }
  return best
}

for (const [what, make] of Object.entries(HOSTILE)) {
  test(`masking takes time in proportion to the text: ${what}`, () => {
    const [short, long] = [milliseconds(make(8_000)), milliseconds(make(64_000))]
    assert.ok(long < 80, `${long} ms for 64 KB`)
    assert.ok(long < Math.max(short, 0.05) * 24, `eight times the text took ${(long / short).toFixed(1)} times as long`)
  })
}

test('what is long is masked all the same', () => {
  const secret = 'x'.repeat(600)
  assert.doesNotMatch(maskText(`https://user:${secret}@host/`), /xxx/)
  assert.doesNotMatch(maskText(`/a?${'n'.repeat(40)}_token=${secret}`), /xxx/)
  assert.doesNotMatch(maskText(`eyJhbGciOi.${secret}.${secret}`), /xxx/)
})
