import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../telemetry/log.ts'
import type { RealmKeys } from '../saml/realm-keys.ts'
import type { UsedOnce } from '../saml/used-once.ts'
import type { Peers } from './peers.ts'

/**
 * Sends an envelope to a partner's server and returns what it answers. Rejects where it does not, with 200 and within its time.
 * `isInternal`: whether the address may be inside this network.
 */
export type SoapCall = (url: string, envelope: string, isInternal: boolean) => Promise<string>

export interface RealmLogoutDeps {
  readonly realm: RealmName
  /** Our addresses for its messages: one is meant for one of them, letter for letter. */
  readonly destinations: readonly string[]
  readonly entityId: string
  readonly keys: RealmKeys
  readonly peers: Peers
  readonly used: UsedOnce
  readonly soap: SoapCall
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'error'>
}
