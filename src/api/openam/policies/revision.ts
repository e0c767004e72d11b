import { createHash } from 'node:crypto'
import type { Reply } from '../reply.ts'
import type { Document } from './documents.ts'

/** A document with the version of it: another one whenever it says anything else. */
export interface Revised extends Document {
  readonly _rev: string
}

export function revised({ _id, ...rest }: Document): Revised {
  const hash = createHash('sha256').update(JSON.stringify([_id, rest]))
  return { _id, _rev: hash.digest('base64url').slice(0, 22), ...rest }
}

export function withTag(reply: Reply, { _rev }: Revised): Reply {
  return { ...reply, headers: { ...reply.headers, etag: `"${_rev}"` } }
}

/** Whether a list of versions (`If-Match`, `If-None-Match`) has this one; OpenAM's clients leave the quotes out. */
export function namesRevision(list: string, { _rev }: Revised): boolean {
  return list.split(',').some((text) => {
    const tag = text.trim()
    return tag === '*' || tag === _rev || tag === `"${_rev}"`
  })
}
