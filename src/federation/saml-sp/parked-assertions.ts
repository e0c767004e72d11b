import { randomSecret } from '../../base/random-id.ts'
import type { RealmName } from '../../base/brand.ts'
import type { JsonValue, Sealer } from '../../crypto/seal.ts'
import { sha256 } from '../../crypto/sha256.ts'
import type { OneTimeRecords } from '../../store/store.ts'
import type { Asserted } from '../saml/assertion.ts'

const NAMESPACE = 'saml-parked'
/** A redirect later it is taken. */
const LIFE_MS = 120_000

/** What the gate has let through, and what it answers; nothing where nobody here has asked. */
export interface ParkedAssertion {
  readonly asserted: Asserted
  readonly inResponseTo: string | undefined
}

/**
 * Keeps an assertion between the form of another site, to which browsers bring no cookies of ours (SameSite=Lax), and the request that
 * follows it, to which they do: who asked for it is known there alone. Once, sealed, and only what a partner has signed: strangers fill
 * no store.
 */
export interface ParkedAssertions {
  /** The ticket for it. */
  park(provider: string, parked: ParkedAssertion): Promise<string>
  take(provider: string, ticket: string): Promise<ParkedAssertion | undefined>
}

export function createParkedAssertions(
  realm: RealmName,
  { oneTime, sealer }: { readonly oneTime: OneTimeRecords; readonly sealer: Sealer },
): ParkedAssertions {
  const keyOf = (provider: string, ticket: string): string => sha256(JSON.stringify([realm, provider, ticket]))
  return {
    async park(provider, { asserted, inResponseTo }) {
      const ticket = randomSecret()
      const key = keyOf(provider, ticket)
      const text = JSON.stringify({ ...asserted, attributes: [...asserted.attributes], inResponseTo })
      await oneTime.put(NAMESPACE, key, sealer.seal('forms', [NAMESPACE, key, text], LIFE_MS), LIFE_MS)
      return ticket
    },
    async take(provider, ticket) {
      const key = keyOf(provider, ticket)
      const sealed = await oneTime.take(NAMESPACE, key)
      const opened = sealed === undefined ? undefined : sealer.open('forms', sealed)
      const [what, place, text] = Array.isArray(opened) ? (opened as readonly JsonValue[]) : []
      if (what !== NAMESPACE || place !== key || typeof text !== 'string') return undefined
      const { inResponseTo, attributes, ...rest } = JSON.parse(text) as Written
      return { asserted: { ...rest, attributes: new Map(attributes) }, inResponseTo }
    },
  }
}

interface Written extends Omit<Asserted, 'attributes'> {
  readonly attributes: readonly (readonly [string, readonly string[]])[]
  readonly inResponseTo?: string
}
