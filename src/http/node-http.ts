import type { IncomingMessage as NodeIncomingMessage, ServerResponse as NodeServerResponse } from 'node:http'

/**
 * What we use of `node:http`, past its ES module. That one reads every export when it is linked, `WebSocket` and its events among them, and
 * with these loads all of Node's own fetch: 45 ms of processor time and 14 MiB at each start, for nothing (Node 24).
 */
export const { createServer, IncomingMessage, request, ServerResponse, STATUS_CODES } =
  process.getBuiltinModule('node:http')
export type IncomingMessage = NodeIncomingMessage
export type ServerResponse = NodeServerResponse
