import { guaranteedLevel } from './chain.ts'
import type { AuthnConfig } from './chains.schema.ts'

/** What everybody reaches who passes a chain, by its name; nothing of a chain that nobody can pass. */
export function chainLevels({ modules, chains }: AuthnConfig): ReadonlyMap<string, number> {
  const levelOf = (name: string): number => modules[name]?.authLevel ?? 0
  return new Map(
    Object.entries(chains).flatMap(([name, entries]) => {
      const level = guaranteedLevel(entries, levelOf)
      return level === undefined ? [] : [[name, level] as const]
    }),
  )
}

/** The highest level that a login can be asked for: by a chain, or by the second factor that a policy wants besides. */
export function highestLevel(config: AuthnConfig): number {
  const wanted = config.policies.flatMap(({ secondFactors = [] }) =>
    secondFactors.length === 0 ? [] : [Math.min(...secondFactors.map((name) => config.modules[name]?.authLevel ?? 0))],
  )
  return Math.max(0, ...chainLevels(config).values(), ...wanted)
}
