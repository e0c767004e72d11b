import { createRequire } from 'node:module'
import type * as undici from 'undici'

/**
 * The parts of undici that forwarding takes. Its entry loads fetch, WebSocket, caches and mocks beside them: twice the processor time at
 * each start. The version is pinned; a part that has moved fails the start, and every test.
 */
const load = createRequire(import.meta.url)

export const Pool = load('undici/lib/dispatcher/pool.js') as typeof undici.Pool
export type Pool = undici.Pool
export const Client = load('undici/lib/dispatcher/client.js') as typeof undici.Client
/** To be called on a client, which has it as a method only where the whole entry was loaded. */
export const request = load('undici/lib/api/api-request.js') as undici.Client['request']
export const buildConnector = load('undici/lib/core/connect.js') as typeof undici.buildConnector
export const { SocketError } = load('undici/lib/core/errors.js') as typeof undici.errors
