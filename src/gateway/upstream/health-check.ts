import type { UpstreamConfig } from '../agent-profile.schema.ts'
import { Client, request } from '../../http/undici.ts'
import type { UpstreamServer } from './upstream-server.ts'

type CheckConfig = NonNullable<UpstreamConfig['healthCheck']>

/**
 * Asks a server for its health page at once and then each `interval`, over a connection of its own. Any 2xx or 3xx within
 * `timeout` is healthy. @returns what stops it.
 */
export function startHealthCheck(server: UpstreamServer, check: CheckConfig, host: string): () => Promise<void> {
  const client = new Client(server.address.origin, { connect: server.connectors.pooled, allowH2: false })
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  async function ask(): Promise<string | undefined> {
    try {
      const { statusCode, body } = await request.call(client, {
        method: 'GET',
        path: check.path,
        headers: { host, 'user-agent': 'gatehouse-health-check' },
        signal: AbortSignal.timeout(check.timeout),
      })
      await body.dump()
      return statusCode < 400 ? undefined : `status ${statusCode}`
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  async function round(): Promise<void> {
    const failure = await ask()
    if (stopped) return
    server.checked(failure === undefined, failure ?? 'answered')
    timer = setTimeout(() => void round(), check.interval).unref()
  }

  void round()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await client.destroy()
  }
}
