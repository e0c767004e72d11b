import { networkOf } from '../http/network.ts'

/** The WebSockets that nobody's session limits: how many each client holds open at each site. */
export interface OpenTunnels {
  /** Counts one more; call what comes back, once, when it is over. `undefined` when the client holds `most` already. */
  enter(agent: string, clientIp: string, most: number): (() => void) | undefined
}

/** Whoever has one IPv6 address has its whole /64, so that is one client. */
export function createOpenTunnels(): OpenTunnels {
  const byAgent = new Map<string, Map<string, number>>()
  return {
    enter(agent, clientIp, most) {
      const client = networkOf(clientIp)
      const counts = byAgent.get(agent) ?? new Map<string, number>()
      byAgent.set(agent, counts)
      const count = counts.get(client) ?? 0
      if (count >= most) return undefined
      counts.set(client, count + 1)
      return () => {
        const left = (counts.get(client) ?? 1) - 1
        if (left > 0) counts.set(client, left)
        else counts.delete(client)
      }
    },
  }
}
