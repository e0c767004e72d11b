import type { RealmAuthn } from './realm-authn.ts'

/** What a login must come to besides a passed chain. */
export interface LoginDemand {
  /** authLevel to reach: `authIndexType=level`. */
  readonly level: number | undefined
  /** Prove it again although a session is there (`ForceAuth=true`). */
  readonly force: boolean
}

/**
 * The name of the chain to run: the realm's default where it reaches the level, else the shortest that does, the first of them in the
 * order of the file. `undefined` when none does: starting a login that cannot help would send the browser round for ever.
 */
export function chooseChain(realm: RealmAuthn, { level }: LoginDemand): string | undefined {
  const reaches = (name: string): boolean => (realm.chains.get(name)?.level ?? -1) >= (level ?? 0)
  if (reaches(realm.defaultChain)) return realm.defaultChain
  let best: { readonly name: string; readonly length: number } | undefined
  for (const [name, { entries }] of realm.chains) {
    if (reaches(name) && entries.length < (best?.length ?? Infinity)) best = { name, length: entries.length }
  }
  return best?.name
}
