import { sha256 } from '../crypto/sha256.ts'
import type { Session } from './session.ts'

/** The session property that remembers which groups its user had. */
const PROPERTY = 'groupsAtLogin'

/** A directory gives the same set for a user until it is read anew. */
const digests = new WeakMap<ReadonlySet<string>, string>()

/** What a session remembers of its user's groups. */
export function groupsAtLogin(groups: ReadonlySet<string>): Readonly<Record<string, string>> {
  return { [PROPERTY]: digestOf(groups) }
}

/** Whether they are others now. Never for a session that remembers none. */
export function groupsChanged({ properties }: Pick<Session, 'properties'>, groups: ReadonlySet<string>): boolean {
  const before = Object.hasOwn(properties, PROPERTY) ? properties[PROPERTY] : undefined
  return before !== undefined && before !== digestOf(groups)
}

function digestOf(groups: ReadonlySet<string>): string {
  const known = digests.get(groups)
  if (known !== undefined) return known
  const digest = sha256(JSON.stringify([...groups].sort())).slice(0, 16)
  digests.set(groups, digest)
  return digest
}
