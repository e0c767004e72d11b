import type { EpochMs } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { fault } from '../errors.ts'
import { EPOCH } from '../store/epoch.ts'
import type { DenyEntry, Revocation, Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'

/** How old the tail of the revocation log may be for what is in memory to count as all there is. */
const TRUST_MS = 1_000
const LOAD_AGAIN_MS = 1_000
const SWEEP_MS = 60_000

export interface DenialsDeps {
  readonly store: Pick<Store, 'revocations' | 'denylist' | 'epochs' | 'documents' | 'ping'>
  readonly clock: Clock
  readonly log: Log
}

/** What a token carries that may have been overtaken since. */
export interface Claimed {
  readonly sid: string
  readonly gen: number
  /** Of the store that the session was started in. */
  readonly life: string
  readonly epochs: readonly { readonly key: string; readonly value: number }[]
}

/**
 * The stateless sessions that are not to be believed any more, in memory: the denylist, the epochs and the life of the store. Loaded
 * from the store, kept up by the revocation log, loaded anew when the log may have missed something.
 */
export class Denials {
  readonly #deps: DenialsDeps
  readonly #denied = new Map<string, DenyEntry>()
  readonly #epochs = new Map<string, number>()
  #life: string | undefined
  /** Counts the times that everything had to be doubted. */
  #gaps = 0
  #loaded = false
  #loading: Promise<void> | undefined
  #failedAt = -Infinity
  #sweptAt: number
  readonly #subscription: { close(): void }

  constructor(deps: DenialsDeps) {
    this.#deps = deps
    this.#sweptAt = deps.clock()
    this.#subscription = deps.store.revocations.subscribe(
      (entries) => this.#apply(entries),
      () => {
        this.#gaps++
        this.#loaded = false
      },
    )
  }

  /** Known to be over. `false` says nothing unless everything is known (`isComplete`). */
  refuses({ sid, gen, life, epochs }: Claimed): boolean {
    const denied = this.#denied.get(sid)
    if (denied !== undefined && gen < denied.belowGen) return true
    // Counters begin anew with another life: they say nothing about its tokens.
    return life === this.#life && epochs.some(({ key, value }) => value < (this.#epochs.get(key) ?? 0))
  }

  /** Whether everything about the token was known at `at`; `at` is not in the future of the log. */
  wasComplete({ life }: Claimed, at: number): boolean {
    return this.#knowsAll(life) && at <= this.#deps.store.revocations.tailedAt()
  }

  /** Whether everything about the token is known that happened until a second ago. */
  isComplete({ life }: Claimed, now: EpochMs): boolean {
    if (now < this.#sweptAt) this.#turnedBack(now)
    return this.#knowsAll(life) && Math.abs(now - this.#deps.store.revocations.tailedAt()) <= TRUST_MS
  }

  /** What the store says its life is. When it is another than was loaded, nothing that was counts. */
  lives(life: string): void {
    if (life !== this.#life) this.#loaded = false
  }

  /** The log will say so too; this process need not wait for it. */
  deny(entry: DenyEntry): void {
    const held = this.#denied.get(entry.sid)
    if (held === undefined || held.belowGen < entry.belowGen) this.#denied.set(entry.sid, entry)
  }

  raise(key: string, value: number): void {
    if ((this.#epochs.get(key) ?? 0) < value) this.#epochs.set(key, value)
  }

  /** Entries held. */
  get size(): number {
    return this.#denied.size
  }

  close(): void {
    this.#subscription.close()
  }

  #apply(entries: readonly Revocation[]): void {
    for (const entry of entries) {
      if (entry.kind === 'epoch-raised') this.raise(entry.epoch.key, entry.epoch.value)
      else if (entry.deny !== undefined) this.deny(entry.deny)
    }
    this.#sweep()
  }

  /** Of a session past its maximum life no token verifies, so nothing need be remembered of it. */
  #sweep(): void {
    const now = this.#deps.clock()
    if (Math.abs(now - this.#sweptAt) < SWEEP_MS) return
    this.#sweptAt = now
    for (const [sid, { until }] of this.#denied) if (until <= now) this.#denied.delete(sid)
  }

  /** What was forgotten as past its life may be within it again (a clock that was set back). */
  #turnedBack(now: EpochMs): void {
    this.#sweptAt = now
    this.#loaded = false
  }

  /** Of a token of another life nothing is known here: the store has lost its data before it, or since. */
  #knowsAll(life: string): boolean {
    if (!this.#loaded) this.#startLoading()
    return this.#loaded && life === this.#life
  }

  #startLoading(): void {
    if (this.#loading !== undefined || Math.abs(this.#deps.clock() - this.#failedAt) < LOAD_AGAIN_MS) return
    this.#loading = this.#load()
      .catch((error: unknown) => {
        this.#failedAt = this.#deps.clock()
        this.#deps.log.warn({ err: error }, 'the denylist cannot be loaded; the store is asked about each request')
      })
      .finally(() => (this.#loading = undefined))
  }

  /** What the log says meanwhile is added to what is loaded, since both only ever take away. */
  async #load(): Promise<void> {
    const gaps = this.#gaps
    const { documents, denylist, epochs } = this.#deps.store
    // A store that lost its data begins a new life when it is asked how it is, and whoever comes first has to ask.
    await this.#deps.store.ping()
    const life = (await documents.get(EPOCH.collection, EPOCH.id))?.value
    if (life === undefined)
      throw fault('GH_STORE_UNAVAILABLE', { detail: 'the store does not say which life it is in' })
    if (life !== this.#life) {
      // Another store's sids mean nothing here, and its epochs would refuse what this one issues.
      this.#denied.clear()
      this.#epochs.clear()
      this.#life = life
    }
    const [denied, raised] = await Promise.all([denylist.load(), epochs.all()])
    for (const entry of denied) this.deny(entry)
    for (const [key, value] of raised) this.raise(key, value)
    this.#loaded = gaps === this.#gaps
  }
}
