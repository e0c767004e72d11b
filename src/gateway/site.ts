import type { AgentId, RealmName } from '../base/brand.ts'
import type { Upstream } from './upstream/upstream.ts'

/** An agent profile compiled for one generation: predicates and builders, nothing left to interpret. */
export interface Site {
  readonly agent: AgentId
  readonly realm: RealmName
  readonly upstream: Upstream
}
