import type { JsonValue } from '../../../crypto/seal.ts'

/** What a ceremony needs, in the words of OpenAM's clients. */
export function webauthnData(data: Readonly<Record<string, JsonValue>>): Readonly<Record<string, JsonValue>> {
  return data
}
