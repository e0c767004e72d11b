import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { z } from 'zod'

/** The repository's root, with a trailing separator. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

const mutationSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  /** What the product would do wrong. */
  breaks: z.string().min(1),
  file: z.string(),
  /** Exactly one place of the file. */
  find: z.string().min(1),
  replace: z.string(),
  /** The tests that should notice: files or globs. */
  tests: z.array(z.string()).min(1),
  /** Killed within two seconds: fit for the slice that `npm test` runs. */
  fast: z.boolean().default(false),
})

export type Mutation = z.infer<typeof mutationSchema>

/** The list in its order. Throws for an entry that is not in shape. */
export function readMutations(): readonly Mutation[] {
  const text = readFileSync(new URL('mutations.yaml', import.meta.url), 'utf8')
  return z.array(mutationSchema).parse(parse(text))
}

/** The file with the mutation in place; `undefined` when the code has moved on and it names no place of it, or two. */
export function mutated(code: string, { find, replace }: Mutation): string | undefined {
  return code.split(find).length === 2 ? code.replace(find, () => replace) : undefined
}

/** So many of the fast ones, spread evenly over the list and the same every time. */
export function sliceOf(all: readonly Mutation[], size: number): readonly Mutation[] {
  const fast = all.filter((mutation) => mutation.fast)
  const count = Math.min(size, fast.length)
  return fast.filter((_, i) => Math.floor((i * count) / fast.length) !== Math.floor(((i - 1) * count) / fast.length))
}
