import { randomSecret } from '../../base/random-id.ts'
import type { OidcClientConfig } from './clients.schema.ts'

/** A site of the realm that signs people in by it. */
export interface AgentOfRealm {
  readonly id: string
  readonly title: string
  readonly redirectUri: string
}

/**
 * An agent as a client of its realm's provider: its profile is its registration. Nobody is asked for consent, since it learns nothing that
 * the gateway does not know. It trades its codes within this process (`agent-codes.ts`); its secret is told to nobody, so at the token
 * endpoint nobody passes for it.
 */
export function agentClient({ id, title, redirectUri }: AgentOfRealm): OidcClientConfig {
  return {
    id,
    name: title,
    secret: randomSecret(),
    authMethod: 'client_secret_basic',
    type: 'web',
    redirectUris: [redirectUri],
    postLogoutRedirectUris: [],
    grants: ['authorization_code'],
    scopes: ['openid'],
    consent: 'implied',
    pkce: true,
    requirePar: false,
    requireDpop: false,
    acrValues: [],
    idTokenAlg: 'ES256',
    accessTokenTTL: 60_000,
    refreshTokenTTL: 60_000,
    introspects: 'own',
    subject: 'public',
    disabled: false,
  }
}
