import { hash as digest, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import type { RealmName } from '../../base/brand.ts'
import { randomName, randomSecret } from '../../base/random-id.ts'
import { networkOf } from '../../http/network.ts'
import { bearerOf } from '../../http/presented.ts'
import { readText } from '../../http/read-text.ts'
import { createNetworkLimit } from '../../identity/network-limit.ts'
import type { Counters } from '../../store/store.ts'
import type { AuditSink } from '../../telemetry/audit.ts'
import { digestOf } from './client-secrets.ts'
import { clientSchema, type ClientsFile, type OidcClientConfig } from './clients.schema.ts'
import type { RegisteredClients } from './registered-clients.ts'
import type { OpVisit } from './visits.ts'

export const REGISTRATION_PATH = '/connect/register'

/** Wrong tokens of one network within the time. */
const WRONG_TOKENS = { networkFailures: 20, window: 10 * 60_000 } as const
const LARGEST_BODY = 16_384

/**
 * What a client may say of itself (OpenID Connect Dynamic Client Registration 1.0 §2). Members that nobody here knows are left out, as the
 * standard wants; those that name an address for us to ask are refused (server-side request forgery).
 */
const metadataSchema = z.object({
  client_name: z.string().min(1).max(100).optional(),
  application_type: z.enum(['web', 'native']).default('web'),
  redirect_uris: z.array(z.string()).min(1).max(20),
  post_logout_redirect_uris: z.array(z.string()).max(20).default([]),
  token_endpoint_auth_method: z
    .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'])
    .default('client_secret_basic'),
  jwks: z.object({ keys: z.array(z.looseObject({})) }).optional(),
  grant_types: z.array(z.enum(['authorization_code', 'refresh_token'])).default(['authorization_code']),
  response_types: z.array(z.literal('code')).default(['code']),
  scope: z.string().max(1_000).optional(),
  id_token_signed_response_alg: z.enum(['RS256', 'ES256']).default('RS256'),
  require_pushed_authorization_requests: z.boolean().default(false),
  dpop_bound_access_tokens: z.boolean().default(false),
  ...Object.fromEntries(
    ['jwks_uri', 'sector_identifier_uri', 'request_uris', 'backchannel_logout_uri'].map((name) => [
      name,
      z
        .undefined({ error: 'no address that a client names is asked for here; its administrator can write it down' })
        .optional(),
    ]),
  ),
})

export interface RegistrationDeps {
  readonly realm: RealmName
  readonly rules: NonNullable<ClientsFile['registration']>
  readonly registered: RegisteredClients
  readonly counters: Counters
  readonly audit: AuditSink
  readonly clock: Clock
}

/** `POST /connect/register` (RFC 7591 §3): whoever has the realm's token adds a client. */
export function createRegistration(deps: RegistrationDeps): (visit: OpVisit) => Promise<void> {
  const { realm, rules, registered, audit, clock } = deps
  const limit = createNetworkLimit(deps.counters, WRONG_TOKENS)

  /** Why the token does not count; a guess is counted. */
  const refusal = async ({ request, clientIp }: OpVisit): Promise<string | undefined> => {
    const key = `oidc-registration ${realm} ${networkOf(clientIp)}`
    const entry = await limit.enter(key, () => Promise.resolve(false))
    if (entry.kind !== 'entered') return 'too many wrong tokens came from this network; wait ten minutes'
    const isRight = isSame(bearerOf(request.headers.authorization) ?? '', rules.token)
    await limit.leave(key, !isRight)
    return isRight ? undefined : 'show the token of the realm as Authorization: Bearer'
  }

  return async (visit) => {
    const { request, requestId, clientIp } = visit
    if (request.method !== 'POST') {
      answer(visit, 405, { error: 'invalid_request' }, { allow: 'POST' })
      return
    }
    const refused = await refusal(visit)
    if (refused !== undefined) {
      const error = 'invalid_token'
      audit.record({
        event: 'OidcRefused',
        at: clock(),
        requestId,
        clientIp,
        realm,
        client: undefined,
        error,
        reason: refused,
      })
      answer(visit, 401, { error, error_description: refused }, { 'www-authenticate': 'Bearer' })
      return
    }
    const read = clientOf(await jsonOf(request), rules)
    if ('problem' in read) {
      const error = read.isAddress ? 'invalid_redirect_uri' : 'invalid_client_metadata'
      answer(visit, 400, { error, error_description: read.problem })
      return
    }
    const { client, secret } = read
    if (!(await registered.add(client))) {
      const problem = 'as many clients have registered as may; the administrator decides how many (registration.most)'
      answer(visit, 403, { error: 'access_denied', error_description: problem })
      return
    }
    audit.record({
      ...{ event: 'OidcClientRegistered', at: clock(), requestId, clientIp, realm, client: client.id },
      redirectUris: client.redirectUris,
    })
    answer(visit, 201, { ...told(client), client_id_issued_at: Math.floor(clock() / 1_000), ...secretTold(secret) })
  }
}

type Read =
  | { readonly client: OidcClientConfig; readonly secret: string | undefined }
  | { readonly problem: string; readonly isAddress: boolean }

/** As the configuration would have it, under the same rules; people are asked what it may know, whatever it says. */
function clientOf(body: unknown, rules: RegistrationDeps['rules']): Read {
  const parsed = metadataSchema.safeParse(body)
  if (!parsed.success) return problemOf(parsed.error)
  const metadata = parsed.data
  const method = metadata.token_endpoint_auth_method
  const secret = method.startsWith('client_secret') ? randomSecret() : undefined
  const wanted = metadata.scope?.split(' ').filter((scope) => scope !== '') ?? rules.scopes
  const client = clientSchema.safeParse({
    id: `reg-${randomName()}`,
    name: metadata.client_name,
    type: metadata.application_type,
    authMethod: method,
    ...(secret === undefined ? {} : { secret }),
    ...(method === 'private_key_jwt' ? { jwks: metadata.jwks } : {}),
    redirectUris: metadata.redirect_uris,
    postLogoutRedirectUris: metadata.post_logout_redirect_uris,
    grants: metadata.grant_types,
    scopes: wanted.filter((scope) => rules.scopes.includes(scope)),
    idTokenAlg: metadata.id_token_signed_response_alg,
    requirePar: metadata.require_pushed_authorization_requests,
    requireDpop: metadata.dpop_bound_access_tokens,
  })
  if (!client.success) return problemOf(client.error)
  const { secret: _, ...kept } = client.data
  return { client: secret === undefined ? kept : { ...kept, secretHash: digestOf(secret) }, secret }
}

function problemOf({ issues }: z.ZodError): Read {
  const problem = issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
  return { problem, isAddress: issues.some(({ path }) => /^redirect_?[uU]ris$/.test(String(path[0]))) }
}

function told(client: OidcClientConfig): object {
  return {
    client_id: client.id,
    ...(client.name === undefined ? {} : { client_name: client.name }),
    application_type: client.type,
    redirect_uris: client.redirectUris,
    post_logout_redirect_uris: client.postLogoutRedirectUris,
    token_endpoint_auth_method: client.authMethod,
    ...(client.jwks === undefined ? {} : { jwks: client.jwks }),
    grant_types: client.grants,
    response_types: ['code'],
    scope: client.scopes.join(' '),
    id_token_signed_response_alg: client.idTokenAlg,
    require_pushed_authorization_requests: client.requirePar,
    dpop_bound_access_tokens: client.requireDpop,
  }
}

function secretTold(secret: string | undefined): object {
  return secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }
}

/** `undefined` for what is no JSON, or too long. */
async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const text = await readText(request, LARGEST_BODY)
  if (typeof text === 'number') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function answer(
  { response }: OpVisit,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(text)
}

function isSame(sent: string, right: string): boolean {
  return timingSafeEqual(digest('sha256', sent, 'buffer'), digest('sha256', right, 'buffer'))
}
