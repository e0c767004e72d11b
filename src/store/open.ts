import type { Clock } from '../base/clock.ts'
import { loadPart } from '../errors.ts'
import type { Log } from '../telemetry/log.ts'
import { redisSettings } from './redis/from-config.ts'
import { redisSchema } from './redis/redis.schema.ts'
import type { Store } from './store.ts'
import type { StoreConfig } from './store.schema.ts'

export interface StoreDeps {
  readonly config: StoreConfig
  readonly clock: Clock
  readonly log: Log
}

export interface OpenedStore {
  readonly store: Store
  /** What should be changed about the store's servers though they work. */
  readonly notices: () => readonly string[]
}

/** The store that the configuration names, and no other: one that cannot be opened is a fault, not a reason for another one. */
export async function openStore({ config, clock, log }: StoreDeps): Promise<OpenedStore> {
  const { driver, path, url, redis } = config
  if (driver === 'redis' || url !== undefined || redis !== undefined) {
    const { openRedisStore } = await loadPart('the store on Redis', () => import('./redis/open.ts'))
    const settings = redisSettings(redis ?? redisSchema.parse({}), url)
    const store = await openRedisStore({ settings, clock, log })
    return { store, notices: () => store.notices() }
  }
  const { openEmbeddedStore } = await loadPart('the embedded store', () => import('./embedded/open.ts'))
  return { store: await openEmbeddedStore({ path, clock, log }), notices: () => [] }
}
