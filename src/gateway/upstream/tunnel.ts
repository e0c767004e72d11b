import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { closeFrame, FrameBoundary } from './frame-boundary.ts'
import type { ExchangeResult } from './upstream.ts'

/** RFC 6455 §7.4.1: the connection breaks a policy; here, the session behind it ended. */
const POLICY_VIOLATION = 1008
/** How long a client may take to read the Close frame. */
const FAREWELL_MS = 1_000

export interface TunnelEnds {
  readonly client: Duplex
  readonly upstream: Socket
  /** Milliseconds without a byte in either direction after which both ends are closed. */
  readonly idleTimeout: number
  readonly signal: AbortSignal | undefined
}

/** Passes bytes both ways, with back-pressure and half-close, until both ends are closed. Who ended it out of turn is the answer. */
export function tunnel({ client, upstream, idleTimeout, signal }: TunnelEnds): Promise<ExchangeResult['aborted']> {
  return new Promise((resolve) => {
    const frames = new FrameBoundary()
    let aborted: ExchangeResult['aborted']

    const closed = (): void => {
      if (!client.destroyed || !upstream.destroyed) return
      signal?.removeEventListener('abort', onSessionEnd)
      resolve(aborted)
    }
    // Not pipe(): with both directions at hand six listeners do what it takes some thirty objects for, in every tunnel.
    const toUpstream = (chunk: Buffer): void => {
      if (!upstream.write(chunk)) client.pause()
    }
    const toClient = (chunk: Buffer): void => {
      frames.push(chunk)
      if (!client.write(chunk)) upstream.pause()
    }
    const onSessionEnd = (): void => {
      aborted = 'by-session-end'
      client.off('data', toUpstream)
      upstream.off('data', toClient)
      upstream.destroy()
      farewell(client, frames.between)
    }

    client
      .on('error', () => (aborted ??= 'by-client'))
      .on('close', () => {
        if (!client.readableEnded) aborted ??= 'by-client'
        upstream.destroy()
        closed()
      })
    upstream
      .on('error', () => (aborted ??= 'by-upstream'))
      .on('close', () => {
        if (!upstream.readableEnded) aborted ??= 'by-upstream'
        if (aborted === 'by-upstream') client.destroy()
        closed()
      })
    // Every byte of either direction passes this socket, so its own timer sees silence in both.
    upstream.setTimeout(idleTimeout, () => {
      upstream.destroy()
      client.destroy()
    })
    client
      .on('data', toUpstream)
      .on('end', () => upstream.end())
      .on('drain', () => upstream.resume())
    upstream
      .on('data', toClient)
      .on('end', () => client.end())
      .on('drain', () => client.resume())
    if (!upstream.writableNeedDrain) client.resume()
    if (!client.writableNeedDrain) upstream.resume()
    signal?.addEventListener('abort', onSessionEnd)
    if (signal?.aborted === true) onSessionEnd()
  })
}

/** A Close frame where it would not land inside another frame, then the end, whatever the client does. */
function farewell(client: Duplex, clean: boolean): void {
  if (!clean || client.writableNeedDrain || !client.writable) {
    client.destroy()
    return
  }
  const timer = setTimeout(() => client.destroy(), FAREWELL_MS)
  client.once('close', () => clearTimeout(timer))
  client.once('end', () => client.destroy())
  client.end(closeFrame(POLICY_VIOLATION, 'session ended'))
  client.resume()
}
