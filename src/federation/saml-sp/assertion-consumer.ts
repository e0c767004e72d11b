import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../telemetry/log.ts'
import { acceptAssertion, type AssertionRules } from '../saml/assertion.ts'
import { openMessage, type GatePartner, type GateRules } from '../saml/gate.ts'
import type { MetadataFeed } from '../saml/metadata-feed.ts'
import type { IdentityProvider } from '../saml/metadata.ts'
import type { RealmKeys } from '../saml/realm-keys.ts'
import type { SamlFault } from '../saml/refusal.ts'
import type { UsedOnce } from '../saml/used-once.ts'
import type { ParkedAssertions } from './parked-assertions.ts'
import type { SamlProviderConfig } from './providers.schema.ts'

/** A provider whose answers come here. */
export interface KnownIdp {
  readonly name: string
  readonly config: Pick<SamlProviderConfig, 'entityId' | 'signed' | 'unsolicited' | 'clockTolerance'>
  readonly metadata: MetadataFeed<IdentityProvider>
}

/** A form as it was sent, and where to. */
export interface SentResponse {
  /** Path of the address. */
  readonly path: string
  readonly field: string
  readonly relayState: string | undefined
}

export type Received =
  | {
      readonly kind: 'parked'
      readonly provider: string
      readonly ticket: string
      /** Whether it is the answer to something. Which, only the browser that asked can tell. */
      readonly isAnswer: boolean
    }
  | { readonly kind: 'refused'; readonly reason: SamlFault | 'saml-unavailable' }

/** Where all SAML providers of a realm send their answers. */
export interface AssertionConsumer {
  /** Rejects with GH_STORE_UNAVAILABLE. */
  receive(sent: SentResponse): Promise<Received>
}

export interface AssertionConsumerDeps {
  readonly realm: RealmName
  /** Ours. */
  readonly entityId: string
  readonly loginOrigin: string
  readonly keys: RealmKeys
  readonly idps: readonly KnownIdp[]
  readonly used: UsedOnce
  readonly parked: ParkedAssertions
  readonly clock: Clock
  readonly log: Pick<Log, 'info'>
}

interface Sender extends GatePartner {
  readonly idp: KnownIdp
}

/** What has to be signed, as the gate has it. */
export const SIGNED: Readonly<Record<SamlProviderConfig['signed'], GateRules['signed']>> = {
  assertion: 'content',
  response: 'message',
  either: 'any',
  both: 'both',
}

export function createAssertionConsumer(deps: AssertionConsumerDeps): AssertionConsumer {
  const { realm, entityId, loginOrigin, keys, idps, used, parked, clock, log } = deps

  const senders = async (): Promise<readonly Sender[]> => {
    const all = await Promise.all(idps.map(async (idp) => ({ idp, partner: await idp.metadata.partner() })))
    return all.flatMap(({ idp, partner }) =>
      partner === undefined ? [] : [{ idp, entityId: partner.entityId, keys: partner.role.signing }],
    )
  }
  const refuse = (issuer: string | undefined, { reason, detail }: { reason: SamlFault; detail: string }): Received => {
    log.info({ realm, provider: issuer, reason, detail }, 'an assertion was refused')
    return { kind: 'refused', reason }
  }

  return {
    async receive({ path, field, relayState }) {
      const known = await senders()
      const address = `${loginOrigin}${path}`
      const now = clock()
      // Whose clock and whose rules count is known with its issuer: the widest are those of all until then.
      const skewMs = Math.max(0, ...idps.map(({ config }) => config.clockTolerance))
      const opened = openMessage(
        { binding: 'post', field, relayState },
        {
          expects: 'Response',
          partner: (issuer) => known.find((each) => each.entityId === issuer),
          destinations: [address],
          signed: 'content',
          moment: { now, skewMs },
        },
      )
      if (opened.kind === 'refused') return refuse(undefined, opened)
      const { idp } = opened.partner
      const rules: AssertionRules = {
        signed: SIGNED[idp.config.signed],
        moment: { now, skewMs: idp.config.clockTolerance },
        audience: entityId,
        recipient: address,
        inResponseTo: opened.inResponseTo,
        decryptionKeys: keys.all('saml-encryption').map(({ key }) => key),
      }
      const isAnswer = opened.inResponseTo !== undefined
      if (!isAnswer && !idp.config.unsolicited)
        return refuse(idp.name, { reason: 'saml-in-response-to', detail: 'nobody has asked for it' })
      const asserted = acceptAssertion(opened, rules)
      if (asserted.kind === 'refused') return refuse(idp.name, asserted)
      for (const [id, staleAt] of [
        [opened.id, opened.staleAt],
        [asserted.assertionId, asserted.staleAt],
      ] as const) {
        if (!(await used.use({ realm, issuer: idp.config.entityId, id, staleAt })))
          return refuse(idp.name, { reason: 'saml-replayed', detail: 'it was used before' })
      }
      const ticket = await parked.park(idp.name, { asserted, inResponseTo: opened.inResponseTo })
      return { kind: 'parked', provider: idp.name, ticket, isAnswer }
    },
  }
}
