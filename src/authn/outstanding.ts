import type { AuthQuery } from '../session/session.ts'
import { isDemanded, modulesOf, nextStep } from './chain.ts'
import type { Journey } from './journey.ts'
import type { RealmAuthn } from './realm-authn.ts'
import type { Turn } from './turn.ts'

/** What a login still asks for: what it asks now, and what of its chain is to come whatever the answers are. */
export function outstanding(
  { chains, modules }: Pick<RealmAuthn, 'chains' | 'modules'>,
  { chain, results }: Pick<Journey, 'chain' | 'results'>,
  { module, others, enrols }: Pick<Turn, 'module' | 'others' | 'enrols'>,
): readonly AuthQuery[] {
  const entries = chains.get(chain)?.entries ?? []
  const step = nextStep(entries, results)
  const now = step.kind === 'run' ? step.index : entries.length
  const typeOf = (name: string): string => modules.get(name)?.type ?? name
  const later = entries.flatMap((entry, index): readonly AuthQuery[] => {
    if (index <= now || !isDemanded(entry) || (results[index] ?? undefined) !== undefined) return []
    const [name = entry.module, ...or] = modulesOf(entry)
    return [{ module: name, type: typeOf(name), or, enrols: false }]
  })
  return [{ module: module.name, type: module.type, or: others, enrols }, ...later]
}
