import type { IncomingMessage } from 'node:http'

/** Name and secret in the headers of one call, so that no page has to be answered. */
export interface ZeroPage {
  readonly name: string
  readonly secret: string | undefined
}

/** `undefined` where no name is sent, or one cannot be read. */
export function zeroPageOf({ headers }: Pick<IncomingMessage, 'headers'>): ZeroPage | undefined {
  const [name, secret] = [headers['x-openam-username'], headers['x-openam-password']].map(readHeader)
  return name === undefined ? undefined : { name, secret }
}

const ENCODED = /^=\?utf-8\?b\?([A-Za-z0-9+/]{1,4000}={0,2})\?=$/i

/** As it stands, or as one encoded word in UTF-8 (RFC 2047 §2), which is how clients send what is beyond ASCII. */
function readHeader(value: string | readonly string[] | undefined): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  const word = ENCODED.exec(value)?.[1]
  return word === undefined ? value : Buffer.from(word, 'base64').toString('utf8')
}
