import type { AdviceName, Advices } from './decision.ts'

/** Whether a person has to follow both of two advices or may choose one. */
export type Need = 'all' | 'one'

/**
 * Unites advices as OpenAM does, name by name and without duplicates. Levels are the exception: a level includes all lower
 * ones, so what is left is the one level that settles the matter, the highest where all are needed, the lowest where one is
 * enough.
 */
export function uniteAdvices(a: Advices | undefined, b: Advices | undefined, need: Need): Advices | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const united: Partial<Record<AdviceName, readonly string[]>> = { ...a }
  for (const name of Object.keys(b) as AdviceName[]) {
    const values = [...new Set([...(united[name] ?? []), ...(b[name] ?? [])])]
    united[name] = name === 'AuthLevelConditionAdvice' ? [settlingLevel(values, need)] : values
  }
  return united
}

function settlingLevel(levels: readonly string[], need: Need): string {
  const numbers = levels.map(Number)
  return String(need === 'all' ? Math.max(...numbers) : Math.min(...numbers))
}
