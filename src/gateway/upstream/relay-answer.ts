import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ClientAnswer } from './client-answer.ts'
import { IdleTimer } from './idle.ts'
import type { ExchangeResult } from './upstream.ts'

export interface Relay {
  /** The upstream's answer, its head already written to the client. */
  readonly answer: IncomingMessage
  readonly client: ClientAnswer
  readonly response: ServerResponse
  readonly socket: Duplex
  /** Milliseconds without a byte after which both sides are torn down. */
  readonly idleTimeout: number
  readonly signal: AbortSignal | undefined
}

/** Passes the body of an answer that refuses a WebSocket, then closes the client's connection. */
export function relayAnswer(relay: Relay): Promise<ExchangeResult['aborted']> {
  const { answer, client, response, socket, idleTimeout, signal } = relay
  return new Promise((resolve) => {
    let over = false
    const settle = (aborted: ExchangeResult['aborted']): void => {
      if (over) return
      over = true
      idle.stop()
      signal?.removeEventListener('abort', onSessionEnd)
      answer.destroy()
      if (aborted === undefined) socket.end()
      else socket.destroy()
      resolve(aborted)
    }
    const onSessionEnd = (): void => settle('by-session-end')
    const idle = new IdleTimer(idleTimeout, () => settle('by-upstream'))

    idle.touch()
    signal?.addEventListener('abort', onSessionEnd)
    socket.on('close', () => settle('by-client'))
    response.on('finish', () => settle(undefined))
    answer.on('error', () => settle('by-upstream')).on('end', () => client.end())
    answer.on('data', (chunk: Buffer) => {
      idle.touch()
      if (client.write(chunk)) return
      answer.pause()
      socket.once('drain', () => answer.resume())
    })
    response.flushHeaders()
  })
}
