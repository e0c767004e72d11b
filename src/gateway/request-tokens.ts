import type { Facts } from '../policy/decision.ts'
import type { Session } from '../session/session.ts'

/** What is wrong with the token of a request: none came, it is too old, or it is not one of this person that counts here. */
export type TokenFault = 'token-missing' | 'token-expired' | 'token-refused'

/** The token of another issuer that has to come with each request of one person, besides their session. */
export interface TokenDemand {
  /** Issuers whose tokens count, for the challenge. */
  readonly issuers: readonly string[]
  /**
   * `undefined` for a token that is good and that of the session's user; answers at once for one that was judged a moment ago.
   * Rejects when nobody can say (503).
   */
  faultOf(
    authorization: string | undefined,
    session: Pick<Session, 'userId'>,
  ): TokenFault | undefined | Promise<TokenFault | undefined>
}

/** Which people of a realm have to send such a token. */
export interface RequestTokens {
  /** `undefined` for who need not. */
  demandOn(session: Pick<Session, 'username'>, facts: Facts): TokenDemand | undefined
  /** Whether a value of `Authorization` carries a token that may count here: it is not the application's to see. */
  carries(authorization: string): boolean
}
