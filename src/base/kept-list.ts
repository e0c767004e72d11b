import type { RealmName } from './brand.ts'

/**
 * One item of a list that is kept in a file, as it was written and as it is to be. Without `before` it is new, with an empty one nothing of
 * it stays, without `after` it goes.
 */
export interface ItemEdit {
  /** Its place in the list. */
  readonly index: number
  readonly before: object | undefined
  readonly after: object | undefined
}

/** What is to become of the items that there are; `refused`: nothing, for a reason that is the caller's. */
export type EditPlan<R> =
  /** All of them or none, one after the other: places are those that there are when its turn has come. */
  { readonly kind: 'edit'; readonly edits: readonly ItemEdit[] } | { readonly kind: 'refused'; readonly refused: R }

export type EditOutcome<Item, Effect, R> =
  | { readonly kind: 'refused'; readonly refused: R }
  /** The configuration would not be valid with it. Nothing has changed. */
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }
  /** The files cannot be changed now. Nothing has changed. */
  | { readonly kind: 'conflict'; readonly why: string }
  | {
      readonly kind: 'done'
      /** All that there are now. */
      readonly items: readonly Item[]
      /** False where this process does not go by them yet. */
      readonly isInForce: boolean
      /** What else is known to be another than before. */
      readonly effect: Effect
    }

/** What there is once it is written. */
export interface Kept<Item, Effect> {
  readonly items: readonly Item[]
  readonly effect: Effect
}

export interface ChangeOptions<Item, Effect> {
  /** Everything but writing. */
  readonly isTrial: boolean
  /** Why it is not to be written after all, seeing what it would do; `undefined` where nothing stands against it. */
  readonly objection?: ((kept: Kept<Item, Effect>) => string | undefined) | undefined
  /** Told as soon as it is written, before it is in force: a process that ends in between has noted it. */
  readonly written?: (kept: Kept<Item, Effect>) => void
}

/** Changes the list that each realm keeps in a file. */
export interface KeptList<Item, Effect = undefined> {
  /** Asks `plan` about the items as they are kept now, and does what it says. */
  change<R>(
    realm: RealmName,
    plan: (items: readonly Item[]) => EditPlan<R>,
    options: ChangeOptions<Item, Effect>,
  ): Promise<EditOutcome<Item, Effect, R>>
}
