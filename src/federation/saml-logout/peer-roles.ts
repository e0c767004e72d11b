/** What the other side is to the realm: an application of its people, or a provider that they sign in by. */
export type PeerRole = 'sp' | 'idp'

/** Names of the protocols by which partners are in departures. */
export const SAML_PROTOCOLS: Readonly<Record<PeerRole, string>> = { sp: 'saml-sp', idp: 'saml-idp' }
