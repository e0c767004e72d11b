import type { Clock } from '../../base/clock.ts'
import { fault, type GatehouseError } from '../../errors.ts'
import type { Log } from '../../telemetry/log.ts'
import type { MetadataExpected, MetadataReading, Partner } from './metadata.ts'
import { openMetadataFeed, type MetadataFeed } from './metadata-feed.ts'
import { readPartnerKey } from './partner-keys.ts'

/** How a configuration names metadata (`partner.schema.ts`). */
export interface MetadataConfig {
  readonly entityId: string
  readonly metadata?: string | undefined
  readonly metadataUrl?:
    | {
        readonly url: string
        readonly refresh: number
        readonly certificate?: string | undefined
        readonly internal: boolean
      }
    | undefined
}

export interface PartnerMetadataDeps {
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
}

/**
 * A partner's metadata, whichever way it comes. What the configuration has in it is read once; its address now and again, by a feed
 * that later configurations with the same partner share, so that what was read last stays.
 * @throws GH_CONFIG_INVALID for metadata in the configuration that cannot be read, as `check` tells with its place
 */
export function openPartnerMetadata<Role>(
  config: MetadataConfig,
  read: (xml: string, expected: MetadataExpected) => MetadataReading<Role>,
  deps: PartnerMetadataDeps,
): MetadataFeed<Role> {
  const { entityId, metadata, metadataUrl } = config
  if (metadataUrl === undefined) {
    // One that is over turns its partner off, and not the whole configuration.
    const reading = read(metadata ?? '', { entityId, signers: undefined, now: -Infinity })
    if (reading.kind === 'refused') throw unreadable(entityId, reading.problems[0]?.message ?? '')
    const { partner } = reading
    const isOver = (): boolean => partner.validUntil !== undefined && partner.validUntil <= deps.clock()
    return { partner: () => Promise.resolve(isOver() ? undefined : partner), close: () => undefined }
  }
  return shared(JSON.stringify([read.name, entityId, metadataUrl]), () => {
    const { url, refresh: refreshMs, certificate, internal } = metadataUrl
    const signer = certificate === undefined ? undefined : readPartnerKey(certificate)
    if (typeof signer === 'string') throw unreadable(entityId, signer)
    const signers = signer && [signer]
    return openMetadataFeed({ url, internal, entityId, signers, refreshMs }, read, deps)
  })
}

interface Use {
  readonly feed: MetadataFeed<unknown>
  users: number
}

/** Of this process, by what they read. */
const open = new Map<string, Use>()

function shared<Role>(key: string, make: () => MetadataFeed<Role>): MetadataFeed<Role> {
  let use = open.get(key)
  if (use === undefined) open.set(key, (use = { feed: make(), users: 0 }))
  use.users += 1
  const mine = use
  let isClosed = false
  return {
    partner: () => mine.feed.partner() as Promise<Partner<Role> | undefined>,
    close() {
      if (isClosed) return
      isClosed = true
      mine.users -= 1
      if (mine.users > 0) return
      open.delete(key)
      mine.feed.close()
    },
  }
}

function unreadable(entityId: string, why: string): GatehouseError {
  return fault('GH_CONFIG_INVALID', { detail: `the metadata of ${entityId} cannot be read: ${why}` })
}
