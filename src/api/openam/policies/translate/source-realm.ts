import { readUniversalName } from './distinguished-name.ts'
import type { Exported } from './export-file.ts'

/** The one realm that an export speaks of; `undefined` where it names none, or several. */
export function realmOfNames({ policies, policySets, resourceTypes }: Exported): string | undefined {
  const stated = [...policySets, ...resourceTypes].flatMap(({ realm }) => (typeof realm === 'string' ? [realm] : []))
  const named = policies
    .flatMap(({ subject }) => namesIn(subject))
    .flatMap((name) => readUniversalName(name)?.realm ?? [])
  const [realm, ...others] = new Set(stated.length > 0 ? stated : named)
  return others.length === 0 ? realm : undefined
}

/** All texts of lists that are called `subjectValues`. */
function namesIn(node: unknown): readonly string[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([name, value]: [string, unknown]) =>
    name === 'subjectValues' && Array.isArray(value)
      ? value.filter((each): each is string => typeof each === 'string')
      : namesIn(value),
  )
}
