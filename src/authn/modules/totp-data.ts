import type { JsonValue } from '../../crypto/seal.ts'

/** What a TOTP factor keeps. */
export interface TotpData {
  /** Base32 (RFC 4648 §6). */
  readonly secret: string
  /** The time step of the last code that was taken; only later ones are (RFC 6238 §5.2). */
  readonly lastStep: number
}

/** Factor data of a secret that is declared in the configuration. */
export function totpData(secret: string): JsonValue {
  return { secret, lastStep: 0 }
}
