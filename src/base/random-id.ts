import { randomBytes } from 'node:crypto'

/** 256 random bits as 43 base64url characters: what every secret we hand out consists of. */
export function randomSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** 96 random bits as 16 base64url characters: names things, opens nothing. */
export function randomName(): string {
  return randomBytes(12).toString('base64url')
}
