import fc from 'fast-check'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHeaderScrub } from './header-scrub.ts'

/** Names that no client may say, our own among them. */
const FORBIDDEN = [
  'x-team',
  'x-gatehouse-assertion',
  'x-gatehouse-whatever',
  'remote-user',
  'x-remote-user',
  'x-forwarded-for',
  'x-auth-request-email',
  'x-original-url',
  'x-http-method-override',
  'x-middleware-subrequest',
  'x-ssl-client-s-dn',
  'x-real-ip',
  'forwarded',
  'proxy',
  'host',
  'expect',
  'connection',
  'transfer-encoding',
  'te',
] as const
const HARMLESS = ['accept', 'content-type', 'x-csrf-token', 'x-teams', 'x-request', 'sec-fetch-site']

/** RFC 9110 §5.6.2: every character of a token that is neither letter nor digit. */
const separator = fc.constantFrom(...Array.from("!#$%&'*+-.^_`|~"))

/** A spelling of a name that some server takes for it: any case, any separators. */
function spelling(names: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.constantFrom(...names),
      fc.array(separator, { minLength: 8, maxLength: 8 }),
      fc.infiniteStream(fc.boolean()),
    )
    .map(([name, separators, capitals]) => {
      let at = 0
      return Array.from(name, (char) => {
        if (char === '-') return separators[at++ % separators.length] ?? '-'
        return capitals.next().value === true ? char.toUpperCase() : char
      }).join('')
    })
}

test('no spelling of a forbidden name passes, HTTP_ in front included, and each harmless one does', () => {
  const scrub = createHeaderScrub(['X-Team', 'X-Gatehouse-Assertion'], 100)
  fc.assert(
    fc.property(spelling(FORBIDDEN), separator, (name, joint) => {
      assert.equal(scrub(name).fate, 'drop', name)
      // A connection's own fields mean nothing once they are variables of CGI.
      if (/^(?:host|connection|te|transfer.encoding)$/i.test(name)) return
      assert.equal(scrub(`hTTp${joint}${name}`).fate, 'drop', `hTTp${joint}${name}`)
    }),
    { numRuns: 3_000 },
  )
  fc.assert(fc.property(spelling(HARMLESS), (name) => assert.equal(scrub(name).fate, 'keep', name)))
  fc.assert(fc.property(spelling(['cookie']), (name) => assert.equal(scrub(name).fate, 'cookie', name)))
  for (const name of ['Http-Cookie', 'HTTP_COOKIE', 'http.cookie']) assert.equal(scrub(name).fate, 'drop', name)
})
