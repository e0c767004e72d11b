import type { AgentId, EpochMs } from '../base/brand.ts'
import type { Session, SessionToken } from '../session/session.ts'

/** What one answer to an agent says. */
export interface AgentIdToken {
  /** The provider of the realm, at the address that the agent knows it by. */
  readonly issuer: string
  readonly agent: AgentId
  /** What the agent made up for this browser, once. */
  readonly nonce: string
  readonly session: Session
  /** The restricted token. */
  readonly token: SessionToken
  readonly now: EpochMs
}

/**
 * Claims of the ID token that OpenAM's agents read (OIDC Core 1.0 §2). They take the session from `ssoToken` and have it validated; the ID
 * token itself becomes their cookie, so it is good for as long as the session may be.
 */
export function agentClaims({ issuer, agent, nonce, session, token, now }: AgentIdToken): object {
  return {
    ...{ iss: issuer, sub: session.userId, subname: session.username, aud: agent, azp: agent, nonce },
    ...{ iat: seconds(now), exp: seconds(session.maxExpiresAt), auth_time: seconds(session.authInstant) },
    ...{ acr: String(session.authLevel), realm: session.realm, ssoToken: token },
    ...{ tokenName: 'id_token', tokenType: 'JWTToken' },
  }
}

function seconds(at: EpochMs): number {
  return Math.floor(at / 1_000)
}
