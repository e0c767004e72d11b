import type { Clock } from '../base/clock.ts'
import { fault, GatehouseError } from '../errors.ts'
import { openKeyDocument, parseKeyDocumentId, wrappingOf, type RingKey } from './key-document.ts'
import {
  KEY_COLLECTION,
  lacking,
  maintain,
  orUnavailable,
  publish,
  type KeyDocuments,
  type KeyLog,
  type KeyReading,
  type MaintenanceDeps,
} from './key-maintenance.ts'
import { createKeySet, type KeySummary, type PublicJwk } from './key-set.ts'
import { keysSchema, type KeysConfig } from './keys.schema.ts'
import { MADE_AT_ONCE, type Purpose } from './purposes.ts'

/** Every process has read the ring anew twice within the second that the documentation promises. */
const POLL_MS = 500
const MAINTAIN_MS = 60_000
/** A ring that was read this recently knows every key that is in use: keys are published longer ahead than this. */
const FRESH_MS = 1_500

export interface KeyRingDeps {
  readonly documents: KeyDocuments
  /** 32 bytes in base64url. */
  readonly masterKey: string
  /** Open what they sealed; new seals are the master key's. */
  readonly previousMasterKeys?: readonly string[]
  /** When keys are replaced; the defaults of the configuration without it. */
  readonly rules?: KeysConfig
  readonly clock: Clock
  readonly log: KeyLog
  /** Whether this process is the one that replaces and removes keys now. Always without it. */
  readonly mayMaintain?: () => Promise<boolean>
  /** Purposes that have a key from the start; those of every installation without it. */
  readonly atOnce?: readonly Purpose[]
  /** How often other processes' keys are looked for. 500 ms by default. */
  readonly pollMs?: number
  /** Milliseconds on a clock that only goes forward. */
  readonly monotonic?: () => number
}

export interface KeyRing {
  /** The key that signs or seals now. Faults with GH_KEYS_UNAVAILABLE where there is none. */
  current(purpose: Purpose): RingKey
  /**
   * A key to verify or open with, from memory; `undefined` for one that is not in use: invented, or removed after its time. Where
   * the store has not been read of late an unknown kid may be a good one: that faults with GH_KEYS_UNAVAILABLE, and nobody is
   * logged out by it.
   */
  known(purpose: Purpose, kid: string): RingKey | undefined
  /** All keys of a purpose, the one that signs now first; empty where nobody has wanted one. From memory. */
  all(purpose: Purpose): readonly RingKey[]
  /** Makes the first keys of purposes that have none from the start. Rejects with GH_KEYS_UNAVAILABLE. */
  want(purposes: readonly Purpose[]): Promise<void>
  /** Public keys, those that do not sign yet or no longer included (RFC 7517 §5). */
  jwks(): { readonly keys: readonly PublicJwk[] }
  summaries(): readonly KeySummary[]
  /** Publishes a successor that takes over after the lead time; returns its kid, or that of one on its way already. */
  rotate(purpose: Purpose): Promise<string>
  /** Reads the store, replaces keys that are due, removes those nothing needs. Done by a timer; rejects with GH_KEYS_UNAVAILABLE. */
  refresh(): Promise<void>
  close(): void
}

/** Opens the ring, making the first key of each purpose that has none; of two processes that start at once, one makes it. */
export async function openKeyRing(deps: KeyRingDeps): Promise<KeyRing> {
  const ring = new StoredKeyRing(deps)
  await ring.refresh()
  ring.start()
  return ring
}

/** The ring as it is in the store: nothing is made, replaced or removed but by `rotate`. */
export async function readKeyRing(deps: KeyRingDeps): Promise<Pick<KeyRing, 'summaries' | 'rotate'>> {
  const ring = new StoredKeyRing(deps)
  await ring.reload()
  return ring
}

class StoredKeyRing implements KeyRing {
  readonly #deps: KeyRingDeps
  readonly #maintenance: MaintenanceDeps
  readonly #wanted: Set<Purpose>
  readonly #monotonic: () => number
  #reading: KeyReading = { documents: [], set: createKeySet([]) }
  #readAt = -Infinity
  #maintainedAt = -Infinity
  #reloading: Promise<void> | undefined
  #refreshing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #isFailing = false
  #isClosed = false

