import type { CRITERIA } from './chains.schema.ts'

export type Criteria = (typeof CRITERIA)[number]

export interface ChainEntry {
  readonly module: string
  /** Modules that do as well. */
  readonly or?: readonly string[] | undefined
  readonly criteria: Criteria
}

/** An ordered list of modules with the JAAS control flags. Never empty. */
export type Chain = readonly ChainEntry[]

/** What one entry came to; the i-th result belongs to the i-th entry. */
export interface ChainResult {
  readonly module: string
  readonly passed: boolean
  /** Proved by an earlier login of the same session. */
  readonly carried?: true
}

/** `null` for an entry that has come to nothing yet, although a later one has: it was carried over from a session. */
export type ChainResults = readonly (ChainResult | null)[]

export type ChainStep =
  | { readonly kind: 'run'; readonly entry: ChainEntry; readonly index: number }
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed' }

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
export function nextStep(chain: Chain, results: ChainResults): ChainStep {
  let requiredFailed = false
  let anyPassed = false
  for (const [i, entry] of chain.entries()) {
    const result = results[i] ?? undefined
    if (result === undefined) return { kind: 'run', entry, index: i }
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
  const explore = (results: ChainResults, level: number): number | undefined => {
    const step = nextStep(chain, results)
    if (step.kind === 'passed') return level
    if (step.kind === 'failed') return undefined
    const { module } = step.entry
    const reached = Math.min(...modulesOf(step.entry).map(levelOf))
    const passed = explore([...results, { module, passed: true }], Math.max(level, reached))
    const failed = explore([...results, { module, passed: false }], level)
    if (passed === undefined || failed === undefined) return passed ?? failed
    return Math.min(passed, failed)
  }
  return explore([], 0)
}

/** Whether nobody passes the chain without it: what one may leave out is used by who has it, and pressed on nobody. */
export function isDemanded({ criteria }: ChainEntry): boolean {
  return criteria === 'REQUIRED' || criteria === 'REQUISITE'
}

/** All modules that an entry may be passed with. */
export function modulesOf({ module, or = [] }: ChainEntry): readonly string[] {
  return [module, ...or]
}

/** Whether everybody who passes the chain has passed this module. */
export function guaranteesModule(chain: Chain, wanted: string): boolean {
  return guaranteedLevel(chain, (module) => (module === wanted ? 1 : 0)) === 1
}

/**
 * Whether being asked for the entry at `index` tells that all before it were right. Where a REQUIRED one may have failed, a wrong
 * answer here must end like any other: else who guesses passwords learns which was right.
 */
export function tellsNothingNew(chain: Chain, results: ChainResults, index: number): boolean {
  return chain.slice(0, index).every(({ criteria }, i) => criteria === 'REQUISITE' || results[i]?.carried === true)
}
