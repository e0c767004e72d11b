import type { RealmName } from '../base/brand.ts'
import type { AgentProfileConfig } from '../gateway/agent-profile.schema.ts'
import type { ClientsFile } from '../federation/oidc-op/clients.schema.ts'
import type { UserConfig } from '../identity/users.schema.ts'
import type { PartnerPolicyConfig } from '../policy/partner-policies.schema.ts'
import type { PolicyConfig, PolicySetConfig, ResourceTypeConfig } from '../policy/policies.schema.ts'
import type { GatehouseConfig } from './gatehouse.schema.ts'
import type { RealmFile } from './realm.schema.ts'

export interface RealmConfig extends RealmFile {
  readonly name: RealmName
  readonly users: readonly UserConfig[]
  readonly policies: readonly PolicyConfig[]
  readonly policySets: readonly PolicySetConfig[]
  readonly resourceTypes: readonly ResourceTypeConfig[]
  readonly partnerPolicies: readonly PartnerPolicyConfig[]
  /** Its OpenID clients, and what they may know. */
  readonly openId: ClientsFile
  /** Absolute path of the realm's `theme/` folder, whether or not it exists. */
  readonly themeDir: string
}

/** The whole configuration as read at one moment: parsed, interpolated, cross-checked, frozen. */
export interface ConfigSnapshot {
  readonly gatehouse: GatehouseConfig
  readonly agents: readonly AgentProfileConfig[]
  readonly realms: ReadonlyMap<RealmName, RealmConfig>
  /** Changes when and only when the content of some file, or of something it names, has changed. */
  readonly digest: string
  /** Files it was read from, relative to the configuration root. */
  readonly files: readonly string[]
}

export interface ConfigProblem {
  readonly severity: 'error' | 'warning'
  /** Relative to the configuration root. */
  readonly file: string
  /** 1-based. */
  readonly line: number
  readonly column: number
  /** What is wrong and what to do. */
  readonly message: string
}