  constructor(deps: KeyRingDeps) {
    this.#deps = deps
    this.#wanted = new Set(deps.atOnce ?? MADE_AT_ONCE)
    const { masterKey, previousMasterKeys = [], rules = keysSchema.parse({}), mayMaintain = always } = deps
    this.#maintenance = {
      ...deps,
      wrapping: wrappingOf(masterKey, previousMasterKeys),
      rules,
      mayMaintain,
      wanted: this.#wanted,
    }
    this.#monotonic = deps.monotonic ?? (() => performance.now())
  }

  start(): void {
    const tick = (): void => void this.#lookAgain()
    this.#timer = setInterval(tick, this.#deps.pollMs ?? POLL_MS).unref()
  }

  current(purpose: Purpose): RingKey {
    const key = this.#reading.set.current(purpose, this.#deps.clock())
    if (key === undefined) throw fault('GH_KEYS_UNAVAILABLE', { detail: `no key for ${purpose}` })
    return key
  }

  known(purpose: Purpose, kid: string): RingKey | undefined {
    const key = this.#reading.set.find(purpose, kid)
    if (key !== undefined || this.#isFresh()) return key
    void this.#lookAgain()
    throw fault('GH_KEYS_UNAVAILABLE', { detail: 'the keys in the store have not been read of late' })
  }

  all(purpose: Purpose): readonly RingKey[] {
    return this.#reading.set.all(purpose, this.#deps.clock())
  }

  async want(purposes: readonly Purpose[]): Promise<void> {
    for (const purpose of purposes) this.#wanted.add(purpose)
    if (!this.#lacksKeys()) return
    // A run that is under way may not know yet that they are wanted.
    await Promise.allSettled([this.#refreshing])
    await this.refresh()
  }

  jwks(): { readonly keys: readonly PublicJwk[] } {
    return this.#reading.set.jwks
  }

  summaries(): readonly KeySummary[] {
    return this.#reading.set.summaries(this.#deps.clock())
  }

  async rotate(purpose: Purpose): Promise<string> {
    await this.#reloadAnew()
    const { set } = this.#reading
    const newest = set.newest(purpose)
    if (newest !== undefined && newest.notBefore > this.#deps.clock()) return newest.kid
    await publish(purpose, set, this.#maintenance)
    await this.#reloadAnew()
    const successor = this.#reading.set.newest(purpose)
    if (successor === undefined || successor.kid === newest?.kid) {
      throw fault('GH_KEYS_UNAVAILABLE', { detail: `the successor of the ${purpose} key is not in the store` })
    }
    return successor.kid
  }

  /** One at a time: the timer comes again while keys are being made. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#maintain().finally(() => (this.#refreshing = undefined))
    return this.#refreshing
  }

  async #maintain(): Promise<void> {
    await this.reload()
    this.#maintainedAt = this.#deps.clock()
    if (await maintain(this.#reading, this.#maintenance)) await this.#reloadAnew()
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
  }

  reload(): Promise<void> {
    this.#reloading ??= this.#read().finally(() => (this.#reloading = undefined))
    return this.#reloading
  }

  #isFresh(): boolean {
    return this.#monotonic() - this.#readAt <= FRESH_MS
  }

  /** After a write: a reading that began before it would not show it. */
  async #reloadAnew(): Promise<void> {
    await Promise.allSettled([this.#reloading])
    await this.reload()
  }

  async #read(): Promise<void> {
    const startedAt = this.#monotonic()
    const documents = await orUnavailable(this.#deps.documents.list(KEY_COLLECTION))
    if (!isSame(documents, this.#reading.documents)) this.#reading = { documents, set: this.#open(documents) }
    this.#readAt = startedAt
  }

  #open(documents: KeyReading['documents']): KeyReading['set'] {
    const keys = documents.flatMap((document) => {
      if (parseKeyDocumentId(document.id) === undefined) return []
      const key = openKeyDocument(document, this.#maintenance.wrapping)
      if (key === undefined) throw wrongMasterKey(document.id)
      return [key]
    })
    return createKeySet(keys)
  }

  /** Never rejects. */
  async #lookAgain(): Promise<void> {
    try {
      await this.reload()
      // Keys age by the clock of the day, which may be set.
      const isDue = Math.abs(this.#deps.clock() - this.#maintainedAt) >= MAINTAIN_MS
      if (isDue || this.#lacksKeys()) await this.refresh()
      this.#isFailing = false
    } catch (caught) {
      this.#tellOnce(caught)
    }
  }

  /** A store that lost its data. */
  #lacksKeys(): boolean {
    return lacking(this.#reading.set, this.#wanted).length > 0
  }

  /** Once per outage: the store is asked twice a second. */
  #tellOnce(caught: unknown): void {
    if (this.#isFailing || this.#isClosed) return
    this.#isFailing = true
    const detail = caught instanceof GatehouseError ? caught.detail : undefined
    this.#deps.log.error({ err: caught, detail }, 'keys cannot be refreshed; those in memory stay in use')
  }
}

function always(): Promise<boolean> {
  return Promise.resolve(true)
}

function isSame(some: KeyReading['documents'], others: KeyReading['documents']): boolean {
  const values = new Map(others.map(({ id, value }) => [id, value]))
  return some.length === others.length && some.every(({ id, value }) => values.get(id) === value)
}

function wrongMasterKey(id: string): GatehouseError {
  return fault('GH_CONFIG_INVALID', {
    detail:
      `secrets.masterKey does not open the key "${id}" in the store. Put back the master key that this store was first ` +
      'used with, or name it in secrets.previousMasterKeys. If it is lost, remove the documents of the collection ' +
      `"${KEY_COLLECTION}": new keys are made at the next start, and everything signed or sealed with the old ones ends`,
  })
}
