import { isHopByHop } from '../../http/hop-by-hop.ts'
import { lowerCaseName } from '../../http/undici.ts'
import { protocolFault } from './failure.ts'

/**
 * The end-to-end part of an answer's head (RFC 9110 §7.6.1) from its names and values in turn, duplicates kept. Drops a Content-Length on
 * 204, which would frame the next answer (RFC 9110 §8.6). Names go on in lower case, as in HTTP/2: those that are known need no new text.
 * @throws GH_UPSTREAM_PROTOCOL for a transfer coding other than chunked: we asked for none, and its name would be lost.
 */
export function endToEnd(status: number, head: readonly Buffer[]): string[] {
  const passed = new EndToEnd(status)
  for (let at = 0; at + 1 < head.length; at += 2) {
    const name = lowerCaseName(head[at] ?? NOTHING)
    passed.add(name, name, (head[at + 1] ?? NOTHING).toString('latin1'))
  }
  return passed.headers()
}

/** The values of the head's lines of this name, in lower case. */
export function valuesOf(head: readonly Buffer[], name: string): readonly string[] {
  const values = head.filter((_, at) => at % 2 === 1 && lowerCaseName(head[at - 1] ?? NOTHING) === name)
  return values.map((value) => value.toString('latin1'))
}

const NOTHING = Buffer.alloc(0)

/** The same of a raw list, whose spelling is kept: some clients of WebSockets compare the names of a 101 byte for byte. */
export function endToEndAsSpelt(status: number, raw: readonly string[]): string[] {
  const passed = new EndToEnd(status)
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? ''
    passed.add(name, name.toLowerCase(), raw[at + 1] ?? '')
  }
  return passed.headers()
}

class EndToEnd {
  readonly #kept: string[] = []
  readonly #hasBody: boolean
  #connection = ''

  constructor(status: number) {
    this.#hasBody = status !== 204
  }

  add(name: string, lower: string, value: string): void {
    if (isHopByHop(lower)) {
      if (lower === 'connection') this.#connection = this.#connection === '' ? value : `${this.#connection},${value}`
      else if (lower === 'transfer-encoding') checkCoding(value)
    } else if (this.#hasBody || lower !== 'content-length') this.#kept.push(name, value)
  }

  /** Without what `Connection` named. Nearly every answer names nothing, and nothing is built for it. */
  headers(): string[] {
    const connection = this.#connection
    const namesNothing = connection === '' || connection === 'keep-alive' || connection === 'close'
    return namesNothing ? this.#kept : withoutNamed(this.#kept, connection)
  }
}

function withoutNamed(headers: string[], connection: string): string[] {
  const named = new Set(connection.toLowerCase().split(/[\s,]+/))
  named.delete('')
  named.delete('close')
  named.delete('keep-alive')
  if (named.size === 0) return headers
  const kept: string[] = []
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? ''
    if (!named.has(name.toLowerCase())) kept.push(name, headers[at + 1] ?? '')
  }
  return kept
}

function checkCoding(value: string): void {
  if (value.toLowerCase() !== 'chunked') throw protocolFault('the answer has a transfer coding other than chunked')
}
