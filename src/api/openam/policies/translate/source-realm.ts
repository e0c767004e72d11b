import { readUniversalName } from './distinguished-name.ts'
import type { Exported } from './export-file.ts'

/** The realms that an export speaks of: what its sets and types say, else whose people and groups its policies name. */
export function realmsOf({ policies, policySets, resourceTypes }: Exported): readonly string[] {
  const stated = [...policySets, ...resourceTypes].flatMap(({ realm }) => (typeof realm === 'string' ? [realm] : []))
  const named = policies
    .flatMap(({ subject }) => namesIn(subject))
    .flatMap((name) => readUniversalName(name)?.realm ?? [])
  const realms = stated.length > 0 ? stated : named
  // Letter case does not count in OpenAM's names.
  return [...new Map(realms.map((realm) => [realm.toLowerCase(), realm])).values()]
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
