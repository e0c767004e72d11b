import { randomSecret } from '../../base/random-id.ts'
import type { OidcClientConfig } from './clients.schema.ts'

/** A site of the realm that signs people in by it. */
export interface AgentOfRealm {
  readonly id: string
  readonly title: string
  readonly redirectUri: string
  /** How a gateway elsewhere proves who it is; absent for this one. */
  readonly elsewhere?: AgentElsewhere | undefined
}

export interface AgentElsewhere {
  readonly proof: Pick<OidcClientConfig, 'secret' | 'secretHash' | 'jwks'>
  /** Where it is told that a session has ended. */
  readonly backchannelLogoutUri: string
}

/**
 * An agent as a client of its realm's provider: its profile is its registration. Nobody is asked for consent, since it learns nothing that
 * the gateway does not know. It trades its codes within this process (`agent-codes.ts`); its secret is told to nobody, so at the token
 * endpoint nobody passes for it.
 */
export function agentClient({ id, title, redirectUri, elsewhere }: AgentOfRealm): OidcClientConfig {
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
    requireCertificate: false,
    acrValues: [],
    idTokenAlg: 'ES256',
    accessTokenTTL: 60_000,
    refreshTokenTTL: 60_000,
    introspects: 'own',
    subject: 'public',
    disabled: false,
    ...(elsewhere && clientElsewhere(elsewhere)),
  }
}

/** A gateway elsewhere trades its codes at the token endpoint, learns who somebody is, and asks by a refresh token whether their session lives. */
function clientElsewhere({ proof, backchannelLogoutUri }: AgentElsewhere): Partial<OidcClientConfig> {
  return {
    ...proof,
    ...(proof.secret === undefined ? { secret: undefined } : {}),
    authMethod: proof.jwks === undefined ? 'client_secret_basic' : 'private_key_jwt',
    grants: ['authorization_code', 'refresh_token'],
    scopes: ['openid', 'profile', 'email', 'groups'],
    accessTokenTTL: 300_000,
    backchannelLogoutUri,
  }
}
