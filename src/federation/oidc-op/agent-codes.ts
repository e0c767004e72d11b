import type Provider from 'oidc-provider'
import type { RealmName } from '../../base/brand.ts'
import { sha256 } from '../../crypto/sha256.ts'
import type { RedemptionFault, Session } from '../../session/session.ts'
import type { Library } from './library.ts'

/** What an agent of this very gateway brings. */
export interface AgentCode {
  /** `client_id`. */
  readonly agent: string
  readonly code: string
  readonly verifier: string
  readonly nonce: string
  readonly redirectUri: string
}

export interface AgentCodesDeps {
  readonly realm: RealmName
  readonly library: Pick<Library, 'errors'>
  /** A live session, of somebody whom the configuration knows. */
  readonly find: (sid: string) => Promise<Session | undefined>
}

/**
 * The token endpoint for agents within this process: the live session that the code stands for, in place of tokens that nobody would read. The
 * code is spent first, whatever comes of it; of any number at once one wins. What is checked is RFC 6749 §4.1.3, RFC 7636 §4.6, OIDC
 * Core 1.0 §3.1.3.7 (nonce), and that the session is the one of then.
 */
export async function redeemAgentCode(
  provider: Provider,
  { agent, code, verifier, nonce, redirectUri }: AgentCode,
  { realm, library, find }: AgentCodesDeps,
): Promise<Session | RedemptionFault> {
  // Whether the session lives is asked below; whether it knows this grant is not, or of tabs that sign in at once all but one would fail.
  const withoutBinding: { ignoreExpiration?: true } = { ignoreSessionBinding: true } as object
  const found = await provider.AuthorizationCode.find(code, withoutBinding)
  if (found === undefined) return 'unknown-code'
  try {
    await found.consume()
  } catch (error) {
    if (error instanceof library.errors.InvalidGrant) return 'unknown-code'
    throw error
  }
  if (found.isExpired) return 'unknown-code'
  if (found.clientId !== agent || found.redirectUri !== redirectUri) return 'other-agent'
  const isOfStart = found.codeChallengeMethod === 'S256' && found.codeChallenge === sha256(verifier)
  if (!isOfStart || found.nonce !== nonce) return 'other-start'
  const session = await find(found.sessionUid ?? '')
  if (session?.realm !== realm || session.userId !== found.accountId) return 'session-ended'
  // Proved anew since then: the code says less than the session is.
  return found.authTime === Math.floor(session.authInstant / 1_000) ? session : 'session-moved-on'
}
