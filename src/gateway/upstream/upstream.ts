import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { CheckedLines } from './checked-lines.ts'

/** Flat name, value, name, value … list: order and duplicates survive, and no object is built on the hot path. */
export type HeaderList = readonly string[]

/** What leaves the gateway, decided on already: `target` is byte for byte what policy saw. */
export interface OutgoingRequest {
  readonly method: string
  /** Canonical path and query. */
  readonly target: string
  /** Complete with `checked`: scrubbed of hop-by-hop, framing and identity headers, then extended by ours, Host included. */
  readonly headers: HeaderList
  /** Lines that go after them as they are; for requests without a body alone. */
  readonly checked?: readonly CheckedLines[] | undefined
}

/** Changes the answer's head on its way to the client: cookies stripped, Location rewritten, caching restrained. */
export type RewriteResponseHead = (status: number, headers: HeaderList) => HeaderList

export interface Exchange {
  readonly request: IncomingMessage
  readonly outgoing: OutgoingRequest
  readonly rewrite: RewriteResponseHead
  /** Aborted when the session ends: the exchange is torn down on both sides at once. WebSockets alone need it: an answer is torn down by itself. */
  readonly signal: AbortSignal | undefined
  /** Sent in place of the body of `request`, which has been read. */
  readonly body?: Buffer | undefined
}

/** What came of it, for the access log. */
export interface ExchangeResult {
  /** Status of the upstream's answer that was sent to the client; 0 where there was none. */
  readonly status: number
  /** Milliseconds until the upstream's response head. */
  readonly upstreamMs: number
  readonly aborted: 'by-client' | 'by-upstream' | 'by-session-end' | undefined
}

/** Told how an exchange came to its end: exactly one of the two is called, once. A promise would cost each request two more turns. */
export interface ExchangeEnding {
  /** The response has ended or was torn down. */
  ended(result: ExchangeResult): void
  /** A fault (GH_UPSTREAM_*, GH_BUSY, GH_REQUEST_TIMEOUT …); the upstream's part wrote nothing to the response. */
  failed(caught: unknown): void
}

/** One protected application: its servers, connection pools, time-outs and health. */
export interface Upstream {
  /** Streams both ways with back-pressure and tells `ending` when it is over, maybe before this returns. Throws only what `ending` throws. */
  forward(exchange: Exchange, response: ServerResponse, ending: ExchangeEnding): void
  /**
   * WebSocket only: the caller has validated the handshake and its Origin. Tunnels after the upstream's 101, passes on
   * any other answer as an ordinary response. Rejects with a GH_UPSTREAM_* fault, while nothing has been written to `socket`.
   */
  upgrade(exchange: Exchange, socket: Duplex, head: Buffer): Promise<ExchangeResult>
  /** What the balance believes of each server. */
  health(): readonly { readonly server: string; readonly healthy: boolean }[]
  /** Closes pools once their exchanges have ended. */
  close(): Promise<void>
}
