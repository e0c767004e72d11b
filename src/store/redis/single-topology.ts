import { ALL_GROUPS, groupTable } from './groups.ts'
import { PrimaryNode } from './node.ts'
import type { Topology, TopologyDeps } from './topology.ts'

/** How often the server has to prove that it is the primary though nobody writes: so long may one answer that was replaced. */
const EVERY_MS = 500

/** One primary for everything: standalone, or whoever the sentinels name (each new connection asks them). */
export function createSingleTopology({ settings, log, onReady, onProved }: TopologyDeps): Topology {
  const node = new PrimaryNode({ settings, log, onReady, onProved })
  const [base = ''] = groupTable(settings.keyPrefix).bases
  const timer = setInterval(() => void node.prove(base).catch(() => undefined), EVERY_MS).unref()
  return {
    nodeOf: () => node,
    nodes: () => [node],
    lanes: [ALL_GROUPS],
    addressOf: () => undefined,
    refresh: () => Promise.resolve(),
    close: () => {
      clearInterval(timer)
      return node.close()
    },
  }
}
