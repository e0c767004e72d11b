import { z } from 'zod'

/** Printable ASCII, so that it fits into `Location` as it is; a second slash or a backslash would begin a host to browsers. */
const PATH = /^\/(?![/\\])[\x21\x22\x24-\x5b\x5d-\x7e]*$/

function isAddress(text: string): boolean {
  if (PATH.test(text)) return true
  const url = /^https?:\/\/[\x21\x22\x24-\x5b\x5d-\x7e]+$/i.test(text) ? URL.parse(text) : null
  return url !== null && url.username === '' && url.password === ''
}

/** A path of the site, or an absolute URL of a host of the configuration; whether it is one, `config/checks/destinations.ts` says. */
export const destination = z
  .string()
  .refine(isAddress, 'write a path of the site, such as /goodbye, or a whole URL of another site here')
  .transform((text) => (text.startsWith('/') ? text : (URL.parse(text)?.href ?? text)))
