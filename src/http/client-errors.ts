import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** Codes that Node's parser reports, with the status that tells the client most without echoing anything. */
const STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** A complete answer with an empty body that ends the connection. */
export function refuseOnSocket(socket: Duplex, status: number): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`
  socket.end(`${head}\r\nConnection: close\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n`)
}

export interface ConnectionWatch {
  /** Remembers the answer that is under way on the request's connection. */
  started(request: IncomingMessage, response: ServerResponse): void
  /** Answers what could not be parsed, unless that would land in the middle of another answer. */
  clientError(error: Error, socket: Duplex): void
}

/** For `clientError`: a broken request after a good one must not corrupt the good one's answer (response splitting). */
export function createConnectionWatch(): ConnectionWatch {
  const answers = new WeakMap<Duplex, ServerResponse>()
  return {
    started(request, response) {
      answers.set(request.socket, response)
    },
    clientError(error, socket) {
      const answer = answers.get(socket)
      const midway = answer !== undefined && answer.headersSent && !answer.writableFinished
      if (midway || (error as NodeJS.ErrnoException).code === 'ECONNRESET') socket.destroy()
      else refuseOnSocket(socket, STATUS[(error as NodeJS.ErrnoException).code ?? ''] ?? 400)
    },
  }
}
