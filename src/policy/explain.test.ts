import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { EpochMs } from '../base/brand.ts'
import { compilePolicies } from './compile.ts'
import { compileCondition } from './conditions.ts'
import type { PolicyTrace, Step } from './decision.ts'
import { randomCondition, randomPolicies, randomQuery } from './random-policies.fixture.ts'

const MANY = { numRuns: 1_500 }

test('what explain says was decided is what is decided', () => {
  fc.assert(
    fc.property(randomPolicies, randomQuery, ({ policies, policySets }, query) => {
      const pdp = compilePolicies(policies, policySets)
      assert.deepEqual(pdp.explain(query).decision, pdp.evaluate(query))
    }),
    MANY,
  )
})

test('the trace bears the decision out: who decided it, and that nothing stronger was there', () => {
  fc.assert(
    fc.property(randomPolicies, randomQuery, ({ policies, policySets }, query) => {
      const { decision, trace } = compilePolicies(policies, policySets).explain(query)
      const by = (outcome: PolicyTrace['outcome']) => trace.filter((each) => each.outcome === outcome)
      const names = (list: readonly PolicyTrace[]) => list.map(({ policy }) => policy)
      const denied = by('deny').length > 0
      assert.equal(decision.reason === 'denied-by-policy', denied)
      if (denied) assert.deepEqual(decision.policies, names(by('deny')))
      if (decision.allowed) assert.deepEqual(decision.policies, names(by('allow')))
      if (decision.reason === 'no-policy-matched') assert.deepEqual(by('allow'), [])
      if (decision.reason === 'subject-failed')
        assert.deepEqual(
          names(by('subject-failed')).filter((name) => decision.policies.includes(name)),
          decision.policies,
        )
      if (decision.advices !== undefined)
        assert.ok(decision.policies.every((name) => names(by('condition-failed')).includes(name)))
      assert.equal(new Set(names(trace)).size, trace.length, 'each policy once')
    }),
    MANY,
  )
})

test('every refusal of a policy says on what: the step that failed has words', () => {
  const words = (step: Step | undefined): readonly string[] =>
    step === undefined ? [] : step.parts === undefined ? [step.because ?? ''] : step.parts.flatMap(words)
  fc.assert(
    fc.property(randomPolicies, randomQuery, ({ policies, policySets }, query) => {
      for (const { outcome, because, subject, condition } of compilePolicies(policies, policySets).explain(query)
        .trace) {
        if (outcome !== 'allow' && outcome !== 'deny') assert.ok(because !== undefined && because !== '', outcome)
        assert.ok([...words(subject), ...words(condition)].every((text) => text !== ''))
      }
    }),
    MANY,
  )
})

test('nothing that is asked twice changes: a decision is the same until its time is over', () => {
  fc.assert(
    fc.property(randomPolicies, randomQuery, ({ policies, policySets }, query) => {
      const pdp = compilePolicies(policies, policySets)
      const first = pdp.evaluate(query)
      const last = Math.min(first.validUntil - 1, query.now + 86_400_000)
      if (last < query.now) return
      for (const now of [last, Math.floor((query.now + last) / 2)]) {
        const later = pdp.evaluate({ ...query, now: now as EpochMs })
        assert.deepEqual({ ...later, validUntil: 0 }, { ...first, validUntil: 0 })
      }
    }),
    MANY,
  )
})

test('three answers as Kleene has them: a condition and its negation never both hold, and both fail only where nobody knows', () => {
  fc.assert(
    fc.property(randomCondition, randomQuery, (config, query) => {
      const own = compileCondition(config).check(query)
      const negated = compileCondition({ type: 'NOT', condition: config }).check(query)
      if (own.satisfied) assert.equal(negated.satisfied, false)
      else assert.equal(negated.satisfied, own.unknown !== true)
    }),
    MANY,
  )
})
