import assert from 'node:assert/strict'
import test from 'node:test'
import { en, type MessageKey } from './en.ts'
import { LANGUAGES, languageOf, negotiateLanguage, say, sayAgo, sayDuration, sayInstant } from './language.ts'

const KEYS = Object.keys(en) as MessageKey[]
const placeholders = (text: string): readonly string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort()

for (const language of LANGUAGES) {
  test(`${language.tag}: has every message, no other, and none is empty`, () => {
    assert.deepEqual(Object.keys(language.messages).sort(), [...KEYS].sort())
    for (const key of KEYS) assert.notEqual(language.messages[key].trim(), '', key)
  })

  test(`${language.tag}: every message has the placeholders of the English one`, () => {
    for (const key of KEYS) assert.deepEqual(placeholders(language.messages[key]), placeholders(en[key]), key)
  })

  if (language.tag !== 'en') {
    test(`${language.tag}: sentences are translated, not copied`, () => {
      const copied = KEYS.filter((key) => language.messages[key] === en[key] && en[key].includes(' '))
      assert.deepEqual(copied, [])
    })
  }
}

test('a tag is understood with its region, in either spelling and any case', () => {
  for (const tag of ['de', 'de-AT', 'de_CH', 'DE']) assert.equal(languageOf(tag)?.tag, 'de')
  for (const tag of [undefined, '', 'pt', 'deutsch', '__proto__']) assert.equal(languageOf(tag), undefined)
})

test('RFC 9110 §12.5.4: the best of what the browser asks for, English where nothing fits', () => {
  const cases = [
    ['de-AT,de;q=0.9,en;q=0.8', 'de'],
    ['pt-BR,pt;q=0.9,fr;q=0.5', 'fr'],
    ['en;q=0.1,ja;q=0.9', 'ja'],
    ['ja;q=0', 'en'],
    ['*', 'en'],
    ['nonsense;;q=x,,', 'en'],
    [undefined, 'en'],
    [`de,${'x'.repeat(2_000)}`, 'en'],
  ] as const
  for (const [header, tag] of cases) assert.equal(negotiateLanguage(header).tag, tag, header)
})

test('durations are words of the language, with its plurals', () => {
  const [english] = LANGUAGES
  assert.equal(sayDuration(english, 1), '1 second')
  assert.equal(sayDuration(english, 29.2), '30 seconds')
  assert.equal(sayDuration(english, 300), '5 minutes')
  assert.equal(sayDuration(languageOf('de') ?? english, 1), '1 Sekunde')
})

test('how long ago is said in the largest unit that fits, and the moment itself in UTC', () => {
  const [english] = LANGUAGES
  const german = languageOf('de') ?? english
  const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
  const said = [-5, 0, minute - 1, minute, hour - 1, 3 * hour, day, 400 * day].map((ms) => sayAgo(english, ms))
  assert.deepEqual(said, [
    'now',
    'now',
    'now',
    '1 minute ago',
    '59 minutes ago',
    '3 hours ago',
    'yesterday',
    '400 days ago',
  ])
  assert.equal(sayAgo(german, 3 * hour), 'vor 3 Stunden')
  assert.equal(sayInstant(german, 0), '01.01.1970, 00:00 UTC')
})

test('a name cannot reorder the sentence around it (bidi spoofing)', () => {
  const [english] = LANGUAGES
  assert.equal(say(english, 'home.title', { user: 'a\u202eb\u2069' }), 'You are signed in as ab')
  assert.equal(say(english, 'home.title', { user: 'דנה' }), 'You are signed in as \u2068דנה\u2069')
  assert.equal(say(english, 'home.title', { user: '{user} $& $1' }), 'You are signed in as {user} $& $1')
})
