import type { RedisConfig } from './redis.schema.ts'
import type { Address, RedisSettings } from './settings.ts'
import { parseAddress, parseStoreUrl, type UrlSettings } from './store-url.ts'

function addressesOf({ nodes, mode }: RedisConfig): readonly Address[] {
  return nodes
    .map((node) => parseAddress(node, mode === 'sentinel' ? 26_379 : 6_379))
    .filter((node) => node !== undefined)
}

function placeOf(config: RedisConfig, url: UrlSettings | undefined): Omit<UrlSettings, 'isTls'> {
  if (url === undefined) return { ...config, nodes: addressesOf(config) }
  const { isTls: _isTls, ...place } = url
  const { username, password } = { username: config.username, password: config.password, ...place }
  return { ...place, username, password }
}

/** Both have been through the schema. Where a server is and who asks it comes from the URL when there is one. */
export function redisSettings(config: RedisConfig, url: string | undefined): RedisSettings {
  const parsed = url === undefined ? undefined : parseStoreUrl(url)
  const fromUrl = parsed?.kind === 'parsed' ? parsed.settings : undefined
  const { keyPrefix, timeout, replicas, sentinelUsername, sentinelPassword } = config
  const tls = config.tls ?? (fromUrl?.isTls === true ? { sentinels: true } : undefined)
  return {
    ...placeOf(config, fromUrl),
    keyPrefix,
    timeout,
    replicas,
    tls,
    sentinel: { username: sentinelUsername, password: sentinelPassword, tls: tls?.sentinels ?? false },
  }
}
