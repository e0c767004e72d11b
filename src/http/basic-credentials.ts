export interface Credentials {
  readonly username: string
  readonly password: string
}

const FORM = /^Basic ([A-Za-z0-9+/]+={0,2})$/i
/** Characters; a password of 1,024 bytes and a name fit. */
const LONGEST = 4_096

/** Name and password of an `Authorization` header in UTF-8 (RFC 7617 §2, §2.1); the first colon parts them. */
export function basicCredentials(header: string | undefined): Credentials | undefined {
  const encoded = header === undefined || header.length > LONGEST ? undefined : FORM.exec(header)?.[1]
  if (encoded === undefined) return undefined
  const bytes = Buffer.from(encoded, 'base64')
  const text = bytes.toString('utf8')
  // Bytes that are not UTF-8 would all become one and the same character.
  if (!Buffer.from(text, 'utf8').equals(bytes)) return undefined
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) }
}
