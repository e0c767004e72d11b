import { headerNames } from '../../http/header-names.ts'
import { protocolFault } from './failure.ts'

/** RFC 9110 §7.6.1 and §11.7: what concerns the upstream's connection to us, not the client's. Trailers that pass are announced by nobody: their list named the dropped ones, too. */
const isOneHop = headerNames([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

type RawHeaders = readonly (Buffer | string)[]

/**
 * The end-to-end part of an answer's head, order and duplicates kept. Drops a Content-Length on 204, which would frame the next
 * answer (RFC 9110 §8.6).
 * @throws GH_UPSTREAM_PROTOCOL for a transfer coding other than chunked: we asked for none, and its name would be lost.
 */
export function endToEnd(status: number, raw: RawHeaders): string[] {
  const headers: string[] = []
  let connection = ''
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = latin1(raw[at])
    const value = latin1(raw[at + 1])
    if (isOneHop(name)) {
      const lower = name.toLowerCase()
      if (lower === 'connection') connection = connection === '' ? value : `${connection},${value}`
      else if (lower === 'transfer-encoding') checkCoding(value)
    } else if (status !== 204 || name.toLowerCase() !== 'content-length') headers.push(name, value)
  }
  // What nearly every answer says names nothing, and nothing is built for it.
  const namesNothing = connection === '' || connection === 'keep-alive' || connection === 'close'
  return namesNothing ? headers : withoutNamed(headers, connection)
}

/** The values of one header, joined; `undefined` where it is missing. */
export function joinedValues(raw: RawHeaders, wanted: string): string | undefined {
  let joined: string | undefined
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (latin1(raw[at]).toLowerCase() !== wanted) continue
    const value = latin1(raw[at + 1])
    joined = joined === undefined ? value : `${joined}, ${value}`
  }
  return joined
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

function latin1(part: Buffer | string | undefined): string {
  return typeof part === 'string' ? part : (part?.toString('latin1') ?? '')
}
