import { hash } from 'node:crypto'

/** SHA-256 in base64url, 43 characters: what stands for a text, or a secret of 256 bits, where it must not stand itself. */
export function sha256(text: string | Buffer): string {
  return hash('sha256', text, 'base64url')
}
