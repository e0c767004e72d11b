import { openKeyRing, type KeyRing, type KeyRingDeps } from './key-ring.ts'

const COLLECTION = 'keys'
/** Stored RSA keys by whom they are for. */
const made = new Map<string, readonly { readonly id: string; readonly value: string }[]>()

/**
 * A ring whose RSA keys, which take a tenth of a second each, are those of the first that this process opened with the same master key at
 * the same time; the other keys are its own. For tests that are not about RSA keys.
 */
export async function openQuickKeyRing(deps: KeyRingDeps): Promise<KeyRing> {
  const { documents, masterKey, clock } = deps
  const whose = `${masterKey} ${clock()}`
  for (const { id, value } of made.get(whose) ?? []) await documents.putIfAbsent(COLLECTION, id, value)
  const ring = await openKeyRing(deps)
  if (!made.has(whose)) {
    const keys = await documents.list(COLLECTION)
    made.set(
      whose,
      keys.filter(({ id }) => id.includes('-rsa.')),
    )
  }
  return ring
}
