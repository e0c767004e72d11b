import type { Clock } from '../../base/clock.ts'
import type { UpstreamServer } from './upstream-server.ts'

/** Chooses the server of each attempt. */
export interface Balance {
  /** The next healthy one in turn, preferring those with a connection to spare; any at all when none is healthy. */
  pick(): UpstreamServer
  /** The same without the one that just failed; `undefined` where there is no other. */
  pickOther(failed: UpstreamServer): UpstreamServer | undefined
}

export function createBalance(servers: readonly [UpstreamServer, ...UpstreamServer[]], clock: Clock): Balance {
  let turn = 0

  function choose(except: UpstreamServer | undefined): UpstreamServer | undefined {
    const now = clock()
    let best: UpstreamServer | undefined
    let bestRank = Infinity
    const first = turn++
    for (let step = 0; step < servers.length; step++) {
      const server = servers[(first + step) % servers.length]
      if (server === undefined || server === except) continue
      const rank = (server.healthy(now) ? 0 : 2) + (server.hasRoom ? 0 : 1)
      if (rank < bestRank) [best, bestRank] = [server, rank]
      if (rank === 0) break
    }
    return best
  }

  const [only] = servers
  return {
    pick: () => (servers.length === 1 ? only : (choose(undefined) ?? only)),
    pickOther: (failed) => choose(failed),
  }
}
