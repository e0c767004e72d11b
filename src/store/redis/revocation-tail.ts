import type { EpochMs } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../telemetry/log.ts'
import type { RevocationLog } from '../store.ts'
import { ALL_GROUPS, type Group, type GroupTable } from './groups.ts'
import { readPositions, type Position, type Positions } from './log-position.ts'
import { partsOf, type StreamEntry } from './revocation-entry.ts'
import type { Address, RedisSettings } from './settings.ts'
import { Subscribers, type Read } from './subscribers.ts'
import { TailLane } from './tail-lane.ts'
import type { Topology } from './topology.ts'

/** Longer than a lane ever rewinds. */
const REMEMBERED_MS = 20_000
const LOOK_MS = 100

export interface TailDeps {
  readonly settings: RedisSettings
  readonly topology: Topology
  readonly table: GroupTable
  readonly clock: Clock
  readonly log: Log
}

interface Lane {
  readonly groups: readonly Group[]
  /** Where it goes, for comparison. */
  name: string
  reader: TailLane | undefined
}

function nameOf(address: Address | undefined): string {
  return address === undefined ? '' : `${address.host}:${address.port}`
}

/** Reads the logs of all groups with XREAD BLOCK: one connection for all of them, in a cluster one for each. */
export class RevocationTail implements RevocationLog {
  readonly #deps: TailDeps
  readonly #subscribers: Subscribers
  readonly #cursors = new Map<Group, Position>()
  readonly #completeAt: number[]
  /** What was delivered lately, by group, id and content: a rewind brings it again. */
  readonly #delivered = new Map<string, number>()
  readonly #lanes: readonly Lane[]
  readonly #timer: NodeJS.Timeout
  #beginning: Promise<unknown> | undefined

  /** `cursors`: where each group's log ends now. */
  constructor(deps: TailDeps, cursors: Positions) {
    this.#deps = deps
    this.#subscribers = new Subscribers(deps.log)
    this.#completeAt = ALL_GROUPS.map(() => deps.clock())
    for (const [group, position] of cursors) this.#cursors.set(group, position)
    this.#lanes = deps.topology.lanes.map((groups) => ({ groups, name: 'none', reader: undefined }))
    this.#follow()
    this.#timer = setInterval(() => this.#follow(), LOOK_MS).unref()
  }

  subscribe(listener: Parameters<RevocationLog['subscribe']>[0], onGap?: () => void): { close(): void } {
    const boundaries = readPositions(this.#deps)
    const beginning = boundaries
      .catch(() => undefined)
      .finally(() => {
        if (this.#beginning === beginning) this.#beginning = undefined
      })
    this.#beginning = beginning
    return this.#subscribers.add(listener, onGap ?? (() => undefined), boundaries)
  }

  /**
   * A subscription asks where the logs end, on the connection for readings: whatever is read after it is younger than that. Writes leave on
   * another one, so they wait for the answer here, else a subscriber would take what it did itself for what was before.
   */
  get beginning(): Promise<unknown> | undefined {
    return this.#beginning
  }

  /** Where the settings name one primary: this server has just proved to be it. */
  follow(server: string): void {
    for (const { reader } of this.#lanes) reader?.follow(server)
  }

  tailedAt(): EpochMs {
    return Math.min(...this.#completeAt) as EpochMs
  }

  close(): void {
    clearInterval(this.#timer)
    this.#subscribers.clear()
    for (const { reader } of this.#lanes) reader?.close()
  }

  /** A group that another member of the cluster has now is read there. */
  #follow(): void {
    for (const lane of this.#lanes) {
      const address = this.#deps.topology.addressOf(lane.groups[0] ?? 0)
      const name = nameOf(address)
      const isNowhere = address === undefined && this.#deps.settings.mode === 'cluster'
      if (name === lane.name || isNowhere) continue
      const isMoved = lane.reader !== undefined
      lane.reader?.close()
      lane.name = name
      lane.reader = this.#open(lane.groups, address, isMoved)
    }
  }

  #open(groups: readonly Group[], address: Address | undefined, rewind: boolean): TailLane {
    const { settings, table, log, clock, topology } = this.#deps
    return new TailLane(
      {
        settings,
        address,
        log,
        clock,
        streams: new Map(groups.map((group) => [`${table.bases[group] ?? ''}:log`, group])),
        cursors: this.#cursors,
        onEntries: (read) => this.#tell(read),
        onComplete: (askedAt) => groups.forEach((group) => (this.#completeAt[group] = askedAt)),
        onReconnect: () => this.#subscribers.tellGap(),
        onFailure: () => void topology.refresh(),
      },
      rewind,
    )
  }

  #tell({ group, server, entries }: Read): void {
    const fresh = entries.filter((entry) => this.#isNew(group, entry))
    if (fresh.length > 0) this.#subscribers.tell({ group, server, entries: fresh })
  }

  /** Another primary may have used an id again, so the content is part of the name. */
  #isNew(group: Group, { id, fields }: StreamEntry): boolean {
    const name = [group, id, ...fields.values()].join('\n')
    if (this.#delivered.has(name)) return false
    const [ms] = partsOf(id)
    this.#delivered.set(name, ms)
    for (const [old, at] of this.#delivered) {
      if (at >= ms - REMEMBERED_MS) break
      this.#delivered.delete(old)
    }
    return true
  }
}
