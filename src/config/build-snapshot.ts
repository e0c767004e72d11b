import { join, resolve } from 'node:path'
import type { RealmName } from '../base/brand.ts'
import { fault } from '../errors.ts'
import { clientsFileSchema } from '../federation/oidc-op/clients.schema.ts'
import type { CheckInput, RealmSources } from './checks/check.ts'
import { deepFreeze } from './freeze.ts'
import type { GatehouseConfig } from './gatehouse.schema.ts'
import type { ConfigSnapshot, RealmConfig } from './snapshot.ts'

export interface SnapshotFacts {
  /** Absolute path of the configuration root. */
  readonly root: string
  readonly digest: string
  readonly files: readonly string[]
}

/** Puts together what was read and found free of errors; frozen all the way down. */
export function buildSnapshot(input: CheckInput, { root, digest, files }: SnapshotFacts): ConfigSnapshot {
  const { gatehouse, agents, realms } = input
  if (gatehouse === undefined) throw fault('GH_CONFIG_INVALID', { detail: 'gatehouse.yaml was not read' })
  return deepFreeze({
    gatehouse: withAbsolutePaths(gatehouse.value, { root, storeUrl: input.storeUrl }),
    agents: agents.map(({ value }) => value),
    realms: new Map(realms.map((realm) => [realm.name as RealmName, realmOf(realm, root)])),
    digest,
    files,
  })
}

/** Of a realm without the file. */
const NO_CLIENTS = clientsFileSchema.parse({})

function realmOf({ name, realm, users, policies, clients }: RealmSources, root: string): RealmConfig {
  if (realm === undefined) throw fault('GH_CONFIG_INVALID', { detail: `realm ${name} was not read` })
  return {
    ...realm.value,
    name: name as RealmName,
    users: users?.value.users ?? [],
    policies: policies?.value.policies ?? [],
    policySets: policies?.value.policySets ?? [],
    resourceTypes: policies?.value.resourceTypes ?? [],
    partnerPolicies: policies?.value.partnerPolicies ?? [],
    openId: clients?.value ?? NO_CLIENTS,
    themeDir: join(root, 'realms', name, 'theme'),
  }
}

interface Surroundings {
  readonly root: string
  readonly storeUrl: string | undefined
}

/** Paths in the configuration count from its root, wherever the process was started. STORE_URL goes before the store of the file. */
function withAbsolutePaths(config: GatehouseConfig, { root, storeUrl }: Surroundings): GatehouseConfig {
  const { store, telemetry } = config
  const { file } = telemetry.audit
  return {
    ...config,
    store: {
      ...store,
      path: resolve(root, store.path),
      ...(storeUrl === undefined ? {} : { driver: 'redis', url: storeUrl }),
    },
    telemetry: { ...telemetry, audit: file === undefined ? {} : { file: resolve(root, file) } },
  }
}
