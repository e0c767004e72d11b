import { suite, test, type TestContext } from 'node:test'
import type { Clock } from '../base/clock.ts'
import { documentRules, lifeRules } from './contract/documents.ts'
import { denylistRules, epochRules, outboxRules } from './contract/endings.ts'
import { quotaRaces, quotaRules } from './contract/quotas.ts'
import { counterRules, leaseRules, oneTimeRules, versionedRules } from './contract/records.ts'
import { logRules } from './contract/revocations.ts'
import { ManualClock, type Rule } from './contract/scene.ts'
import { expiryRules, sessionRules } from './contract/sessions.ts'
import { endRules, sessionRaces, tokenRules, upgradeRules } from './contract/tokens.ts'
import type { Store } from './store.ts'

/** One empty set of data that several clients may open, as several processes would. */
export interface ContractData {
  open(): Promise<Store>
  /** Closes every store that is still open and removes the data. */
  dispose(): Promise<void>
}

export type ContractFactory = (clock: Clock) => Promise<ContractData>

/** Every rule of `Store`, for any driver: `factory` gets the clock that its stores must go by. */
export function storeContract(name: string, factory: ContractFactory): void {
  const rule: Rule = (title, body) => {
    test(title, { timeout: 30_000 }, async (t: TestContext) => {
      const clock = new ManualClock()
      const data = await factory(clock.read)
      t.after(() => data.dispose())
      const open = () => data.open()
      await body({ clock, store: await open(), open })
    })
  }
  suite(`${name}: sessions`, () => {
    sessionRules(rule)
    expiryRules(rule)
    upgradeRules(rule)
    tokenRules(rule)
    endRules(rule)
    sessionRaces(rule)
  })
  suite(`${name}: quotas`, () => {
    quotaRules(rule)
    quotaRaces(rule)
  })
  suite(`${name}: denylist of stateless sessions`, () => denylistRules(rule))
  suite(`${name}: epochs of users and realms`, () => epochRules(rule))
  suite(`${name}: outbox`, () => outboxRules(rule))
  suite(`${name}: revocation log`, () => logRules(rule))
  suite(`${name}: one-time values`, () => oneTimeRules(rule))
  suite(`${name}: versioned records`, () => versionedRules(rule))
  suite(`${name}: counters`, () => counterRules(rule))
  suite(`${name}: leases`, () => leaseRules(rule))
  suite(`${name}: documents`, () => documentRules(rule))
  suite(`${name}: life of the store`, () => lifeRules(rule))
}
