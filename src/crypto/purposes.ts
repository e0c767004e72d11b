/** What one kind of key is and how long what it makes may live. When keys are replaced is the configuration's (`keys`). */
export interface KeyRule {
  /** A key pair for signatures of that algorithm; or `secret`: 256 bits for AES-256-GCM that never leave the ring. */
  readonly kind: 'es256' | 'eddsa' | 'rs256' | 'secret'
  /** A key pair whose public half is not in the JWKS of the login host: nobody who takes any key of that is to believe what it signs. */
  readonly private?: true
  /** Made when something first wants it (`KeyRing.want`), not at the first start: most installations never do. */
  readonly onDemand?: true
  /** Nothing made with the key is accepted for longer; a replaced key is kept this long for verification. In milliseconds. */
  readonly longestLifeMs: number
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** Everything the ring has a key for: one purpose, one key, so that nothing made for one can pass for another. */
export const PURPOSES = {
  /** `X-Gatehouse-Assertion`. */
  assertion: { kind: 'es256', longestLifeMs: 5 * MINUTE },
  /** `authId`: one login in progress. */
  journey: { kind: 'secret', longestLifeMs: DAY },
  /** Stateless sessions, which live as long as their realm lets them. */
  session: { kind: 'secret', longestLifeMs: 30 * DAY },
  /** Second factors and other credentials in the store, which no time ends: what sealed one stays, however often keys are replaced. */
  factors: { kind: 'secret', longestLifeMs: 36_500 * DAY },
  /** Forms that are kept while their sender signs in, the cookie that says for whom, and what a login has to come back with. */
  forms: { kind: 'secret', longestLifeMs: 30 * DAY },
  /** Access tokens, in the algorithm that their realm chose. */
  'access-eddsa': { kind: 'eddsa', longestLifeMs: DAY },
  'access-rsa': { kind: 'rs256', longestLifeMs: DAY },
  /** Refresh tokens. Whoever takes any key of the JWKS must not take one of these for an access token. */
  'refresh-eddsa': { kind: 'eddsa', private: true, longestLifeMs: 30 * DAY },
  'refresh-rsa': { kind: 'rs256', private: true, longestLifeMs: 30 * DAY },
  /** ID tokens and logout tokens. Issuers publish these keys themselves; who comes back with an old ID token as a hint is believed for a month. */
  'oidc-rsa': { kind: 'rs256', private: true, onDemand: true, longestLifeMs: 30 * DAY },
  'oidc-ec': { kind: 'es256', private: true, onDemand: true, longestLifeMs: 30 * DAY },
  /** A request of a SAML partner's, in the address that its person comes back to from signing in. */
  'saml-request': { kind: 'secret', onDemand: true, longestLifeMs: DAY },
  /** SAML messages and metadata, and assertions that are encrypted for us: each realm has a ring of its own for these (`saml/realm-keys.ts`). */
  'saml-signing': { kind: 'rs256', private: true, onDemand: true, longestLifeMs: DAY },
  'saml-encryption': { kind: 'rs256', private: true, onDemand: true, longestLifeMs: 30 * DAY },
} as const satisfies Record<string, KeyRule>

export type Purpose = keyof typeof PURPOSES

/** Purposes whose keys seal. */
export type SealPurpose = { [P in Purpose]: (typeof PURPOSES)[P]['kind'] extends 'secret' ? P : never }[Purpose]

/** Purposes whose keys sign. */
export type SigningPurpose = Exclude<Purpose, SealPurpose>

export const ALL_PURPOSES = Object.keys(PURPOSES) as readonly Purpose[]

/** Those that there is a key for from the first start on. */
export const MADE_AT_ONCE = ALL_PURPOSES.filter((purpose) => {
  const rule: KeyRule = PURPOSES[purpose]
  return rule.onDemand !== true
})
