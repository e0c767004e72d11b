import { randomSecret } from '../base/random-id.ts'
import type { RealmName } from '../base/brand.ts'
import type { ConfigSnapshot, RealmConfig } from '../config/snapshot.ts'
import { loadPart } from '../errors.ts'
import type { Provisioning } from '../federation/oidc-rp/accounts.ts'
import type { IdentityProvider } from '../federation/oidc-rp/identity-provider.ts'
import { markOf } from '../federation/oidc-rp/session-mark.ts'
import { createUserRecords } from '../identity/managed/user-records.ts'
import type { PortalProvider, Providers } from '../portal/ports.ts'
import type { Session } from '../session/session.ts'
import type { RuntimeDeps } from './deps.ts'
import type { RealmDirectories } from './users.ts'

/** The OpenID providers of each realm that has any, by name. */
export type RealmProviders = ReadonlyMap<RealmName, ReadonlyMap<string, IdentityProvider>>

/** Loads what speaks OpenID Connect where a realm has a provider, and only there. */
export async function providersIn(
  snapshot: ConfigSnapshot,
  directories: RealmDirectories,
  deps: RuntimeDeps,
): Promise<RealmProviders> {
  const realms = [...snapshot.realms.values()].filter(
    ({ identityProviders }) => Object.keys(identityProviders).length > 0,
  )
  if (realms.length === 0) return new Map()
  const { createIdentityProvider } = await loadPart(
    'OpenID providers',
    () => import('../federation/oidc-rp/identity-provider.ts'),
  )
  const loginOrigin = new URL(snapshot.gatehouse.login.url).origin
  const all = new Map<RealmName, ReadonlyMap<string, IdentityProvider>>()
  for (const realm of realms) {
    const directory = directories.get(realm.name)
    if (directory === undefined) continue
    const place = { realm: realm.name, directory, loginOrigin, longestMs: realm.session.maxLife }
    const own = { ...deps, ...place, provisioning: provisioningOf(realm, deps) }
    const entries = Object.entries(realm.identityProviders)
    all.set(realm.name, new Map(entries.map(([name, config]) => [name, createIdentityProvider(name, config, own)])))
  }
  return all
}

function provisioningOf({ name: realm, directory }: RealmConfig, deps: RuntimeDeps): Provisioning | undefined {
  if (directory.type !== 'managed') return undefined
  const records = createUserRecords({ ...deps, realm })
  return { records, noPassword: () => deps.hasher.hash(randomSecret()) }
}

/** As the pages of a realm name them: each by the first module that leads to it. */
export function portalProviders({ identityProviders, authentication }: RealmConfig): readonly PortalProvider[] {
  return Object.entries(authentication.modules).flatMap(([module, config]) => {
    const provider = config.type === 'oidc' ? identityProviders[config.provider] : undefined
    if (config.type !== 'oidc' || provider === undefined) return []
    const { title, domains, atOnce } = provider
    return [{ provider: config.provider, module, title, domains, atOnce }]
  })
}

/** What pages do with the providers besides logins. */
export function providersPort(all: RealmProviders, loginUrl: string): Providers {
  const returnTo = `${new URL(loginUrl).origin}/logged-out`
  return {
    async logout(session) {
      const provider = providerOfSession(all, session)
      const logout = await provider?.logout(session, returnTo)
      if (provider === undefined || logout === undefined) return undefined
      const url = new URL(logout.action)
      for (const [name, value] of Object.entries(logout.fields)) url.searchParams.set(name, value)
      return { url: url.href, title: provider.title }
    },
    signedOut: async (realm, name, token) => (await all.get(realm)?.get(name)?.signedOut(token)) ?? false,
  }
}

/** `undefined` where no realm has a provider: nobody is asked about any request then. */
export function sessionUse(all: RealmProviders): ((session: Session) => void) | undefined {
  return all.size === 0 ? undefined : (session) => providerOfSession(all, session)?.used(session)
}

function providerOfSession(all: RealmProviders, session: Session): IdentityProvider | undefined {
  const mark = markOf(session)
  return mark && all.get(session.realm)?.get(mark.provider)
}
