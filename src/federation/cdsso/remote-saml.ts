import type { EpochMs } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { Sealer } from '../../crypto/seal.ts'
import { fault } from '../../errors.ts'
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
import type { Asserted } from '../saml/assertion.ts'
import type { Inbound } from '../saml/gate.ts'
import { readIdentityProvider } from '../saml/metadata.ts'
import { createOwnMetadata } from '../saml/own-metadata.ts'
import { openPartnerMetadata } from '../saml/partner-metadata.ts'
import type { RealmKeys } from '../saml/realm-keys.ts'
import { claimsOf } from '../saml-sp/attribute-claims.ts'
import { redirectTo, writeAuthnRequest } from '../saml-sp/authn-request.ts'
import { createIdpSessions } from '../saml-sp/idp-sessions.ts'
import type { SamlAgent } from './agent-partner.ts'
import { claimsProperty, levelOf, userOf } from './claims-user.ts'
import { isFirstAnswer } from './first-answer.ts'
import { judgeAnswer, type SamlWish } from './judge-answer.ts'
import { createRemoteLogout, type SigningOutSite } from './remote-saml-logout.ts'
import type { SamlSsoConfig } from './sso-provider.schema.ts'

/** A site of this gateway, whose people are those of a SAML provider elsewhere: a service provider of its own there. */
export interface SamlAgentOfProvider extends SamlAgent, SigningOutSite {
  readonly audience: Audience
  /** How long sessions of the realm live, in milliseconds. */
  readonly session: { readonly maxIdle: number; readonly maxLife: number }
}

export interface RemoteSamlDeps {
  readonly keys: RealmKeys
  readonly store: Pick<Store, 'versioned' | 'oneTime'>
  readonly sealer: Sealer
  readonly sessions: Pick<SessionService, 'establish' | 'end' | 'ofUser'>
  readonly handshakes: Pick<HandshakeService, 'tokenFor'>
  /** Of whichever site of this gateway a session began at. */
  readonly signOutUrl: (session: Session) => Promise<string | undefined>
  readonly audit: AuditSink
  readonly clock: Clock
  readonly log: Log
}

interface Answer {
  readonly response: string
  readonly requestId: string
  readonly start: string
  readonly before?: Session | undefined
}

type LogoutMessage =
  | Exclude<Inbound, { readonly binding: 'post' }>
  | (Extract<Inbound, { readonly binding: 'post' }> & { readonly isResponse: boolean })

type Redemption =
  | { readonly kind: 'issued'; readonly token: SessionToken; readonly session: Session }
  | { readonly kind: 'refused'; readonly reason: RedemptionFault }
  | { readonly kind: 'denied' }

/** What sessions say that they began with. */
const MODULE = 'sso'

/**
 * A site's login by a SAML provider that shares nothing with this process: a session of our own begins with what an assertion says. SAML has
 * no way to ask whether it goes on there, so it lives for `recheck` at most, and after that the browser fetches another one.
 * Waits for the first reading of the provider's metadata.
 */
