import { ALL_GROUPS } from './groups.ts'
import { PrimaryNode } from './node.ts'
import type { Topology, TopologyDeps } from './topology.ts'

/** One primary for everything: standalone, or whoever the sentinels name (each new connection asks them). */
export function createSingleTopology({ settings, log, onReady }: TopologyDeps): Topology {
  const node = new PrimaryNode({ settings, log, onReady })
  return {
    nodeOf: () => node,
    nodes: () => [node],
    lanes: [ALL_GROUPS],
    addressOf: () => undefined,
    refresh: () => Promise.resolve(),
    close: () => node.close(),
  }
}
