import type { GatehouseConfig } from '../config/gatehouse.schema.ts'
import type { ForwardAuth } from '../gateway/forward-auth/forward-auth.ts'
import type { Gateway } from '../gateway/handle.ts'
import { openListener, type Listener, type ListenerHandlers } from '../http/listener.ts'
import type { Log } from '../telemetry/log.ts'

/** What one process listens on. */
export interface Listeners {
  /** Those that people reach. */
  readonly sites: readonly Listener[]
  /** The one at which proxies ask about requests, where there is one. */
  readonly proxies: Listener | undefined
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
  try {
    for (const each of config.listeners) opened.push(await openListener(each, sites))
    const asked = config.forwardAuth === undefined ? undefined : await openListener(config.forwardAuth, proxies)
    return listenersOf(opened, asked)
  } catch (error) {
    await Promise.all(opened.map((listener) => listener.close(0)))
    throw error
  }
}

function listenersOf(sites: readonly Listener[], proxies: Listener | undefined): Listeners {
  const all = proxies === undefined ? sites : [...sites, proxies]
  return {
    sites,
    proxies,
    reload(config) {
      sites.forEach((listener, i) => {
        const next = config.listeners[i]
        if (next !== undefined) listener.reload(next)
      })
      if (config.forwardAuth !== undefined) proxies?.reload(config.forwardAuth)
    },
    async close(drainMs) {
      await Promise.all(all.map((listener) => listener.close(drainMs)))
    },
  }
}
