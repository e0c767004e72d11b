/** What is wrong with a token, for the audit trail. */
export type TokenFault =
  /** The request brought none. */
  | 'no-token'
  /** No token, of no known issuer, with an algorithm or a type that does not count, or a wrong signature, audience or claim. */
  | 'token-refused'
  | 'token-expired'
  /** It names nobody, or somebody who cannot sign in here. */
  | 'token-of-nobody'
  | 'token-keys-unavailable'
