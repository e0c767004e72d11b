import { isValidAt } from '../saml/partner-keys.ts'
import type { Partner, ServiceProvider } from '../saml/metadata.ts'
import type { Endpoint } from '../saml/metadata-endpoints.ts'
import type { MetadataFeed } from '../saml/metadata-feed.ts'
import type { EncryptionKey } from '../saml/metadata-keys.ts'
import { BINDINGS } from '../saml/names.ts'
import type { AuthnRequest } from './authn-request.ts'
import type { ServiceProviderConfig } from './service-providers.schema.ts'

/** A service provider as it is now: what the configuration says of it, and its metadata. */
export interface KnownPartner {
  readonly config: ServiceProviderConfig
  readonly title: string
  readonly metadata: Partner<ServiceProvider>
}

export interface Partners {
  byEntityId(entityId: string): Promise<KnownPartner | undefined>
  byId(id: string): Promise<KnownPartner | undefined>
  /** The id of a partner of this entity id, whether or not its metadata can be had now. */
  idOf(entityId: string): string | undefined
  /** What people see a partner called, if there is one of this id. */
  titleOf(id: string): string | undefined
  close(): void
}

export function createPartners(
  configs: readonly ServiceProviderConfig[],
  open: (config: ServiceProviderConfig) => MetadataFeed<ServiceProvider>,
): Partners {
  const all = configs
    .filter(({ disabled }) => !disabled)
    .map((config) => ({ config, title: config.name ?? config.id, feed: open(config) }))
  const find = async (isMeant: (config: ServiceProviderConfig) => boolean): Promise<KnownPartner | undefined> => {
    const found = all.find(({ config }) => isMeant(config))
    const metadata = await found?.feed.partner()
    return found && metadata && { config: found.config, title: found.title, metadata }
  }
  return {
    byEntityId: (entityId) => find((config) => config.entityId === entityId),
    byId: (id) => find((config) => config.id === id),
    idOf: (entityId) => all.find(({ config }) => config.entityId === entityId)?.config.id,
    titleOf: (id) => all.find(({ config }) => config.id === id)?.title,
    close() {
      for (const { feed } of all) feed.close()
    },
  }
}

/**
 * Where the answer goes: an address of the metadata, letter for letter (CVE-2026-41569), or nowhere. Without one in the request the
 * metadata's default, else the first that is not said to be none (SAML Metadata 2.0 §2.4.4).
 */
export function consumerOf(
  { role }: Partner<ServiceProvider>,
  asked: Pick<AuthnRequest, 'consumerUrl' | 'consumerIndex' | 'binding'> | undefined,
): Endpoint | undefined {
  const { consumers } = role
  // Assertions go by POST alone.
  if (asked?.binding !== undefined && asked.binding !== BINDINGS.post) return undefined
  if (asked?.consumerUrl !== undefined) return consumers.find(({ location }) => location === asked.consumerUrl)
  if (asked?.consumerIndex !== undefined) return consumers.find(({ index }) => index === asked.consumerIndex)
  return consumers.find(({ isDefault }) => isDefault) ?? consumers[0]
}

export function encryptionKeyOf({ role }: Partner<ServiceProvider>, now: number): EncryptionKey | undefined {
  return role.encryption.find((key) => isValidAt(key, now))
}
