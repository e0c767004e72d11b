import { randomName } from '../base/random-id.ts'

/**
 * Makes request ids: unique among all processes, short enough to read over a telephone, opening nothing. One random prefix a process
 * and a counter, because 12 random bytes for each request cost more than everything else the request line needs.
 * An id that a client sends is never taken over: it could be anybody's.
 */
export function createRequestIds(prefix: string = randomName().replace(/[-_]/g, '').slice(0, 10)): () => string {
  let count = 0
  return () => `${prefix}-${(++count).toString(36)}`
}
