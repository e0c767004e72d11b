import { targetsOf } from './client-metadata.ts'
import type { ProviderRealm, ProviderDeps, RealmProvider } from './realm-provider.ts'
import { recordKey } from './adapter.ts'
import { shortLived } from './records.ts'
import { FOR_GOOD } from './session-ends.ts'

/** Agents are let in by the configuration: nobody has agreed to anything. */
const NO_CONSENTS = { applications: { of: () => Promise.resolve([]), takeBack: () => Promise.resolve(false) } }

/** A provider that is made when somebody comes: most processes with such agents never see one, and the library takes its time. */
export function providerOnDemand(
  { name, file }: ProviderRealm,
  { store }: Pick<ProviderDeps, 'store'>,
  make: () => Promise<RealmProvider>,
): RealmProvider {
  let made: Promise<RealmProvider> | undefined
  const get = (): Promise<RealmProvider> =>
    (made ??= make().catch((error: unknown) => {
      made = undefined
      throw error
    }))
  const isKnown = async (sid: string): Promise<boolean> =>
    (await shortLived(store).load(recordKey(name)('SsoSession', sid))) !== undefined
  return {
    serve: async (visit, path) => (await get()).serve(visit, path),
    redeem: async (code) => (await get()).redeem(code),
    async sessionEnded(entry) {
      if (FOR_GOOD.has(entry.cause) || (await isKnown(entry.sid))) await (await get()).sessionEnded(entry)
    },
    ...NO_CONSENTS,
    freshen: () => Promise.resolve(),
    clientFor(id) {
      const client = file.clients.find((each) => each.id === id)
      return client && { title: client.name ?? client.id, targets: targetsOf(client) }
    },
  }
}
