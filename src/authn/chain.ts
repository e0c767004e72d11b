import type { CRITERIA } from './chains.schema.ts'

export type Criteria = (typeof CRITERIA)[number]

export interface ChainEntry {
  readonly module: string
  readonly criteria: Criteria
}

/** An ordered list of modules with the JAAS control flags. Never empty. */
export type Chain = readonly ChainEntry[]

/** What one entry came to; the i-th result belongs to the i-th entry. */
export interface ChainResult {
  readonly module: string
  readonly passed: boolean
}

export type ChainStep =
  { readonly kind: 'run'; readonly module: string } | { readonly kind: 'passed' } | { readonly kind: 'failed' }

/**
 * What a chain does next, from what its entries have come to so far. The rules are those of JAAS
 * (javax.security.auth.login.Configuration), which OpenAM's chains follow:
 *
 * - REQUIRED must pass; passed or not, the chain goes on, so that nobody learns which proof was wrong;
 * - REQUISITE must pass; the chain stops when it fails;
 * - SUFFICIENT stops the chain when it passes and no REQUIRED entry has failed before;
 * - OPTIONAL goes on either way.
 *
 * A chain that comes to its end has passed when no REQUIRED entry failed and at least one entry passed.
 */
export function nextStep(chain: Chain, results: readonly ChainResult[]): ChainStep {
  let requiredFailed = false
  let anyPassed = false
  for (const [i, entry] of chain.entries()) {
    const result = results[i]
    if (result === undefined) return { kind: 'run', module: entry.module }
    if (result.passed) anyPassed = true
    switch (entry.criteria) {
      case 'REQUIRED':
        requiredFailed ||= !result.passed
        break
      case 'REQUISITE':
        if (!result.passed) return { kind: 'failed' }
        break
      case 'SUFFICIENT':
        if (result.passed && !requiredFailed) return { kind: 'passed' }
        break
      case 'OPTIONAL':
        break
    }
  }
  return anyPassed && !requiredFailed ? { kind: 'passed' } : { kind: 'failed' }
}

/**
 * The level that everybody has who passes the chain, whatever way they take: the lowest, over all ways to pass, of the highest
 * level on the way. `undefined` for a chain that nobody can pass.
 */
export function guaranteedLevel(chain: Chain, levelOf: (module: string) => number): number | undefined {
  const explore = (results: readonly ChainResult[], level: number): number | undefined => {
    const step = nextStep(chain, results)
    if (step.kind === 'passed') return level
    if (step.kind === 'failed') return undefined
    const module = step.module
    const passed = explore([...results, { module, passed: true }], Math.max(level, levelOf(module)))
    const failed = explore([...results, { module, passed: false }], level)
    if (passed === undefined || failed === undefined) return passed ?? failed
    return Math.min(passed, failed)
  }
  return explore([], 0)
}
