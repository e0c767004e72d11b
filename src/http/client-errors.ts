import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { STATUS_CODES } from './node-http.ts'

/** Codes that Node's parser reports, with the status that tells the client most without echoing anything. */
const STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** How long a client may take to read its last answer, in milliseconds. */
const FAREWELL_MS = 2_000

/** A complete answer with an empty body that ends the connection. */
export function refuseOnSocket(socket: Duplex, status: number): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`
  socket.write(`${head}\r\nConnection: close\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n`)
  hangUp(socket)
}

/**
 * Ends a connection that no HTTP server looks after any more. What was written still arrives; what comes is thrown away, because
 * a socket that nobody reads never learns that its peer has left; and a peer that stays is cut off (connections held open).
 */
export function hangUp(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), FAREWELL_MS)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
  socket.end()
  socket.resume()
}

/** How long an upload that was answered already may go on, in milliseconds. */
const LATE_UPLOAD_MS = 10_000

/**
 * Ends the connection of a client that got its answer and does not finish sending what it was refused: a body that never comes
 * would hold it for ever (slow-body attack), because bodies have no time limit of their own.
 */
export function limitLateUpload(request: IncomingMessage, response: ServerResponse, ms = LATE_UPLOAD_MS): void {
  const { headers } = request
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return
  response.once('finish', () => {
    if (request.complete) return
    const timer = setTimeout(() => {
      if (!request.complete) request.socket.destroy()
    }, ms)
    timer.unref()
    request.socket.once('close', () => clearTimeout(timer))
  })
}

export interface ConnectionWatch {
  /**
   * Remembers the answer that is under way on the request's connection. False when an answer before it has announced the end of
   * the connection: whatever still comes then was sent together with something we refused to understand, and must not be
   * carried out (RFC 9112 §9.6; request smuggling).
   */
  started(request: IncomingMessage, response: ServerResponse): boolean
  /** An answer is under way on this connection, or was the last one: nobody else may write to it now. */
  isTaken(socket: Duplex): boolean
  /** Answers what could not be parsed, unless that would land in the middle of another answer. */
  clientError(error: Error, socket: Duplex): void
}

/** For `clientError`: a broken request after a good one must not corrupt the good one's answer (response splitting). */
export function createConnectionWatch(): ConnectionWatch {
  const lasts = new WeakMap<Duplex, { answer: ServerResponse }>()
  return {
    started(request, response) {
      const last = lasts.get(request.socket)
      if (last === undefined) {
        lasts.set(request.socket, { answer: response })
        return true
      }
      const { shouldKeepAlive } = last.answer
      last.answer = response
      if (shouldKeepAlive) return true
      response.shouldKeepAlive = false
      return false
    },
    isTaken(socket) {
      const answer = lasts.get(socket)?.answer
      return answer !== undefined && (!answer.closed || !answer.shouldKeepAlive)
    },
    clientError(error, socket) {
      const answer = lasts.get(socket)?.answer
      const midway = answer !== undefined && answer.headersSent && !answer.writableFinished
      if (midway || (error as NodeJS.ErrnoException).code === 'ECONNRESET') socket.destroy()
      else refuseOnSocket(socket, STATUS[(error as NodeJS.ErrnoException).code ?? ''] ?? 400)
    },
  }
}
