declare const brand: unique symbol

/** A primitive that the type checker keeps apart from its look-alikes: a token is not a session id is not a name. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = Brand<number, 'EpochMs'>

/** Canonical realm path: `/`, `/employees`, `/employees/contractors`. No trailing slash but for the root. */
export type RealmName = Brand<string, 'RealmName'>

/** The id of one agent profile, also the audience of the tokens issued for it. */
export type AgentId = Brand<string, 'AgentId'>
