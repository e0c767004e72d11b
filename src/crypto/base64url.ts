/**
 * Decodes base64url without padding (RFC 4648 §5), strictly: `undefined` for other alphabets, padding, white space and slack
 * bits that are not zero. Lenient decoders give one value many spellings, and whoever keys a denylist or a replay cache on the
 * spelling is walked around.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
