import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, startServer } from '../src/store/redis/redis-server.fixture.ts'

export type StoreDriver = 'embedded' | 'redis'

/** A store that several gateways share: a file, or a `redis-server`. */
export interface StoreData {
  /** The value of `store` in gatehouse.yaml. */
  readonly yaml: string
  dispose(): Promise<void>
}

/** A busy machine is no server that fails. */
const PATIENCE = '30s'

export async function startStoreData(driver: StoreDriver): Promise<StoreData> {
  if (driver === 'embedded') {
    const directory = mkdtempSync(join(tmpdir(), 'gatehouse-store-'))
    return {
      yaml: JSON.stringify({ path: join(directory, 'cts.db') }),
      dispose: () => {
        rmSync(directory, { recursive: true })
        return Promise.resolve()
      },
    }
  }
  const [port = 0] = await freePorts(1)
  const server = await startServer({ port })
  return {
    yaml: JSON.stringify({ url: `redis://127.0.0.1:${port}`, redis: { timeout: PATIENCE } }),
    dispose: () => server.dispose(),
  }
}
