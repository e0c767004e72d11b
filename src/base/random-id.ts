import { randomBytes } from 'node:crypto'

/** 256 random bits as 43 base64url characters: what every secret we hand out consists of. */
export function randomSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** 95 random bits or more as 16 base64url characters: names things, opens nothing. Never begins with a dash, which commands would take for an option. */
export function randomName(): string {
  const name = randomBytes(12).toString('base64url')
  return name.startsWith('-') ? randomName() : name
}
