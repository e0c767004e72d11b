import { inflateRawSync } from 'node:zlib'
import { refuse } from './refusal.ts'

/** As much XML as is read; more is no message of anybody's (decompression bombs end here). */
export const LONGEST_XML = 65_536
const LONGEST_BASE64 = Math.ceil(LONGEST_XML / 3) * 4

/** Readers skip it, or do not; a signature is over neither. */
const BYTE_ORDER_MARK = '\ufeff'
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** The XML of a POST form's field: Base64, in lines or in one (SAML Bindings 2.0 §3.5.4). */
export function xmlOfField(field: string): string {
  // RFC 2045 lines are at least 2 characters in 76 longer.
  if (field.length > LONGEST_BASE64 * 1.05) refuse('saml-encoding', 'a message of more than 64 KiB')
  return textOf(base64(field.replaceAll(/\r?\n/g, '')))
}

/** The XML of a parameter of the redirect binding: Base64 of DEFLATE (SAML Bindings 2.0 §3.4.4.1). */
export function xmlOfParameter(parameter: string): string {
  if (parameter.length > LONGEST_BASE64) refuse('saml-encoding', 'a message of more than 64 KiB')
  const deflated = base64(parameter)
  let inflated: Buffer
  try {
    inflated = inflateRawSync(deflated, { maxOutputLength: LONGEST_XML })
  } catch {
    refuse('saml-encoding', 'this is not DEFLATE, or of more than 64 KiB')
  }
  return textOf(inflated)
}

/** One spelling alone: what readers differ about is refused. */
export function base64(text: string): Buffer {
  const bytes = BASE64.test(text) ? Buffer.from(text, 'base64') : undefined
  if (bytes === undefined || bytes.toString('base64') !== text) refuse('saml-encoding', 'this is not Base64')
  return bytes
}

/** UTF-8 without a mark, or refused: what is not valid is not replaced. */
function textOf(bytes: Buffer): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return refuse('saml-encoding', 'this is not UTF-8')
  }
  return text.startsWith(BYTE_ORDER_MARK) ? refuse('saml-encoding', 'a byte order mark') : text
}
