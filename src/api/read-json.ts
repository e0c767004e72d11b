import type { IncomingMessage } from 'node:http'

/** Bytes of a body: a token, a list of handles. */
const LIMIT = 16_384
/** Lists and objects in each other. What is deeper ends the stack of whatever goes through it. */
const DEEPEST = 100
/** How long a body may take to arrive, in milliseconds (slow-body attack). */
const ARRIVAL_MS = 20_000

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
  const text = await readText(request)
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

/** A body as UTF-8, bounded in bytes and time. What is still to come after a refusal is not waited for. */
export function readText(request: IncomingMessage, most = LIMIT): Promise<string | 408 | 413> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (answer: string | 408 | 413): void => {
      clearTimeout(timer)
      request.off('data', take).off('end', finish).off('close', broke)
      resolve(answer)
    }
    const timer = setTimeout(() => settle(408), ARRIVAL_MS)
    const take = (chunk: Buffer): void => {
      size += chunk.length
      if (size > most) settle(413)
      else chunks.push(chunk)
    }
    const finish = (): void => settle(Buffer.concat(chunks).toString('utf8'))
    const broke = (): void => {
      clearTimeout(timer)
      reject(new Error('the connection broke before the request was there'))
    }
    request.on('data', take).once('end', finish).once('close', broke)
  })
}
