import { z } from 'zod'
import { redisSchema, storeUrl } from './redis/redis.schema.ts'

export const storeSchema = z
  .strictObject({
    driver: z
      .enum(['embedded', 'redis'])
      .optional()
      .describe(
        '`embedded`: SQLite in one file, shared by the processes of one machine. `redis`: Redis, shared by any number of machines. Without it: `redis` where `url` or `redis` names a server.',
      ),
    path: z
      .string()
      .default('.gatehouse/cts.db')
      .describe('The database file of the embedded store, relative to the configuration root.'),
    url: storeUrl
      .optional()
      .describe(
        'Where Redis is: `redis://[user:password@]host[:port][/database]`, `rediss://…` with TLS, `redis+sentinel://host:port,host:port/primary`, `redis+cluster://host:port,host:port`. The environment variable `STORE_URL` goes before it.',
      ),
    redis: redisSchema.optional().describe('Redis in full; what `url` says goes before it.'),
  })
  .refine(({ driver, url, redis }) => driver !== 'embedded' || (url === undefined && redis === undefined), {
    path: ['driver'],
    message: 'url and redis name another store: leave driver out, or take them away',
  })
  .refine(
    ({ driver, url, redis }) =>
      (driver !== 'redis' && redis === undefined) || url !== undefined || (redis?.nodes.length ?? 0) > 0,
    { path: [], message: 'say where Redis is: url, or nodes under redis' },
  )
  .prefault({})

export type StoreConfig = z.infer<typeof storeSchema>
