import type { AgentId, RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { Sealer } from '../../crypto/seal.ts'
import { fault } from '../../errors.ts'
import type { User } from '../../identity/directory.ts'
import type {
  HandshakeService,
  RedemptionFault,
  RequestOrigin,
  Session,
  SessionService,
  SessionToken,
} from '../../session/session.ts'
import type { Audience, Store } from '../../store/store.ts'
import type { AuditSink } from '../../telemetry/audit.ts'
import type { Log } from '../../telemetry/log.ts'
import { createProviderClient } from '../oidc-rp/provider-client.ts'
import { createProviderSessions } from '../oidc-rp/provider-sessions.ts'
import type { ProviderConfig } from '../oidc-rp/providers.schema.ts'
import { markOf } from '../oidc-rp/session-mark.ts'
import { createTokenKeeper } from '../oidc-rp/token-keeper.ts'
import { claimsProperty, levelOf, provenSince, userOf, userOfSession } from './claims-user.ts'
import { isFirstAnswer } from './first-answer.ts'
import { createSessionWatch, type Confirmed } from './session-watch.ts'
import type { OpenIdSsoConfig } from './sso-provider.schema.ts'

/** A site of this gateway, whose people are those of a provider elsewhere. */
export interface AgentOfProvider {
  readonly agent: AgentId
  readonly realm: RealmName
  readonly audience: Audience
  readonly redirectUri: string
  /** How long sessions of the realm live, in milliseconds. */
  readonly session: { readonly maxIdle: number; readonly maxLife: number }
}

export interface RemoteLoginDeps {
  readonly store: Pick<Store, 'versioned' | 'oneTime' | 'leases'>
  readonly sealer: Sealer
  readonly sessions: Pick<SessionService, 'establish' | 'end' | 'ofUser'>
  readonly handshakes: Pick<HandshakeService, 'tokenFor'>
  readonly audit: AuditSink
  readonly clock: Clock
  readonly log: Log
}

interface Answer {
  readonly code: string
  readonly verifier: string
  readonly nonce: string
  readonly start: string
  /** What the browser is signed in by at the site, which a new login takes the place of. */
  readonly before?: Session | undefined
}

/** Somebody of the provider; `unconfirmed` while it cannot be asked. */
type KnownUser = User & { readonly unconfirmed?: true }

type Redemption =
  | { readonly kind: 'issued'; readonly token: SessionToken; readonly session: Session }
  | { readonly kind: 'refused'; readonly reason: RedemptionFault }

/** What somebody has proved here (`authModules`), and the name of the provider in marks of sessions. */
const NAME = 'sso'
const NOBODY = { requestId: undefined, clientIp: undefined }

/**
 * A site's login by a provider that shares nothing with this process: a session of our own begins with what the provider says, and goes on
 * for as long as the provider says that its one does.
 */
export function createRemoteLogin(
  { agent, realm, audience, redirectUri, session: life }: AgentOfProvider,
  config: OpenIdSsoConfig,
  deps: RemoteLoginDeps,
) {
  const { store, sealer, sessions, handshakes, audit, clock, log } = deps
  const { issuer } = config
  const asClient = clientConfig(config, agent)
  // A session belongs to the client that it began with: another one is told by the provider that its tokens are none.
  const name = config.clientId === undefined ? `${NAME}/${agent}` : NAME
  const client = createProviderClient(asClient, { redirectUri, clock })
  const leaseMs = 4 * config.timeout + 5_000
  const tokens = createTokenKeeper({ versioned: store.versioned, leases: store.leases, sealer, clock, leaseMs })
  const atProvider = createProviderSessions({ ...deps, realm, name, config: asClient, client, tokens })
  const watch = createSessionWatch({
    rules: config,
    clock,
    async ask(session) {
      const kept = await tokens.read(markOf(session)?.tokens ?? '').catch(() => 'unknown' as const)
      const standing = kept === 'unknown' ? kept : kept === undefined ? 'over' : await client.introspect(kept)
      // Ended here as well: in every process, with its streams.
      if (standing === 'over') await sessions.end(session.sid, 'provider', NOBODY).catch(() => false)
      return standing
    },
  })
  const refuse = (reason: RedemptionFault, { requestId, clientIp }: RequestOrigin): Redemption => {
    audit.record({ event: 'HandshakeRefused', at: clock(), requestId, clientIp, agent, reason })
    return { kind: 'refused', reason }
  }
  const whoIs = (session: Session, standing: Confirmed | 'over'): KnownUser | undefined => {
    const user = standing === 'over' ? undefined : userOfSession(session)
    return user !== undefined && standing === 'unconfirmed' ? { ...user, unconfirmed: true } : user
  }
  const factsOf = (session: Session): KnownUser | undefined | Promise<KnownUser | undefined> => {
    const standing = watch.standing(session)
    return standing instanceof Promise ? standing.then((said) => whoIs(session, said)) : whoIs(session, standing)
  }

  return {
    issuer,
    clientId: asClient.clientId,
    scope: config.scopes.join(' '),
    authorizationUrl: config.authorization ?? `${issuer}/authorize`,
    isElsewhere: true,
    realm,
    /** In marks of the sessions that are its own; only about those it can be asked. */
    name,
    factsOf,
    /** Notes that the session is used, also by a stream that asks nothing. */
    used(session: Session): void {
      const standing = watch.standing(session)
      // Whether it may go on is decided where it asks for something.
      if (standing instanceof Promise) standing.catch(() => undefined)
    },

    async redeem({ code, verifier, nonce, start, before }: Answer, origin: RequestOrigin): Promise<Redemption> {
      if (!(await isFirstAnswer(store, start))) return refuse('other-start', origin)
      const query = new URLSearchParams({ code, state: start, iss: issuer }).toString()
      const arrival = await client.arrive({ state: start, nonce, verifier, acr: [] }, query)
      if (arrival.kind === 'refused') {
        const { reason, detail } = arrival
        if (reason === 'provider-unavailable')
          throw fault('GH_DIRECTORY_UNAVAILABLE', { detail: `${issuer}: ${detail}` })
        log.warn({ agent, realm, reason, detail }, 'the provider of the realm has refused a code')
        return refuse('unknown-code', origin)
      }
      if (arrival.tokens.refreshToken === undefined)
        throw fault('GH_CONFIG_INVALID', {
          detail: `${issuer} gives ${asClient.clientId} no refresh token; it needs that grant`,
        })
      const user = userOf(config, arrival.claims)
      if (user === undefined) return refuse('unknown-code', origin)
      const established = await sessions.establish(
        {
          realm,
          userId: user.id,
          username: user.username,
          authLevel: levelOf(config, arrival.claims['acr']),
          authModules: [NAME],
          properties: { ...claimsProperty(user), ...(await atProvider.begin(arrival, user.id, life.maxLife)) },
          maxIdleMs: life.maxIdle,
          maxLifeMs: life.maxLife,
          provenSince: provenSince(arrival.claims, clock()),
        },
        origin,
        before && { session: before, cause: 'replaced' },
      )
      if (established.kind !== 'established') return refuse('session-ended', origin)
      const { session } = established.issued
      watch.confirmed(session.sid)
      const token = await handshakes.tokenFor(session, { agent, audience }, origin)
      return token === undefined ? { kind: 'refused', reason: 'session-ended' } : { kind: 'issued', token, session }
    },

    /** Where the session's person signs out at the provider; asked before it ends here. */
    async signOutUrl(session: Session): Promise<string | undefined> {
      const logout = await atProvider.logout(session, '')
      await tokens.forget(markOf(session)?.tokens ?? '')
      if (logout === undefined) return undefined
      const { post_logout_redirect_uri: _, ...fields } = logout.fields
      return `${logout.action}?${new URLSearchParams(fields).toString()}`
    },

    /** A logout token of the provider's. False for one that is not good. */
    signedOut: (token: string): Promise<boolean> => atProvider.signedOut(token),
  }
}

export type RemoteLogin = ReturnType<typeof createRemoteLogin>

/** As the parts that speak with providers know one. */
function clientConfig(config: OpenIdSsoConfig, agent: AgentId): ProviderConfig {
  const { type: _, authorization: __, claims: ___, acr: ____, recheck: _____, grace: ______, ...same } = config
  return {
    ...same,
    title: config.issuer,
    clientId: config.clientId ?? agent,
    secretIn: 'basic',
    userinfo: true,
    properties: {},
    domains: [],
    atOnce: false,
    sessionEnds: 'own',
    keepTokens: true,
    logout: true,
  }
}
