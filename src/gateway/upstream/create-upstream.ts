import type { UpstreamConfig } from '../agent-profile.schema.ts'
import { createBalance } from './balance.ts'
import { forward, type ForwardingDeps } from './forwarding.ts'
import { startHealthCheck } from './health-check.ts'
import type { Upstream } from './upstream.ts'
import { type ServerDeps, UpstreamServer } from './upstream-server.ts'
import { openWebSocket } from './web-socket.ts'

export interface UpstreamDeps extends ServerDeps {
  /** Host header of health checks where the application sees the site's own host. */
  readonly siteHost: string
  /** Told whenever the application broke the protocol or cut an answer off, for the audit trail. */
  readonly onMisbehaviour?: (reason: string) => void
  /** Milliseconds before a request body has to keep `minBodyRate`. */
  readonly bodyAllowanceMs?: number
}

const BODY_ALLOWANCE_MS = 30_000

/**
 * Builds the pools of one application and starts its health checks.
 * @throws GH_CONFIG_INVALID when a certificate or key cannot be read.
 */
export function createUpstream(config: UpstreamConfig, deps: UpstreamDeps): Upstream {
  const [first, ...rest] = config.servers
  if (first === undefined) throw new RangeError('an upstream needs a server')
  const build = (server: string): UpstreamServer => new UpstreamServer(server, config, deps)
  const servers: readonly [UpstreamServer, ...UpstreamServer[]] = [build(first), ...rest.map(build)]
  const forwarding: ForwardingDeps = {
    balance: createBalance(servers, deps.clock),
    responseTimeout: config.responseTimeout,
    idleTimeout: config.idleTimeout,
    bodyRate: { bytesPerSecond: config.minBodyRate, allowanceMs: deps.bodyAllowanceMs ?? BODY_ALLOWANCE_MS },
    misbehaved: (reason) => {
      deps.log.warn({ upstream: deps.name, reason }, 'upstream misbehaved')
      deps.onMisbehaviour?.(reason)
    },
  }
  let closing: Promise<void> | undefined
  const { healthCheck } = config
  const stopChecks =
    healthCheck === undefined
      ? []
      : servers.map((server) => startHealthCheck(server, healthCheck, server.hostOverride ?? deps.siteHost))

  return {
    forward: (exchange, response, ending) => forward(forwarding, { exchange, response, ending }),
    upgrade: (exchange, socket, head) => openWebSocket(forwarding, exchange, { socket, head }),
    health: () => {
      const now = deps.clock()
      return servers.map((server) => ({ server: server.address.name, healthy: server.healthy(now) }))
    },
    close: () => (closing ??= close()),
  }

  async function close(): Promise<void> {
    await Promise.all(stopChecks.map((stop) => stop()))
    await Promise.all(servers.map((server) => server.close()))
  }
}
