import type { IncomingMessage } from 'node:http'
import { readText } from '../http/read-text.ts'

/** Bytes of a body: a token, a list of handles. */
const LIMIT = 16_384
/** Lists and objects in each other. What is deeper ends the stack of whatever goes through it. */
const DEEPEST = 100

export type JsonBody =
  /** `value` is `undefined` for an empty body. */
  | { readonly kind: 'read'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly status: 400 | 408 | 413 | 415 }

const JSON_TYPE = /^application\/json\s*(?:;|$)/i

/**
 * The body as JSON, bounded in bytes, depth and time. Only `application/json` is read: what a form of another site can send without
 * asking (text/plain, urlencoded, multipart) is 415. An empty body may be of any type. Rejects when the connection breaks.
 */
export async function readJson(request: IncomingMessage): Promise<JsonBody> {
  if (Number(request.headers['content-length'] ?? 0) > LIMIT) return { kind: 'refused', status: 413 }
  const text = await readText(request, LIMIT)
  if (typeof text === 'number') return { kind: 'refused', status: text }
  if (text === '') return { kind: 'read', value: undefined }
  if (!JSON_TYPE.test(request.headers['content-type'] ?? '') || request.headers['content-encoding'] !== undefined) {
    return { kind: 'refused', status: 415 }
  }
  try {
    const value = JSON.parse(text) as unknown
    return isTooDeep(value) ? { kind: 'refused', status: 400 } : { kind: 'read', value }
  } catch {
    return { kind: 'refused', status: 400 }
  }
}

function isTooDeep(value: unknown): boolean {
  let level = [value]
  for (let depth = 0; depth <= DEEPEST; depth++) {
    level = level.flatMap((each): unknown[] => (typeof each === 'object' && each !== null ? Object.values(each) : []))
    if (level.length === 0) return false
  }
  return true
}
