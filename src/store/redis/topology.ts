import type { Log } from '../../telemetry/log.ts'
import type { Group } from './groups.ts'
import type { PrimaryNode } from './node.ts'
import type { Address, RedisSettings } from './settings.ts'

export interface TopologyDeps {
  readonly settings: RedisSettings
  /** The slot of each group. */
  readonly slots: readonly number[]
  readonly log: Log
  readonly onReady: () => void
  /** Whoever asks the settings who the primary is is to ask this server (a run id): it has just proved to be it. */
  readonly onProved: (server: string) => void
}

/** Who is responsible for which group. */
export interface Topology {
  /** Throws GH_STORE_UNAVAILABLE when nobody is known to be. */
  nodeOf(group: Group): PrimaryNode
  nodes(): readonly PrimaryNode[]
  /** Groups whose logs one connection reads. */
  readonly lanes: readonly (readonly Group[])[]
  /** Where the connection of a lane goes now; absent: whatever the settings name. */
  addressOf(group: Group): Address | undefined
  /** Something was refused as misplaced or could not be reached: look again who is responsible. Settles when that was done. */
  refresh(): Promise<void>
  close(): Promise<void>
}
