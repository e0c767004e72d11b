import type { AdviceName, Advices } from './decision.ts'

/** Whether a person has to follow both of two advices or may choose one. */
export type Need = 'all' | 'one'

/**
 * Unites advices as OpenAM does, name by name and without duplicates. Levels and ages are the exception: a level includes all lower
 * ones and a younger login all that may be older, so what is left is the one that settles the matter: the hardest to meet where
 * all are needed, the easiest where one is enough.
 */
export function uniteAdvices(a: Advices | undefined, b: Advices | undefined, need: Need): Advices | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const united: Partial<Record<AdviceName, readonly string[]>> = { ...a }
  for (const name of Object.keys(b) as AdviceName[]) {
    const values = [...new Set([...(united[name] ?? []), ...(b[name] ?? [])])]
    united[name] = settled(name, values, need)
  }
  return united
}

function settled(name: AdviceName, values: readonly string[], need: Need): readonly string[] {
  const numbers = values.map(Number)
  switch (name) {
    case 'AuthLevelConditionAdvice':
      return [String(need === 'all' ? Math.max(...numbers) : Math.min(...numbers))]
    case 'AuthenticationAgeConditionAdvice':
      return [String(need === 'all' ? Math.min(...numbers) : Math.max(...numbers))]
    default:
      return values
  }
}
