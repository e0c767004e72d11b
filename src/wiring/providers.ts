import { randomSecret } from '../base/random-id.ts'
import type { RealmName } from '../base/brand.ts'
import type { ConfigSnapshot, RealmConfig } from '../config/snapshot.ts'
import { loadPart } from '../errors.ts'
import type { Provisioning } from '../federation/accounts.ts'
import type { LoginProvider } from '../federation/login-provider.ts'
import type { IdentityProviderDeps } from '../federation/oidc-rp/identity-provider.ts'
import type { ProviderConfig } from '../federation/oidc-rp/providers.schema.ts'
import { entityIdOf } from '../federation/saml/addresses.ts'
import type { AssertionConsumer } from '../federation/saml-sp/assertion-consumer.ts'
import type { SamlIdpPeer } from '../federation/saml-sp/open-providers.ts'
import { markOf as samlMarkOf } from '../federation/saml-sp/session-mark.ts'
import { markOf } from '../federation/oidc-rp/session-mark.ts'
import { createKeptMarks } from '../federation/logout/kept-marks.ts'
import { tellProviders, type TellProvider } from '../federation/logout/provider-ends.ts'
import type { ProviderLogout } from '../federation/logout/provider-logout.ts'
import { createUserRecords } from '../identity/managed/user-records.ts'
import type { PortalProvider, Providers } from '../portal/ports.ts'
import type { Session } from '../session/session.ts'
import type { OutboxEntry } from '../store/store.ts'
import type { RuntimeDeps } from './deps.ts'
import type { RealmDirectories } from './users.ts'

/** The providers of each realm that has any, by name. */
export type RealmProviders = ReadonlyMap<RealmName, ReadonlyMap<string, LoginProvider>>

export interface OpenProviders {
  readonly all: RealmProviders
  /** Where SAML providers of a realm send their answers. */
  readonly consumers: ReadonlyMap<RealmName, AssertionConsumer>
  /** Its SAML providers, for signing out. */
  readonly samlPeers: ReadonlyMap<RealmName, readonly SamlIdpPeer[]>
  close(): Promise<void>
}

/** Loads what speaks OpenID Connect, or SAML, where a realm has a provider that does, and only there. */
export async function openProviders(
  snapshot: ConfigSnapshot,
  directories: RealmDirectories,
  deps: RuntimeDeps,
): Promise<OpenProviders> {
  const loginOrigin = new URL(snapshot.gatehouse.login.url).origin
  const all = new Map<RealmName, ReadonlyMap<string, LoginProvider>>()
  const consumers = new Map<RealmName, AssertionConsumer>()
  const samlPeers = new Map<RealmName, readonly SamlIdpPeer[]>()
  const closers: (() => void)[] = []
  for (const realm of snapshot.realms.values()) {
    const directory = directories.get(realm.name)
    const entries = Object.entries(realm.identityProviders)
    if (directory === undefined || entries.length === 0) continue
    const place = { realm: realm.name, directory, loginOrigin, longestMs: realm.session.maxLife }
    const own = { ...deps, ...place, provisioning: provisioningOf(realm, deps) }
    const openId = entries.flatMap(([name, config]) => (config.type === 'saml' ? [] : [{ name, config }]))
    const saml = entries.flatMap(([name, config]) => (config.type === 'saml' ? [{ name, config }] : []))
    const providers = openId.length === 0 ? [] : await openIdProviders(openId, own)
    if (saml.length > 0) {
      const { openSamlProviders } = await loadPart('SAML', () => import('../federation/saml-sp/open-providers.ts'))
      const keys = await deps.samlKeys.of(realm.name)
      const entityId = entityIdOf(loginOrigin, realm.name, realm.openId.saml.entityId)
      const opened = openSamlProviders(saml, { ...own, keys, entityId })
      closers.push(() => opened.close())
      providers.push(...opened.providers)
      consumers.set(realm.name, opened.consumer)
      samlPeers.set(realm.name, opened.peers)
    }
    all.set(realm.name, new Map(providers.map((provider) => [provider.name, provider])))
  }
  const close = (): Promise<void> => {
    for (const closeOne of closers) closeOne()
    return Promise.resolve()
  }
  return { all, consumers, samlPeers, close }
}

async function openIdProviders(
  configured: readonly { readonly name: string; readonly config: ProviderConfig }[],
  deps: IdentityProviderDeps,
): Promise<LoginProvider[]> {
  const { createIdentityProvider } = await loadPart(
    'OpenID providers',
    () => import('../federation/oidc-rp/identity-provider.ts'),
  )
  return configured.map(({ name, config }) => createIdentityProvider(name, config, deps))
}

function provisioningOf({ name: realm, directory }: RealmConfig, deps: RuntimeDeps): Provisioning | undefined {
  if (directory.type !== 'managed') return undefined
  const records = createUserRecords({ ...deps, realm })
  return { records, noPassword: () => deps.hasher.hash(randomSecret()) }
}

/** As the pages of a realm name them: each by the first module that leads to it. */
export function portalProviders({ identityProviders, authentication }: RealmConfig): readonly PortalProvider[] {
  return Object.entries(authentication.modules).flatMap(([module, config]) => {
    if (config.type !== 'oidc' && config.type !== 'saml') return []
    const provider = identityProviders[config.provider]
    if (provider === undefined) return []
    const { title, domains, atOnce } = provider
    return [{ provider: config.provider, module, title, domains, atOnce }]
  })
}

/** Where people sign out at the provider that their session began with. */
export function logoutAt(all: RealmProviders, loginUrl: string): ProviderLogout {
  const returnTo = `${new URL(loginUrl).origin}/logged-out`
  return async (session) => {
    const provider = providerOfSession(all, session)
    const logout = await provider?.logout(session, returnTo)
    if (provider === undefined || logout === undefined) return undefined
    const url = new URL(logout.action)
    for (const [name, value] of Object.entries(logout.fields)) url.searchParams.set(name, value)
    return { url: url.href, title: provider.title, provider: markOf(session)?.provider ?? '' }
  }
}

/** Tells the providers that sessions began with of their ends; `undefined` where no realm has any. */
export function providerEnds(
  all: RealmProviders,
  saml: TellProvider,
  deps: Pick<RuntimeDeps, 'store' | 'clock' | 'log'>,
): ((entry: OutboxEntry) => Promise<void>) | undefined {
  if (all.size === 0) return undefined
  const marks = createKeptMarks(deps)
  const oidc: TellProvider = async ({ provider, text }, { realm, ...end }) =>
    all.get(realm)?.get(provider)?.ended?.(text, end)
  return (entry) => tellProviders(entry, { marks, tell: { oidc, saml }, log: deps.log })
}

/** What pages do with the providers besides logins. */
export function providersPort({ all, consumers }: Pick<OpenProviders, 'all' | 'consumers'>): Providers {
  return {
    receive: async (realm, sent) => consumers.get(realm)?.receive(sent),
    signedOut: async (realm, name, token) => (await all.get(realm)?.get(name)?.signedOut(token)) ?? false,
  }
}

/** `undefined` where no realm has a provider: nobody is asked about any request then. */
export function sessionUse(all: RealmProviders): ((session: Session) => void) | undefined {
  return all.size === 0 ? undefined : (session) => providerOfSession(all, session)?.used(session)
}

function providerOfSession(all: RealmProviders, session: Session): LoginProvider | undefined {
  const mark = markOf(session) ?? samlMarkOf(session)
  return mark && all.get(session.realm)?.get(mark.provider)
}