export async function openRemoteSaml(agent: SamlAgentOfProvider, config: SamlSsoConfig, deps: RemoteSamlDeps) {
  const { entityId, consumer, realm, audience, logoutUrl, session: life } = agent
  const { keys, store, sessions, handshakes, signOutUrl, audit, clock, log } = deps
  const metadata = openPartnerMetadata(config, readIdentityProvider, { clock, log })
  const atProvider = createIdpSessions({ ...deps, realm, name: agent.agent, versioned: store.versioned })
  const logout = createRemoteLogout(agent, config, { ...deps, metadata, atProvider })
  const ownMetadata = createOwnMetadata({
    ...{ entityId, keys, clock },
    roles: {
      sp: {
        consumers: [{ binding: 'post', location: consumer }],
        logout: (['redirect', 'post', 'soap'] as const).map((binding) => ({ binding, location: logoutUrl })),
      },
    },
  })
  let provider = await metadata.partner()

  const refused = (reason: string, { requestId, clientIp }: RequestOrigin): void =>
    audit.record({ event: 'HandshakeRefused', at: clock(), requestId, clientIp, agent: agent.agent, reason })
  const refuse = (reason: RedemptionFault, origin: RequestOrigin): Redemption => {
    refused(reason, origin)
    return { kind: 'refused', reason }
  }
  const unavailable = () =>
    fault('GH_DIRECTORY_UNAVAILABLE', {
      detail: `${config.entityId}: no metadata of it with a sign-on service by redirect can be had`,
    })
  /** How long a session may go on that this begins. */
  const longestMs = ({ sessionNotOnOrAfter = Infinity }: Asserted): number =>
    Math.max(1, Math.min(life.maxLife, config.recheck, sessionNotOnOrAfter - clock()))

  const judge = async ({ response, requestId }: Answer) => {
    const partner = await metadata.partner()
    if (partner === undefined) throw unavailable()
    return judgeAnswer(response, {
      ...{ entityId, consumer, requestId, signed: config.signed },
      partner: { entityId: partner.entityId, keys: partner.role.signing },
      moment: { now: clock(), skewMs: config.clockTolerance },
      decryptionKeys: keys.all('saml-encryption').map(({ key }) => key),
    })
  }

  return {
    isElsewhere: true,
    get metadata() {
      return ownMetadata()
    },

    signOn({ id, relayState, level, isForced }: SamlWish): string | undefined {
      // What it has become meanwhile counts for the next.
      void metadata.partner().then((partner) => (provider = partner))
      const contexts = level === undefined ? [] : classesFor(level, config)
      if (level !== undefined && contexts.length === 0) return undefined
      const to = provider?.role.signOn.find(({ binding }) => binding === 'redirect')?.location
      if (to === undefined) throw unavailable()
      const { nameIdFormat } = config
      const xml = writeAuthnRequest({
        ...{ id, now: clock(), destination: to, issuer: entityId, consumer, contexts, nameIdFormat, isForced },
        isPassive: false,
      })
      return redirectTo(xml, { to, relayState, signer: keys.signing() })
    },

    async redeem(answer: Answer, origin: RequestOrigin): Promise<Redemption> {
      const asserted = await judge(answer)
      if (asserted.kind === 'refused') {
        refused(`${asserted.reason}: ${asserted.detail}`, origin)
        return asserted.reason === 'saml-status' ? { kind: 'denied' } : { kind: 'refused', reason: 'unknown-code' }
      }
      const claims = claimsOf(asserted, { subject: config.claims.id, nameIdFormat: config.nameIdFormat })
      const user = claims && userOf(config, claims)
      if (user === undefined) {
        refused(
          'provider-nobody: no name that lasts, or of another form than nameIdFormat: see claims.id of ssoProvider',
          origin,
        )
        return { kind: 'denied' }
      }
      // Each answer is one to one start, so neither counts again (SAML Profiles 2.0 §4.1.4.5).
      if (!(await isFirstAnswer(store, answer.start))) return refuse('other-start', origin)
      const { nameId, sessionIndex, authnInstant, authnContextClassRef } = asserted
      const maxLifeMs = longestMs(asserted)
      const established = await sessions.establish(
        {
          realm,
          userId: user.id,
          username: user.username,
          authLevel: levelOf({ acr: config.acr }, authnContextClassRef),
          authModules: [MODULE],
          properties: {
            ...claimsProperty(user),
            ...(await atProvider.begin({ nameId, sessionIndex }, user.id, maxLifeMs)),
          },
          maxIdleMs: Math.min(life.maxIdle, maxLifeMs),
          maxLifeMs,
          provenSince: Math.min(authnInstant, clock()) as EpochMs,
        },
        origin,
        answer.before && { session: answer.before, cause: 'replaced' },
      )
      if (established.kind !== 'established') return refuse('session-ended', origin)
      const { session } = established.issued
      const token = await handshakes.tokenFor(session, { agent: agent.agent, audience }, origin)
      return token === undefined ? { kind: 'refused', reason: 'session-ended' } : { kind: 'issued', token, session }
    },

    /** Where the session's person signs out at the provider; asked before it ends here. */
    signOutUrl,
    /** The same for sessions that began at this site. */
    ownSignOutUrl: (session: Session) => logout.url(session),
    receiveLogout: (message: LogoutMessage, origin: RequestOrigin) =>
      logout.receive(message, isResponse(message), origin),
    close: () => metadata.close(),
  }
}

export type RemoteSamlLogin = Awaited<ReturnType<typeof openRemoteSaml>>

/** Every class that is enough, the weakest first: the provider takes the first that it can bring about. */
function classesFor(level: number, { acr }: Pick<SamlSsoConfig, 'acr'>): readonly string[] {
  const enough = acr.filter((each) => each.level >= level)
  return enough.sort((a, b) => a.level - b.level).map(({ name }) => name)
}

function isResponse(message: LogoutMessage): boolean {
  if (message.binding === 'post') return message.isResponse
  return message.binding === 'redirect' && /(?:^|&)SAMLResponse=/.test(message.query)
}
