import { createPublicKey, type KeyObject } from 'node:crypto'
import type { EpochMs } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { fault, GatehouseError } from '../errors.ts'
import {
  keyDocumentId,
  newKeyDocument,
  openKeyDocument,
  parseKeyDocumentId,
  wrappingKey,
  type RingKey,
} from './key-document.ts'
import { ALL_PURPOSES, PURPOSES, type Purpose } from './purposes.ts'

export const KEY_COLLECTION = 'keys'

/** Clocks of two processes may be this far apart before a key is removed too early. */
const CLOCK_SKEW_MS = 5 * 60_000
const REFRESH_MS = 60_000
/** Unknown key ids are an attacker's to invent: they cause at most one reload in this time. */
const UNKNOWN_RELOAD_MS = 5_000

/** Where keys are kept. The store's `Documents` has this shape. */
export interface KeyDocuments {
  list(collection: string): Promise<readonly { readonly id: string; readonly value: string }[]>
  /** False when the id is taken. */
  putIfAbsent(collection: string, id: string, value: string): Promise<boolean>
  remove(collection: string, id: string): Promise<void>
}

/** The two methods of the log that the ring uses. */
export interface KeyLog {
  readonly error: (fields: Readonly<Record<string, unknown>>, message: string) => void
  readonly info: (fields: Readonly<Record<string, unknown>>, message: string) => void
}

export interface KeyRingDeps {
  readonly documents: KeyDocuments
  /** 32 bytes in base64url. */
  readonly masterKey: string
  readonly clock: Clock
  readonly log: KeyLog
  /** How often other processes' keys are looked for and old keys replaced. A minute by default. */
  readonly refreshMs?: number
}

/** A public key as in RFC 7517 §4. */
export interface PublicJwk {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
  readonly kid: string
  readonly use: 'sig'
  readonly alg: 'ES256'
}

/** What people may see of a key. */
export interface KeySummary {
  readonly kid: string
  readonly purpose: Purpose
  readonly createdAt: EpochMs
  readonly notBefore: EpochMs
  readonly state: 'upcoming' | 'active' | 'verifying'
}

export interface KeyRing {
  /** The key that signs or seals now. */
  current(purpose: Purpose): RingKey
  /** A key to verify or open with, from memory. `undefined`: unknown here; a reload is on its way if one may be started. */
  known(purpose: Purpose, kid: string): RingKey | undefined
  /** Like `known`, but reads the store first where the kid is unknown. Rejects with GH_KEYS_UNAVAILABLE when it cannot be read. */
  find(purpose: Purpose, kid: string): Promise<RingKey | undefined>
  /** Public keys, those that do not sign yet or no longer included (RFC 7517 §5). */
  jwks(): { readonly keys: readonly PublicJwk[] }
  summaries(): readonly KeySummary[]
  /** Publishes a successor that takes over after the purpose's grace; returns its kid, or that of one on its way already. */
  rotate(purpose: Purpose): Promise<string>
  /** Reads the store, replaces keys that are due, removes those nothing needs. Done by a timer; rejects with GH_KEYS_UNAVAILABLE. */
  refresh(): Promise<void>
  close(): void
}

/** Opens the ring, making the first key of each purpose that has none; of two processes that start at once, one makes it. */
export async function openKeyRing(deps: KeyRingDeps): Promise<KeyRing> {
  const ring = new StoredKeyRing(deps, wrappingKey(deps.masterKey))
  await ring.refresh()
  ring.start()
  return ring
}

class StoredKeyRing implements KeyRing {
  readonly #deps: KeyRingDeps
  readonly #wrapping: KeyObject
  /** By purpose, in order of sequence. Replaced whole, never changed. */
  #keys: ReadonlyMap<Purpose, readonly RingKey[]> = new Map()
  #jwks: { readonly keys: readonly PublicJwk[] } = { keys: [] }
  #reloading: Promise<void> | undefined
  #unknownReloadAt = -Infinity
  #timer: NodeJS.Timeout | undefined

  constructor(deps: KeyRingDeps, wrapping: KeyObject) {
    this.#deps = deps
    this.#wrapping = wrapping
  }

  start(): void {
    this.#timer = setInterval(() => this.#inBackground(this.refresh()), this.#deps.refreshMs ?? REFRESH_MS).unref()
  }

  current(purpose: Purpose): RingKey {
    const keys = this.#of(purpose)
    const now = this.#deps.clock()
    const key = keys.findLast((candidate) => candidate.notBefore <= now) ?? keys[0]
    if (key === undefined) throw fault('GH_KEYS_UNAVAILABLE', { detail: `no key for ${purpose}` })
    return key
  }

  known(purpose: Purpose, kid: string): RingKey | undefined {
    const key = this.#lookUp(purpose, kid)
    if (key === undefined && this.#mayReload()) this.#inBackground(this.#reload())
    return key
  }

  async find(purpose: Purpose, kid: string): Promise<RingKey | undefined> {
    const key = this.#lookUp(purpose, kid)
    if (key !== undefined) return key
    if (this.#mayReload()) await this.#reload()
    else await this.#reloading
    return this.#lookUp(purpose, kid)
  }

  jwks(): { readonly keys: readonly PublicJwk[] } {
    return this.#jwks
  }

  summaries(): readonly KeySummary[] {
    const now = this.#deps.clock()
    return ALL_PURPOSES.flatMap((purpose) => {
      const active = this.current(purpose)
      return this.#of(purpose).map(({ kid, createdAt, notBefore }) => {
        const state = kid === active.kid ? 'active' : notBefore > now ? 'upcoming' : 'verifying'
        return { kid, purpose, createdAt, notBefore, state } as const
      })
    })
  }

