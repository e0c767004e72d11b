import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { formatCompositeAdvice, parseCompositeAdvice } from './composite-advice.ts'

const OPENAM =
  '<Advices><AttributeValuePair><Attribute name="AuthLevelConditionAdvice"/><Value>3</Value></AttributeValuePair></Advices>'

suite('composite advice', () => {
  test('is what OpenAM writes', () => {
    assert.equal(formatCompositeAdvice({ AuthLevelConditionAdvice: ['3'] }), OPENAM)
    assert.deepEqual(parseCompositeAdvice(OPENAM), { AuthLevelConditionAdvice: ['3'] })
  })

  test('comes back as it went, markup in values and space between elements included', () => {
    const advices = {
      AuthSchemeConditionAdvice: ['a&b', '<x>"\'', '&lt;'],
      AuthenticationAgeConditionAdvice: ['300'],
    }
    assert.deepEqual(parseCompositeAdvice(formatCompositeAdvice(advices)), advices)
    assert.deepEqual(parseCompositeAdvice(OPENAM.replaceAll('><', '> \n <')), { AuthLevelConditionAdvice: ['3'] })
  })

  const refused: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['an advice that nobody knows', OPENAM.replace('AuthLevel', 'Other')],
    [
      'an advice that nobody knows behind one that is known',
      OPENAM.replace(
        '</Advices>',
        '<AttributeValuePair><Attribute name="Other"/><Value>1</Value></AttributeValuePair></Advices>',
      ),
    ],
    ['a document type', `<!DOCTYPE x [<!ENTITY a "b">]>${OPENAM}`],
    ['an element without an end', OPENAM.replace('</Value>', '')],
    ['text between the elements', OPENAM.replace('<Value>', 'x<Value>')],
    ['what is too long', OPENAM.replace('3', '3'.repeat(5_000))],
  ]
  for (const [what, text] of refused) {
    test(`${what} is refused whole`, () => assert.equal(parseCompositeAdvice(text), undefined))
  }
})
