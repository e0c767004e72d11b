import type { EpochMs } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { fault } from '../errors.ts'
import { decrypt, encrypt } from './aead.ts'
import { decodeBase64url } from './base64url.ts'
import type { KeyRing } from './key-ring.ts'
import { PURPOSES, type SealPurpose } from './purposes.ts'

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

const LONGEST_TEXT = 262_144

/** `<kid>.<nonce, ciphertext and tag>`. */
const FORM = /^([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{38,})$/

/** Hands a value to the browser to keep: it can neither read nor change it, nor use it elsewhere or later. */
export interface Sealer {
  /** `ttlMs`: how long the text opens; at most what the purpose allows (`PURPOSES`), else GH_INTERNAL. */
  seal(purpose: SealPurpose, value: JsonValue, ttlMs: number): string
  /**
   * `undefined` for text that is forged, damaged, respelled, expired, or was sealed for another purpose. Faults with
   * GH_KEYS_UNAVAILABLE where its key may exist and the store cannot be asked.
   */
  open(purpose: SealPurpose, text: string): JsonValue | undefined
}

/** AES-256-GCM (NIST SP 800-38D) with the purpose's key of the ring and a random nonce. Synchronous. */
export function createSealer(keyRing: Pick<KeyRing, 'current' | 'known'>, clock: Clock): Sealer {
  return {
    seal(purpose, value, ttlMs) {
      if (!(ttlMs > 0 && ttlMs <= PURPOSES[purpose].longestLifeMs)) {
        throw fault('GH_INTERNAL', { detail: `${purpose} cannot be sealed for ${ttlMs} ms` })
      }
      const { kid, key } = keyRing.current(purpose)
      const plain = Buffer.from(JSON.stringify([clock() + ttlMs, value]))
      return `${kid}.${encrypt(key, boundTo(purpose, kid), plain).toString('base64url')}`
    },

    open(purpose, text) {
      if (text.length > LONGEST_TEXT) return undefined
      const [, kid = '', body = ''] = FORM.exec(text) ?? []
      const bytes = kid === '' ? undefined : decodeBase64url(body)
      const key = bytes && keyRing.known(purpose, kid)?.key
      const plain = bytes && key && decrypt(key, boundTo(purpose, kid), bytes)
      return plain && unexpired(plain, clock())
    },
  }
}

/** The purpose is bound beside having a key of its own, so that a mix-up of keys would still not mix up purposes. */
function boundTo(purpose: SealPurpose, kid: string): Buffer {
  return Buffer.from(JSON.stringify(['seal v1', purpose, kid]))
}

function unexpired(plain: Buffer, now: EpochMs): JsonValue | undefined {
  const [expiresAt, value] = JSON.parse(plain.toString('utf8')) as [number, JsonValue]
  return now < expiresAt ? value : undefined
}
