import assert from 'node:assert/strict'
import test, { describe, it } from 'node:test'
import fc from 'fast-check'
import type { EpochMs } from '../base/brand.ts'
import { compilePolicies } from './compile.ts'
import type { AccessQuery, Decision, PolicyDecisionPoint } from './decision.ts'
import { randomPolicies, randomQuery } from './random-policies.fixture.ts'
import { rememberDecisions } from './remembered-decisions.ts'

const MANY = { numRuns: 100 }

/** Allows, and counts how often it was asked. */
function counting(decision: Partial<Decision> = {}): PolicyDecisionPoint & { readonly asked: () => number } {
  let asked = 0
  const said: Decision = {
    allowed: true,
    reason: 'allowed',
    policies: [],
    advices: undefined,
    validUntil: Number.MAX_SAFE_INTEGER as EpochMs,
    attributes: undefined,
    endsSession: false,
    ...decision,
  }
  return {
    evaluate: () => {
      asked += 1
      return said
    },
    explain: () => ({ decision: said, trace: [] }),
    asked: () => asked,
  }
}

const [query] = fc.sample(randomQuery, { numRuns: 1, seed: 1 })
const plain: AccessQuery = {
  ...query!,
  resource: { ...query!.resource, query: undefined },
  approved: false,
  clientNames: undefined,
  environment: undefined,
  scopes: undefined,
  claims: undefined,
}

/** How many of the questions the policies themselves were asked. */
function asked(pdp: ReturnType<typeof counting>, queries: readonly AccessQuery[], most = 100): number {
  const own = rememberDecisions(pdp, most)
  for (const each of queries) own.evaluate(each)
  return pdp.asked()
}

describe('remembered decisions', () => {
  it('are not made again for the same session, facts, address and question', () => {
    assert.equal(asked(counting(), [plain, { ...plain }, { ...plain, now: (plain.now + 1) as EpochMs }]), 1)
  })

  const { resource, session, facts } = plain
  const others: Readonly<Record<string, Partial<AccessQuery>>> = {
    'another session': { session: { ...session } },
    'other facts': { facts: { ...facts } },
    'another address': { clientIp: '192.0.2.77' },
    'another action': { action: 'PATCH' },
    'another path': { resource: { ...resource, path: `${resource.path}/more` } },
    'a query': { resource: { ...resource, query: '' } },
    'another host': { resource: { ...resource, host: 'other.test' } },
    'another port': { resource: { ...resource, port: 8443 } },
    'another scheme': { resource: { ...resource, scheme: resource.scheme === 'http' ? 'https' : 'http' } },
    'another policy set': { policySet: 'other' },
    'an approval': { approved: true },
    'names of the client': { clientNames: ['a.test'] },
    'an environment': { environment: new Map() },
    scopes: { scopes: [] },
    claims: { claims: {} },
    'a clock that was set back': { now: (plain.now - 1) as EpochMs },
  }
  for (const [what, other] of Object.entries(others))
    it(`are made anew for ${what}`, () => {
      assert.equal(asked(counting(), [plain, { ...plain, ...other }]), 2)
    })

  it('are over at their time, and those of one moment are not kept', () => {
    const until = (plain.now + 5) as EpochMs
    const at = (now: number): AccessQuery => ({ ...plain, now: now as EpochMs })
    assert.equal(asked(counting({ validUntil: until }), [plain, at(until - 1)]), 1)
    assert.equal(asked(counting({ validUntil: until }), [plain, at(until)]), 2)
    assert.equal(asked(counting({ validUntil: plain.now }), [plain, plain]), 2)
  })

  it('are so many at most, and none of long questions', () => {
    const to = (path: string): AccessQuery => ({ ...plain, resource: { ...resource, path } })
    assert.equal(asked(counting(), [to('/1'), to('/2'), to('/3'), to('/1')], 2), 4)
    const later = { ...to('/1'), now: (plain.now + 9) as EpochMs }
    const until = counting({ validUntil: (plain.now + 5) as EpochMs })
    assert.equal(asked(until, [to('/1'), to('/2'), later, to('/2')], 2), 3, 'one made anew takes no second place')
    const long = to(`/${'x'.repeat(600)}`)
    assert.equal(asked(counting(), [long, long]), 2)
  })
})

test('with or without remembering, every decision is the same', () => {
  const steps = fc.array(fc.tuple(randomQuery, fc.nat(3_600_000)), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(randomPolicies, steps, ({ policies, policySets }, asks) => {
      const pdp = compilePolicies(policies, policySets)
      const own = rememberDecisions(pdp, 4)
      const [first] = asks
      for (const [each, later] of [...asks, ...asks]) {
        // The same person asks all of it, or nothing would ever be found.
        const { session, facts, clientIp, clientNames, scopes, claims } = first![0]
        const now = (each.now + later) as EpochMs
        const one = { ...each, session, facts, clientIp, clientNames, scopes, claims, now }
        assert.deepEqual({ ...own.evaluate(one), validUntil: 0 }, { ...pdp.evaluate(one), validUntil: 0 })
      }
    }),
    MANY,
  )
})
