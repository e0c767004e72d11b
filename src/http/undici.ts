import { createRequire } from 'node:module'
import type * as undici from 'undici'

/**
 * The parts of undici that are used here. Its entry loads fetch, WebSocket, caches and mocks beside them: twice the processor time at
 * each start, and 1 MB of sources that stay in memory. The version is pinned; a part that has moved fails the start, and every test.
 */
const load = createRequire(import.meta.url)

export const Pool = load('undici/lib/dispatcher/pool.js') as typeof undici.Pool
export type Pool = undici.Pool
export const Client = load('undici/lib/dispatcher/client.js') as typeof undici.Client
/** To be called on a client, which has it as a method only where the whole entry was loaded. */
export const request = load('undici/lib/api/api-request.js') as undici.Client['request']
export const Agent = load('undici/lib/dispatcher/agent.js') as typeof undici.Agent
export const buildConnector = load('undici/lib/core/connect.js') as typeof undici.buildConnector
export const { SocketError } = load('undici/lib/core/errors.js') as typeof undici.errors

/** What a client makes of its options: it looks at each header, and keeps those that it writes as they are. */
export interface CheckedRequest {
  host: string | null
  readonly contentLength: number | null
  readonly reset: boolean | null
  readonly body: unknown
  /** Names and values, in turn. */
  readonly headers: string[]
  /** Called by the parser with the names and values of the answer's head, in turn; it makes a table of them for the handler. */
  onResponseStart(status: number, head: unknown, resume: () => void, statusText: string): boolean
}
export const CheckedRequest = load('undici/lib/core/request.js') as new (
  origin: string,
  options: undici.Dispatcher.DispatchOptions,
  handler: undici.Dispatcher.DispatchHandler,
) => CheckedRequest

export const { bufferToLowerCasedHeaderName: lowerCaseName } = load('undici/lib/core/util.js') as {
  /** Names that are known are not made anew. */
  readonly bufferToLowerCasedHeaderName: (name: Buffer) => string
}

type Inside = 'kBusy' | 'kDispatch' | 'kNeedDrain' | 'kQueue' | 'kResume' | 'kResuming' | 'kUrl'

/** Names of what a client has inside. */
export const { kBusy, kDispatch, kNeedDrain, kQueue, kResume, kResuming, kUrl } = load(
  'undici/lib/core/symbols.js',
) as Readonly<Record<Inside, symbol>>
