import { randomSecret } from '../../base/random-id.ts'
import type { RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { JsonValue } from '../../crypto/seal.ts'
import type { Log } from '../../telemetry/log.ts'
import { propertiesOf, type Accounts } from '../accounts.ts'
import type { LoginProvider, Recognised, Refusal } from '../login-provider.ts'
import type { Asserted } from '../saml/assertion.ts'
import type { Endpoint } from '../saml/metadata-endpoints.ts'
import type { MetadataFeed } from '../saml/metadata-feed.ts'
import type { IdentityProvider } from '../saml/metadata.ts'
import type { RealmKeys } from '../saml/realm-keys.ts'
import { claimsOf, isVouchedFor } from './attribute-claims.ts'
import { formFor, redirectTo, writeAuthnRequest } from './authn-request.ts'
import type { IdpSessions } from './idp-sessions.ts'
import type { ParkedAssertions } from './parked-assertions.ts'
import type { SamlProviderConfig } from './providers.schema.ts'

export interface SamlProviderDeps {
  readonly realm: RealmName
  /** Ours. */
  readonly entityId: string
  /** Address that answers go to. */
  readonly consumer: string
  readonly keys: RealmKeys
  readonly metadata: MetadataFeed<IdentityProvider>
  readonly accounts: Accounts
  readonly parked: ParkedAssertions
  readonly sessions: IdpSessions
  /** How long sessions of the realm may live, in milliseconds. */
  readonly longestMs: number
  readonly clock: Clock
  readonly log: Pick<Log, 'info'>
}

/** What was asked for. */
interface Pending {
  readonly id: string
  readonly contexts: readonly string[]
  /** Since when the person has to have proved it; milliseconds since the epoch. */
  readonly since: number | null
}

/** A SAML provider that people of a realm sign in by. */
export function createSamlProvider(name: string, config: SamlProviderConfig, deps: SamlProviderDeps): LoginProvider {
  const { realm, entityId, consumer, keys, metadata, accounts, parked, sessions, longestMs, clock, log } = deps
  const refuse = (reason: Refusal['reason'], detail: string): Refusal => {
    log.info({ realm, provider: name, reason, detail }, 'a login by a provider was refused')
    return { kind: 'refused', reason }
  }

  const recognise = async (asserted: Asserted): Promise<Recognised | Refusal> => {
    const claims = claimsOf(asserted, config)
    if (claims === undefined)
      return refuse('provider-nobody', 'no name that lasts, or of another form than nameIdFormat: see `subject`')
    if (!isVouchedFor(claims, config)) return refuse('provider-nobody', 'a name at a domain that is not its own')
    const user = await accounts.of({ ...config, issuer: config.entityId }, claims)
    if (typeof user === 'string') return refuse(user, 'nobody of the realm')
    const { nameId, sessionIndex, authnInstant, authnContextClassRef: acr, sessionNotOnOrAfter: endsAt } = asserted
    const mark = await sessions.begin({ nameId, sessionIndex }, user.id, longestMs)
    const properties = { ...propertiesOf(config, claims), ...mark }
    return { kind: 'recognised', user, properties, acr, authTime: authnInstant, endsAt }
  }

  const taken = async (ticket: string) =>
    (await parked.take(name, ticket)) ?? refuse('provider-replayed', 'its answer was used before, or is too old')

  return {
    name,
    title: config.title,
    domains: config.domains,
    atOnce: config.atOnce,

    async depart({ acr, maxAgeMs, isPassive = false }) {
      const partner = await metadata.partner()
      const endpoint = partner && signOnAt(partner.role, config.binding)
      if (endpoint === undefined) return refuse('provider-unavailable', 'there is no metadata of it')
      const [id, state, now] = [`_${randomSecret()}`, randomSecret(), clock()]
      const isForced = maxAgeMs !== undefined
      const xml = writeAuthnRequest({
        ...{ id, now, destination: endpoint.location, issuer: entityId, consumer, contexts: acr, isForced, isPassive },
        nameIdFormat: config.nameIdFormat,
      })
      const pending: JsonValue = { id, contexts: acr, since: isForced ? now : null }
      const signer = keys.signing()
      const to = endpoint.location
      return endpoint.binding === 'post'
        ? { kind: 'departed', url: to, fields: formFor(xml, { id, relayState: state, signer }), state, pending }
        : { kind: 'departed', url: redirectTo(xml, { to, relayState: state, signer }), state, pending }
    },

    async arrive(pending, ticket) {
      const arrived = await taken(ticket)
      if ('reason' in arrived) return arrived
      const { id, contexts, since } = pending as unknown as Pending
      const { asserted, inResponseTo } = arrived
      if (inResponseTo !== id) return refuse('provider-refused', 'the answer to another request')
      const { authnContextClassRef: context, authnInstant } = asserted
      if (contexts.length > 0 && !contexts.includes(context ?? ''))
        return refuse('provider-too-weak', 'of another AuthnContextClassRef than was asked for')
      if (since !== null && authnInstant < since - config.clockTolerance)
        return refuse('provider-too-weak', 'proved before it was asked for (ForceAuthn)')
      return recognise(asserted)
    },

    ...(config.unsolicited
      ? {
          async arriveUnasked(ticket: string) {
            const arrived = await taken(ticket)
            if ('reason' in arrived) return arrived
            // The answer to a request is of whoever sent that.
            if (arrived.inResponseTo !== undefined) return refuse('provider-refused', 'the answer to a request')
            return recognise(arrived.asserted)
          },
        }
      : {}),

    used: () => undefined,
    logout: () => Promise.resolve(undefined),
    signedOut: () => Promise.resolve(false),
  }
}

function signOnAt({ signOn }: IdentityProvider, wanted: SamlProviderConfig['binding']): Endpoint | undefined {
  return signOn.find(({ binding }) => binding === wanted) ?? signOn[0]
}
