import { connectionOptions } from './connect.ts'
import { Connection } from './connection.ts'
import { asList, asNumber, unavailable } from './faults.ts'
import { ALL_GROUPS, type Group } from './groups.ts'
import { PrimaryNode } from './node.ts'
import type { Address } from './settings.ts'
import type { Topology, TopologyDeps } from './topology.ts'

/** How often the map is read: soon after a fail-over without anybody having to run into it. */
const EVERY_MS = 1_000
const EVERY_WHILE_BROKEN_MS = 200

interface SlotRange {
  readonly first: number
  readonly last: number
  readonly primary: Address
}

type Ask = (command: string, ...args: readonly string[]) => Promise<unknown>

function nameOf({ host, port }: Address): string {
  return `${host}:${port}`
}

/** CLUSTER SLOTS: `[[first, last, [host, port, …], …replicas], …]`; no host means the one that was asked. */
async function slotRanges(ask: Ask, askedHost: string): Promise<readonly SlotRange[]> {
  return asList(await ask('CLUSTER', 'SLOTS')).map((range) => {
    const [first, last, primary] = asList(range)
    const [host, port] = asList(primary)
    return {
      first: asNumber(first),
      last: asNumber(last),
      primary: { host: typeof host === 'string' && host !== '' ? host : askedHost, port: asNumber(port) },
    }
  })
}

/**
 * A cluster. The few slots that are used are looked up by ourselves, because WAIT has to follow a write on its own connection. While a
 * slot moves to another member its group is unavailable: an answer from half of its keys would look like a logout.
 */
class ClusterTopology implements Topology {
  readonly lanes = ALL_GROUPS.map((group) => [group])
  readonly #deps: TopologyDeps
  readonly #nodes = new Map<string, { readonly address: Address; readonly node: PrimaryNode }>()
  readonly #owners: (string | undefined)[] = []
  #refreshing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #turn = 0
  #closed = false

  constructor(deps: TopologyDeps) {
    this.#deps = deps
    this.#schedule(0)
  }

  nodeOf(group: Group): PrimaryNode {
    const found = this.#nodes.get(this.#owners[group] ?? '')
    if (found === undefined) throw unavailable(new Error('no member of the cluster is known for this slot'))
    return found.node
  }

  nodes(): readonly PrimaryNode[] {
    return [...this.#nodes.values()].map(({ node }) => node)
  }

  addressOf(group: Group): Address | undefined {
    return this.#nodes.get(this.#owners[group] ?? '')?.address
  }

  refresh(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#refreshing
    await Promise.all(this.nodes().map((node) => node.close()))
  }

  #schedule(pause: number): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      void this.refresh().then(() => this.#schedule(this.#isWhole() ? EVERY_MS : EVERY_WHILE_BROKEN_MS))
    }, pause).unref()
  }

  #isWhole(): boolean {
    return ALL_GROUPS.every((group) => this.#nodes.get(this.#owners[group] ?? '')?.node.isReady === true)
  }

  /** Asks the members in turn, those that are ready first, then those of the settings. The first good answer counts. */
  async #read(): Promise<void> {
    const ready = [...this.#nodes.values()].filter(({ node }) => node.isReady)
    const turn = ready.length === 0 ? 0 : this.#turn++ % ready.length
    for (const { address, node } of [...ready.slice(turn), ...ready.slice(0, turn)]) {
      const ranges = await slotRanges((...words) => node.call(...words), address.host).catch(() => undefined)
      if (ranges !== undefined) {
        this.#apply(ranges)
        return
      }
    }
    for (const address of this.#deps.settings.nodes) {
      const ranges = await this.#askStranger(address).catch(() => undefined)
      if (ranges !== undefined) {
        this.#apply(ranges)
        return
      }
    }
  }

  async #askStranger(address: Address): Promise<readonly SlotRange[]> {
    const { settings, log } = this.#deps
    const options = { ...connectionOptions(settings, address), retryStrategy: () => null }
    const quiet = { ...log, error: () => undefined }
    return new Promise((resolve, reject) => {
      const connection = new Connection({
        options,
        purpose: 'asking the cluster',
        log: quiet,
        anyRole: true,
        onReady: () =>
          void slotRanges((...words) => connection.call(...words), address.host)
            .then(resolve, reject)
            .finally(() => connection.close()),
        onEnd: () => reject(unavailable(new Error(`${nameOf(address)} does not answer`))),
      })
    })
  }

  #apply(ranges: readonly SlotRange[]): void {
    if (this.#closed) return
    ALL_GROUPS.forEach((group) => {
      const slot = this.#deps.slots[group] ?? -1
      const primary = ranges.find(({ first, last }) => first <= slot && slot <= last)?.primary
      this.#owners[group] = primary === undefined ? undefined : this.#known(primary)
    })
    for (const [name, { node }] of this.#nodes) {
      if (this.#owners.includes(name)) continue
      this.#nodes.delete(name)
      void node.close()
    }
  }

  #known(address: Address): string {
    const name = nameOf(address)
    if (!this.#nodes.has(name)) {
      const { settings, log, onReady } = this.#deps
      this.#nodes.set(name, { address, node: new PrimaryNode({ settings, address, log, onReady }) })
    }
    return name
  }
}

export function createClusterTopology(deps: TopologyDeps): Topology {
  return new ClusterTopology(deps)
}
