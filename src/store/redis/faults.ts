import { fault, type GatehouseError } from '../../errors.ts'

export function unavailable(cause: unknown): GatehouseError {
  return fault('GH_STORE_UNAVAILABLE', cause instanceof Error ? { cause, detail: cause.message } : { cause })
}

/** The word Redis begins its error replies with (`MOVED`, `NOSCRIPT`, `OOM`); empty for everything else. */
export function replyCode(error: unknown): string {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return ''
  return /^[A-Z]+/.exec(error.message)?.[0] ?? ''
}

/** Replies that say: this is not the server that may do it (any more). Connecting anew asks who is. */
const ELSEWHERE = new Set(['READONLY', 'MASTERDOWN', 'UNBLOCKED'])

export function isElsewhere(error: unknown): boolean {
  return ELSEWHERE.has(replyCode(error))
}

/** Replies of a cluster that name another member, or none: nothing was done, and the map of its slots has to be read again. */
const MISPLACED = new Set(['MOVED', 'ASK', 'TRYAGAIN', 'CLUSTERDOWN', 'READONLY'])

export function isMisplaced(error: unknown): boolean {
  return MISPLACED.has(replyCode(error))
}

/** A reply where it must be text, a number or a list: anything else is a server that answers nonsense. */
export function asText(reply: unknown): string {
  if (typeof reply === 'string') return reply
  if (typeof reply === 'number') return String(reply)
  throw unavailable(new TypeError('the reply holds no text'))
}

export function asNumber(reply: unknown): number {
  const number = Number(asText(reply))
  if (Number.isNaN(number)) throw unavailable(new TypeError('the reply holds no number'))
  return number
}

export function asList(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply
  throw unavailable(new TypeError('the reply is no list'))
}

/** A flat list as rows of `width`. */
export function rowsOf(reply: unknown, width: number, from = 0): readonly (readonly string[])[] {
  const list = asList(reply).map(asText)
  const rows: string[][] = []
  for (let i = from; i + width <= list.length; i += width) rows.push(list.slice(i, i + width))
  return rows
}
