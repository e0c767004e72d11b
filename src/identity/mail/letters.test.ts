import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeLetter, noticeLetter } from './letters.ts'
import { wordingFor } from './texts.ts'

test('names in mails are text, whatever they look like', () => {
  const wording = wordingFor('en')
  const realm = '<script>alert(1)</script>'
  const code = codeLetter(wording, { realm, user: '<b>alice</b>', code: '12345678', minutes: 5 })
  const about = {
    realm,
    user: 'alice',
    kind: 'newDevice',
    at: 0,
    browser: '<img src=x>',
    network: '192.0.2.1',
  } as const
  for (const { html } of [code, noticeLetter(wording, about)]) assert.doesNotMatch(html, /<script|<b>|<img/)
})

for (const language of ['en', 'de', 'fr', 'es', 'ja']) {
  test(`every placeholder of a mail is filled in: ${language}`, () => {
    const wording = wordingFor(language)
    assert.equal(wording.tag, language)
    const code = codeLetter(wording, { realm: 'Acme', user: 'alice', code: '12345678', minutes: 5 })
    const kinds = ['newDevice', 'factorAdded', 'factorRemoved', 'passwordChanged'] as const
    const about = { realm: 'Acme', user: 'alice', at: 0, browser: undefined, network: undefined }
    for (const { subject, text, html } of [code, ...kinds.map((kind) => noticeLetter(wording, { ...about, kind }))]) {
      assert.match(subject, /Acme/)
      assert.match(text, /alice/)
      assert.doesNotMatch(`${subject}${text}`, /[{}]|undefined/)
      assert.ok(html.includes(`lang="${language}"`))
    }
  })
}