  async rotate(purpose: Purpose): Promise<string> {
    await this.#reload()
    const newest = this.#of(purpose).at(-1)
    if (newest !== undefined && newest.notBefore > this.#deps.clock()) return newest.kid
    await this.#publish(purpose, newest)
    await this.#reloadAnew()
    const successor = this.#of(purpose).at(-1)
    if (successor === undefined || successor === newest) {
      throw fault('GH_KEYS_UNAVAILABLE', { detail: `the successor of the ${purpose} key is not in the store` })
    }
    this.#deps.log.info({ purpose, kid: successor.kid, notBefore: successor.notBefore }, 'key rotated')
    return successor.kid
  }

  async refresh(): Promise<void> {
    await this.#reload()
    let added = false
    for (const purpose of ALL_PURPOSES) {
      if (!this.#isDue(purpose)) continue
      await this.#publish(purpose, this.#of(purpose).at(-1))
      added = true
    }
    const removed = await this.#removeRetired()
    if (added || removed) await this.#reloadAnew()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #of(purpose: Purpose): readonly RingKey[] {
    return this.#keys.get(purpose) ?? []
  }

  #lookUp(purpose: Purpose, kid: string): RingKey | undefined {
    return this.#of(purpose).find((key) => key.kid === kid)
  }

  #mayReload(): boolean {
    const now = this.#deps.clock()
    if (Math.abs(now - this.#unknownReloadAt) < UNKNOWN_RELOAD_MS) return false
    this.#unknownReloadAt = now
    return true
  }

  #isDue(purpose: Purpose): boolean {
    const newest = this.#of(purpose).at(-1)
    return newest === undefined || this.#deps.clock() - newest.notBefore >= PURPOSES[purpose].rotateAfterMs
  }

  /** The first key signs at once: there is no other, and nobody remembers a set without it. */
  async #publish(purpose: Purpose, newest: RingKey | undefined): Promise<void> {
    const createdAt = this.#deps.clock()
    const ahead = newest === undefined ? 0 : PURPOSES[purpose].publishAheadMs
    const id = { purpose, sequence: (newest?.sequence ?? 0) + 1 }
    const value = newKeyDocument(id, { createdAt, notBefore: (createdAt + ahead) as EpochMs }, this.#wrapping)
    const { documents } = this.#deps
    await orUnavailable(documents.putIfAbsent(KEY_COLLECTION, keyDocumentId(purpose, id.sequence), value))
  }

  /** A key is done when its successor has signed for longer than anything it made can live. */
  async #removeRetired(): Promise<boolean> {
    const retired = ALL_PURPOSES.flatMap((purpose) => {
      const keys = this.#of(purpose)
      const until = this.#deps.clock() - PURPOSES[purpose].longestLifeMs - CLOCK_SKEW_MS
      return keys.filter((_, i) => (keys[i + 1]?.notBefore ?? Infinity) <= until)
    })
    for (const { purpose, sequence, kid } of retired) {
      await orUnavailable(this.#deps.documents.remove(KEY_COLLECTION, keyDocumentId(purpose, sequence)))
      this.#deps.log.info({ purpose, kid }, 'key removed: nothing it made is valid any more')
    }
    return retired.length > 0
  }

  #reload(): Promise<void> {
    this.#reloading ??= this.#read().finally(() => (this.#reloading = undefined))
    return this.#reloading
  }

  /** After a write: a reading that began before it would not show it. */
  async #reloadAnew(): Promise<void> {
    await Promise.allSettled([this.#reloading])
    await this.#reload()
  }

  async #read(): Promise<void> {
    const documents = await orUnavailable(this.#deps.documents.list(KEY_COLLECTION))
    const keys = new Map<Purpose, RingKey[]>()
    for (const document of documents) {
      if (parseKeyDocumentId(document.id) === undefined) continue
      const key = openKeyDocument(document, this.#wrapping)
      if (key === undefined) throw wrongMasterKey(document.id)
      const others = keys.get(key.purpose)
      if (others === undefined) keys.set(key.purpose, [key])
      else others.push(key)
    }
    for (const list of keys.values()) list.sort((a, b) => a.sequence - b.sequence)
    this.#keys = keys
    this.#jwks = { keys: publicKeys(keys) }
  }

  #inBackground(work: Promise<void>): void {
    work.catch((caught: unknown) => {
      const detail = caught instanceof GatehouseError ? caught.detail : undefined
      this.#deps.log.error({ err: caught, detail }, 'keys cannot be refreshed; those in memory stay in use')
    })
  }
}

function publicKeys(keys: ReadonlyMap<Purpose, readonly RingKey[]>): PublicJwk[] {
  return ALL_PURPOSES.filter((purpose) => PURPOSES[purpose].kind === 'es256')
    .flatMap((purpose) => keys.get(purpose) ?? [])
    .map(({ kid, key }) => {
      const { x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' })
      return { kty: 'EC', crv: 'P-256', x, y, kid, use: 'sig', alg: 'ES256' } as const
    })
}

function wrongMasterKey(id: string): GatehouseError {
  return fault('GH_CONFIG_INVALID', {
    detail:
      `secrets.masterKey does not open the key "${id}" in the store. Put back the master key that this store was first ` +
      `used with. If it is lost, remove the documents of the collection "${KEY_COLLECTION}": new keys are made at the next ` +
      'start, and everything signed or sealed with the old ones ends',
  })
}

async function orUnavailable<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    throw fault('GH_KEYS_UNAVAILABLE', { cause })
  }
}
