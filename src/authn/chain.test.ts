import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { guaranteedLevel, nextStep, type Chain, type ChainResult, type Criteria } from './chain.ts'
import { CRITERIA } from './chains.schema.ts'

type Outcome = 'passed' | 'failed'

/**
 * The rules of JAAS once more, told the other way round: not step by step, but as what must be true of a whole run.
 * `passes[i]` is what entry i would come to if it ran.
 */
function model(criteria: readonly Criteria[], passes: readonly boolean[]): { ran: number; outcome: Outcome } {
  const stops = criteria.map((flag, i) => {
    if (flag === 'REQUISITE') return passes[i] === false
    const requiredFailedBefore = criteria.some((other, j) => j < i && other === 'REQUIRED' && passes[j] === false)
    return flag === 'SUFFICIENT' && passes[i] === true && !requiredFailedBefore
  })
  const stop = stops.indexOf(true)
  const ran = stop === -1 ? criteria.length : stop + 1
  const must = criteria.slice(0, ran).every((flag, i) => !/^REQUI/.test(flag) || passes[i] === true)
  return { ran, outcome: must && passes.slice(0, ran).includes(true) ? 'passed' : 'failed' }
}

function chainOf(criteria: readonly Criteria[]): Chain {
  return criteria.map((flag, i) => ({ module: `m${i}`, criteria: flag }))
}

function run(criteria: readonly Criteria[], passes: readonly boolean[]): { ran: number; outcome: Outcome } {
  const chain = chainOf(criteria)
  const results: ChainResult[] = []
  for (;;) {
    const step = nextStep(chain, results)
    if (step.kind !== 'run') return { ran: results.length, outcome: step.kind }
    assert.equal(step.entry.module, `m${results.length}`, 'in order, none left out')
    results.push({ module: step.entry.module, passed: passes[results.length] === true })
  }
}

function* combinations<T>(values: readonly T[], length: number): Generator<readonly T[]> {
  if (length === 0) {
    yield []
    return
  }
  for (const rest of combinations(values, length - 1)) for (const value of values) yield [...rest, value]
}

suite('chain', () => {
  test('agrees with the model on every chain of up to four entries and every outcome of each', () => {
    let compared = 0
    for (let length = 1; length <= 4; length++) {
      for (const criteria of combinations(CRITERIA, length)) {
        for (const passes of combinations([true, false], length)) {
          assert.deepEqual(run(criteria, passes), model(criteria, passes), JSON.stringify({ criteria, passes }))
          compared++
        }
      }
    }
    assert.equal(compared, 4 * 2 + 16 * 4 + 64 * 8 + 256 * 16)
  })

  test('agrees with the model on long chains', () => {
    const entry = fc.record({ flag: fc.constantFrom(...CRITERIA), passed: fc.boolean() })
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), (entries) => {
        const criteria = entries.map(({ flag }) => flag)
        const passes = entries.map(({ passed }) => passed)
        assert.deepEqual(run(criteria, passes), model(criteria, passes))
      }),
    )
  })

  const told: readonly (readonly [string, readonly Criteria[], readonly boolean[], number, Outcome])[] = [
    ['REQUIRED failed: goes on, and fails', ['REQUIRED', 'REQUIRED'], [false, true], 2, 'failed'],
    ['REQUISITE failed: stops', ['REQUISITE', 'REQUIRED'], [false, true], 1, 'failed'],
    ['SUFFICIENT passed: stops', ['SUFFICIENT', 'REQUIRED'], [true, false], 1, 'passed'],
    [
      'SUFFICIENT passed after a failed REQUIRED: goes on, and fails',
      ['REQUIRED', 'SUFFICIENT'],
      [false, true],
      2,
      'failed',
    ],
    ['SUFFICIENT failed after a passed REQUIRED: passes', ['REQUIRED', 'SUFFICIENT'], [true, false], 2, 'passed'],
    ['OPTIONAL alone: one has to pass', ['OPTIONAL', 'OPTIONAL'], [false, false], 2, 'failed'],
    ['OPTIONAL alone: one is enough', ['OPTIONAL', 'OPTIONAL'], [false, true], 2, 'passed'],
  ]
  for (const [name, criteria, passes, ran, outcome] of told) {
    test(name, () => assert.deepEqual(run(criteria, passes), { ran, outcome }))
  }
})

suite('guaranteed level', () => {
  const levels = (list: readonly number[]) => (module: string) => list[Number(module.slice(1))] ?? 0

  test('is the lowest that any way through the chain reaches', () => {
    assert.equal(guaranteedLevel(chainOf(['REQUIRED', 'REQUIRED']), levels([1, 2])), 2)
    assert.equal(guaranteedLevel(chainOf(['SUFFICIENT', 'REQUIRED']), levels([1, 2])), 1)
    assert.equal(guaranteedLevel(chainOf(['REQUIRED', 'OPTIONAL']), levels([1, 2])), 1)
    assert.equal(guaranteedLevel(chainOf(['OPTIONAL', 'OPTIONAL']), levels([2, 3])), 2)
  })

  test('holds for every run that passes', () => {
    const entry = fc.record({ flag: fc.constantFrom(...CRITERIA), passed: fc.boolean(), level: fc.nat(4) })
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 6 }), (entries) => {
        const criteria = entries.map(({ flag }) => flag)
        const passes = entries.map(({ passed }) => passed)
        const { ran, outcome } = run(criteria, passes)
        if (outcome === 'failed') return
        const guaranteed = guaranteedLevel(chainOf(criteria), levels(entries.map(({ level }) => level)))
        const reached = Math.max(...entries.slice(0, ran).map(({ passed, level }) => (passed ? level : 0)))
        assert.ok(guaranteed !== undefined && guaranteed <= reached)
      }),
    )
  })
})
