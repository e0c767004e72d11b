import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { formatCompositeAdvice } from '../policy/composite-advice.ts'
import { demandPairs, readDemand } from './read-demand.ts'

const ID = '7b8bfd4c-60fe-4271-928d-d09b94496f84'

function read(query: string) {
  const parameters = new URLSearchParams(query)
  return readDemand({ query: (name) => parameters.get(name) ?? undefined })
}

function advice(advices: object): string {
  return `authIndexType=composite_advice&authIndexValue=${encodeURIComponent(formatCompositeAdvice(advices))}`
}

suite('what a login page is asked for', () => {
  const understood: Readonly<Record<string, object>> = {
    '': { level: undefined },
    'authIndexType=level&authIndexValue=2': { level: 2 },
    'authlevel=2': { level: 2 },
    'authIndexType=module&authIndexValue=totp': { level: undefined, modules: ['totp'] },
    'module=totp': { level: undefined, modules: ['totp'] },
    'authIndexType=service&authIndexValue=strong': { level: undefined, chain: 'strong' },
    'service=strong': { level: undefined, chain: 'strong' },
    'authIndexType=user&authIndexValue=bob': { level: undefined, username: 'bob' },
    'user=bob': { level: undefined, username: 'bob' },
    [`authIndexType=transaction&authIndexValue=${ID}`]: { level: undefined, transaction: ID },
  }
  for (const [query, demand] of Object.entries(understood)) {
    test(query || 'nothing', () => {
      assert.deepEqual(read(query), { ...demand, force: false })
      assert.deepEqual(read(`${query}&ForceAuth=true`), { ...demand, force: true })
    })
  }

  test('a composite advice, all of it', () => {
    const all = {
      AuthLevelConditionAdvice: ['2'],
      AuthSchemeConditionAdvice: ['totp', 'password'],
      AuthenticateToServiceConditionAdvice: ['strong'],
      AuthenticationAgeConditionAdvice: ['300'],
      TransactionConditionAdvice: [ID],
    }
    const demand = { level: 2, modules: ['totp', 'password'], chain: 'strong', maxAgeMs: 300_000, transaction: ID }
    assert.deepEqual(read(advice(all)), { ...demand, force: false })
  })

  const refused = [
    'authIndexType=role&authIndexValue=admin',
    'authIndexType=resource&authIndexValue=x',
    'authIndexType=__proto__&authIndexValue=x',
    'authIndexType=level',
    'authIndexValue=2',
    'authIndexType=level&authIndexValue=high',
    'authIndexType=level&authIndexValue=10000',
    'authIndexType=service&authIndexValue=a/b',
    'authIndexType=transaction&authIndexValue=AuthLevel:2',
    'authIndexType=composite_advice&authIndexValue=<x>',
    'service=a&module=b',
    'service=a&authIndexType=level&authIndexValue=2',
    `user=${'u'.repeat(129)}`,
    advice({}),
    advice({ AuthenticateToRealmConditionAdvice: ['/other'] }),
    advice({ AuthLevelConditionAdvice: ['2'], AuthSchemeConditionAdvice: ['a b'] }),
    advice({ AuthenticateToServiceConditionAdvice: ['one', 'two'] }),
    advice({ TransactionConditionAdvice: ['AuthLevel:2'] }),
  ]
  for (const query of refused) {
    test(`is not understood: ${decodeURIComponent(query).slice(0, 100)}`, () => assert.equal(read(query), undefined))
  }

  test('is repeated as it came', () => {
    const parameters = new URLSearchParams('service=strong&ForceAuth=true&goto=x')
    assert.deepEqual(demandPairs({ query: (name) => parameters.get(name) ?? undefined }), [
      ['service', 'strong'],
      ['ForceAuth', 'true'],
    ])
  })
})
