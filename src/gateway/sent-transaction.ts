import type { IncomingMessage } from 'node:http'
import type { Target } from '../http/request-url.ts'

/** What a client sends along to say which transaction was approved for its request, and the request without it. */
export interface SentTransaction {
  /** Without the parameter: this is decided on, compared with what was approved, and forwarded. */
  readonly target: Target
  readonly transaction: string | undefined
}

/** As ForgeRock's SDKs add it to addresses that ForgeRock's gateway protects. */
const PARAMETER = '_txid='
/** As they send it beside a request. */
const HEADER = 'x-txid'
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/**
 * Takes the transaction out of a request. Where a client that repeats itself names several, the last one is meant. A parameter of that name
 * whose value is no id of ours is the application's own, and stays.
 */
export function sentTransaction(target: Target, { headers }: Pick<IncomingMessage, 'headers'>): SentTransaction {
  const { path, query } = target
  const header = headers[HEADER]
  const named = typeof header === 'string' && ID.test(header) ? header : undefined
  if (query?.includes(PARAMETER) !== true) return { target, transaction: named }
  const pairs = query.split('&')
  const kept = pairs.filter((pair) => !isTransaction(pair))
  if (kept.length === pairs.length) return { target, transaction: named }
  const rest = kept.length === 0 ? undefined : kept.join('&')
  return {
    target: { ...target, query: rest, target: rest === undefined ? path : `${path}?${rest}` },
    transaction: pairs.findLast(isTransaction)?.slice(PARAMETER.length),
  }
}

function isTransaction(pair: string): boolean {
  return pair.startsWith(PARAMETER) && ID.test(pair.slice(PARAMETER.length))
}
