import type { AgentId, RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import type { HandshakeService, RedemptionFault, RequestOrigin, Session, SessionToken } from '../../session/session.ts'
import type { Audience, Store } from '../../store/store.ts'
import type { AuditSink } from '../../telemetry/audit.ts'
import type { AgentCode } from '../oidc-op/agent-codes.ts'
import { isFirstAnswer } from './first-answer.ts'

/** A site of this gateway that is a client of its realm's provider. */
export interface AgentAtProvider {
  readonly agent: AgentId
  readonly realm: RealmName
  /** Of the tokens that its logins end with. */
  readonly audience: Audience
  readonly issuer: string
}

export interface LocalLoginDeps {
  /** Trades a code at the realm's provider for the live session that it stands for. */
  readonly redeem: (realm: RealmName, code: AgentCode) => Promise<Session | RedemptionFault>
  readonly handshakes: Pick<HandshakeService, 'tokenFor'>
  readonly store: { readonly oneTime: Pick<Store['oneTime'], 'put'> }
  readonly audit: AuditSink
  readonly clock: Clock
}

type Redemption =
  | { readonly kind: 'issued'; readonly token: SessionToken; readonly session: Session }
  | { readonly kind: 'refused'; readonly reason: RedemptionFault }

/** A site's login by the provider of this process: no request to ourselves, and the token is a child of the very session. */
export function createLocalLogin(
  { agent, realm, audience, issuer }: AgentAtProvider,
  { redeem, handshakes, store, audit, clock }: LocalLoginDeps,
) {
  const refuse = (reason: RedemptionFault, origin: RequestOrigin): Redemption => {
    const { requestId, clientIp } = origin
    audit.record({ event: 'HandshakeRefused', at: clock(), requestId, clientIp, agent, reason })
    return { kind: 'refused', reason }
  }
  return {
    issuer,
    clientId: agent,
    scope: 'openid',
    authorizationUrl: `${issuer}/authorize`,
    async redeem(
      { start, ...answer }: Omit<AgentCode, 'agent'> & { readonly start: string },
      origin: RequestOrigin,
    ): Promise<Redemption> {
      if (!(await isFirstAnswer(store, start))) return refuse('other-start', origin)
      const session = await redeem(realm, { ...answer, agent })
      if (typeof session === 'string') return refuse(session, origin)
      const token = await handshakes.tokenFor(session, { agent, audience }, origin)
      return token === undefined ? { kind: 'refused', reason: 'session-ended' } : { kind: 'issued', token, session }
    },
  }
}
