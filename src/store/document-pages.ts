import { setImmediate as breathe } from 'node:timers/promises'
import type { Document, Documents } from './store.ts'

/** Enough for few round trips, and worked on in some milliseconds. */
const SIZE = 200

/** A whole collection, part by part, each document at least once. Between two parts the process serves others. */
export async function* documentPages(
  documents: Pick<Documents, 'page'>,
  collection: string,
): AsyncGenerator<readonly Document[], void> {
  let from: string | undefined
  do {
    const part = await documents.page(collection, SIZE, from)
    if (part.documents.length > 0) yield part.documents
    from = part.next
    await breathe()
  } while (from !== undefined)
}
