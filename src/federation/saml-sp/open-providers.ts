import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { Sealer } from '../../crypto/seal.ts'
import type { UserDirectory } from '../../identity/directory.ts'
import type { SessionService } from '../../session/session.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../../telemetry/log.ts'
import { createAccounts, type Provisioning } from '../accounts.ts'
import type { LoginProvider } from '../login-provider.ts'
import { samlPath } from '../saml/addresses.ts'
import type { MetadataFeed } from '../saml/metadata-feed.ts'
import { readIdentityProvider, type IdentityProvider } from '../saml/metadata.ts'
import { openPartnerMetadata } from '../saml/partner-metadata.ts'
import type { RealmKeys } from '../saml/realm-keys.ts'
import { createUsedOnce } from '../saml/used-once.ts'
import { createAssertionConsumer, type AssertionConsumer } from './assertion-consumer.ts'
import { createSamlProvider } from './identity-provider.ts'
import { createIdpSessions, type IdpSessions } from './idp-sessions.ts'
import { createParkedAssertions } from './parked-assertions.ts'
import type { SamlProviderConfig } from './providers.schema.ts'

export interface SamlProvidersDeps {
  readonly realm: RealmName
  readonly directory: UserDirectory
  readonly provisioning: Provisioning | undefined
  /** How long sessions of the realm may live, in milliseconds. */
  readonly longestMs: number
  /** Scheme, host and port of the login host. */
  readonly loginOrigin: string
  /** Ours. */
  readonly entityId: string
  readonly keys: RealmKeys
  readonly store: Pick<Store, 'documents' | 'versioned' | 'oneTime'>
  readonly sealer: Sealer
  readonly sessions: Pick<SessionService, 'ofUser'>
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
}

/** A provider as signing out sees it. */
export interface SamlIdpPeer {
  readonly name: string
  readonly config: Pick<SamlProviderConfig, 'entityId' | 'title' | 'metadataUrl'>
  readonly metadata: MetadataFeed<IdentityProvider>
  readonly sessions: IdpSessions
}

export interface SamlProviders {
  readonly providers: readonly LoginProvider[]
  readonly peers: readonly SamlIdpPeer[]
  readonly consumer: AssertionConsumer
  close(): void
}

/** The SAML providers of one realm. @throws GH_CONFIG_INVALID for metadata in the configuration that cannot be read */
export function openSamlProviders(
  configured: readonly { readonly name: string; readonly config: SamlProviderConfig }[],
  deps: SamlProvidersDeps,
): SamlProviders {
  const { realm, loginOrigin, store, sealer, clock, log } = deps
  const idps = configured.map(({ name, config }) => ({
    name,
    config,
    metadata: openPartnerMetadata(config, readIdentityProvider, { clock, log }),
    sessions: createIdpSessions({ ...deps, name, versioned: store.versioned }),
  }))
  const parked = createParkedAssertions(realm, { oneTime: store.oneTime, sealer })
  const accounts = createAccounts({ ...deps, documents: store.documents })
  const consumer = `${loginOrigin}${samlPath(realm)}/acs`
  const providers = idps.map(({ name, config, metadata, sessions }) =>
    createSamlProvider(name, config, { ...deps, consumer, metadata, accounts, parked, sessions }),
  )
  return {
    providers,
    peers: idps,
    consumer: createAssertionConsumer({ ...deps, idps, parked, used: createUsedOnce(store.oneTime, clock) }),
    close: () => idps.forEach(({ metadata }) => metadata.close()),
  }
}
