import type { GatehouseConfig } from '../config/gatehouse.schema.ts'
import { loadPart } from '../errors.ts'
import type { ForwardAuth } from '../gateway/forward-auth/forward-auth.ts'
import type { Gateway } from '../gateway/handle.ts'
import type { ListenerConfig } from '../http/listener.schema.ts'
import { openListener, type Listener, type ListenerHandlers } from '../http/listener.ts'
import type { Log } from '../telemetry/log.ts'

/** What one process listens on. */
export interface Listeners {
  /** Those that people reach. */
  readonly sites: readonly Listener[]
  /** Those at which proxies ask about requests: by HTTP, and by gRPC. */
  readonly proxies: readonly Listener[]
  /** New certificates; addresses and ports stay. Faults with GH_CONFIG_INVALID. */
  reload(config: GatehouseConfig): void
  close(drainMs: number): Promise<void>
}

/** Rejects with GH_LISTENER_UNAVAILABLE; nothing stays open then. */
export async function openListeners(
  config: GatehouseConfig,
  { gateway, forwardAuth, log }: { readonly gateway: Gateway; readonly forwardAuth: ForwardAuth; readonly log: Log },
): Promise<Listeners> {
  const failed = (error: Error): void => log.error({ err: error }, 'a connection could not be accepted')
  const sites: ListenerHandlers = {
    request: (request, response) => gateway.handle(request, response),
    upgrade: (request, socket, head) => gateway.upgrade(request, socket, head),
    failed,
  }
  const proxies: ListenerHandlers = { ...forwardAuth, failed }
  const opened: Listener[] = []
  const asked: Listener[] = []
  try {
    for (const each of config.listeners) opened.push(await openListener(each, sites))
    const { grpc } = config.forwardAuth ?? {}
    if (config.forwardAuth !== undefined) asked.push(await openListener(config.forwardAuth, proxies))
    if (grpc !== undefined) asked.push(await openForEnvoy(grpc, forwardAuth))
    return listenersOf(opened, asked)
  } catch (error) {
    await Promise.all([...opened, ...asked].map((listener) => listener.close(0)))
    throw error
  }
}

/** Most do without gRPC, so it is loaded for those who ask for it. */
async function openForEnvoy(config: ListenerConfig, forwardAuth: ForwardAuth): Promise<Listener> {
  const grpc = await loadPart('gRPC', () => import('../gateway/forward-auth/grpc/listener.ts'))
  return grpc.openGrpcListener(config, forwardAuth)
}

function listenersOf(sites: readonly Listener[], proxies: readonly Listener[]): Listeners {
  return {
    sites,
    proxies,
    reload(config) {
      sites.forEach((listener, i) => {
        const next = config.listeners[i]
        if (next !== undefined) listener.reload(next)
      })
      if (config.forwardAuth !== undefined) proxies[0]?.reload(config.forwardAuth)
    },
    async close(drainMs) {
      await Promise.all([...sites, ...proxies].map((listener) => listener.close(drainMs)))
    },
  }
}
