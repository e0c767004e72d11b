import type { ClientMetadata } from 'oidc-provider'
import { randomSecret } from '../../base/random-id.ts'
import type { OidcClientConfig } from './clients.schema.ts'

const GRANT_TYPES = {
  authorization_code: 'authorization_code',
  refresh_token: 'refresh_token',
  device_code: 'urn:ietf:params:oauth:grant-type:device_code',
} as const

/** A client as the library knows it. */
export function metadataOf(client: OidcClientConfig): ClientMetadata {
  const { jwks, jwksUri, backchannelLogoutUri, acrValues, grants } = client
  return {
    client_id: client.id,
    client_name: client.name ?? client.id,
    application_type: client.type,
    token_endpoint_auth_method: authMethodOf(client),
    // Where only a hash is known the library compares with nothing: `checkSecrets` does it.
    ...(client.secret === undefined && client.secretHash === undefined
      ? {}
      : { client_secret: client.secret ?? randomSecret() }),
    ...(jwks === undefined ? {} : { jwks: structuredClone(jwks) as NonNullable<ClientMetadata['jwks']> }),
    ...(jwksUri === undefined ? {} : { jwks_uri: jwksUri }),
    subject_type: client.subject,
    redirect_uris: [...client.redirectUris],
    post_logout_redirect_uris: [...client.postLogoutRedirectUris],
    ...(backchannelLogoutUri === undefined
      ? {}
      : { backchannel_logout_uri: backchannelLogoutUri, backchannel_logout_session_required: true }),
    grant_types: grants.map((grant) => GRANT_TYPES[grant]),
    response_types: grants.includes('authorization_code') ? ['code'] : [],
    scope: client.scopes.join(' '),
    id_token_signed_response_alg: client.idTokenAlg,
    require_pushed_authorization_requests: client.requirePar,
    dpop_bound_access_tokens: client.requireDpop,
    // The library knows the member where some client is known by a certificate.
    ...(client.requireCertificate ? { tls_client_certificate_bound_access_tokens: true } : {}),
    ...(acrValues.length === 0 ? {} : { default_acr_values: [...acrValues] }),
  }
}

function authMethodOf({ authMethod, jwks, jwksUri }: OidcClientConfig): NonNullable<OidcClientConfig['authMethod']> {
  return authMethod ?? (jwks === undefined && jwksUri === undefined ? 'client_secret_basic' : 'private_key_jwt')
}

/** Origins that people may be sent to by the client, as a form's targets in a Content-Security-Policy; a scheme of its own as it is. */
export function targetsOf({ redirectUris, postLogoutRedirectUris }: OidcClientConfig): readonly string[] {
  const targets = [...redirectUris, ...postLogoutRedirectUris].map((uri) => {
    const { protocol, origin } = new URL(uri)
    return protocol === 'https:' || protocol === 'http:' ? origin : protocol
  })
  return [...new Set(targets)]
}
