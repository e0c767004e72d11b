import { z } from 'zod'
import { duration } from '../../base/duration.schema.ts'
import { hashedSecret } from '../../http/program-credentials.schema.ts'
import { samlSchema } from '../saml-idp/service-providers.schema.ts'

const GRANTS = ['authorization_code', 'refresh_token', 'device_code'] as const

const LOOPBACK = /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]|[a-z0-9-]+\.localhost)(?::\d+)?(?:\/|$)/

/** Compared letter for letter, so it has to be written as browsers write it. */
function isWebAddress(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || text.includes('#') || text.includes('*') || url.username !== '' || url.password !== '')
    return false
  return (url.protocol === 'https:' || url.protocol === 'http:') && (url.href === text || url.href === `${text}/`)
}

/** A scheme of an application's own is a reversed domain name, so that nobody else's application has it (RFC 8252 §7.1). */
function isOwnScheme(text: string): boolean {
  return /^[a-z][a-z0-9+-]*(?:\.[a-z0-9-]+)+:\/[^\s#*]*$/.test(text)
}

const webAddress = z
  .string()
  .max(2_000)
  .refine(isWebAddress, 'write a whole address as browsers do, such as https://app.example.com/callback; no #, no *')

const redirectUri = z
  .string()
  .max(2_000)
  .refine(
    (text) => isWebAddress(text) || isOwnScheme(text),
    'write a whole address as browsers do, such as https://app.example.com/callback, or com.example.app:/callback; no #, no *',
  )

const jwk = z
  .looseObject({ kty: z.enum(['RSA', 'EC', 'OKP']).describe('Kind of key.') })
  .refine((key) => !('d' in key), 'this is a private key; write its public half')

const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/)

export const clientSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'write up to 64 letters, digits, dots, hyphens and underscores')
      .describe('`client_id`.'),
    name: z.string().min(1).max(100).optional().describe('What people see it called; the id where absent.'),
    secret: z
      .string()
      .min(16, 'write at least 16 characters; `openssl rand -base64 32` makes a good one')
      .max(512)
      .optional()
      .describe('Its secret, usually `${file:…}` or `${env:…}`. For `client_secret_basic` or `client_secret_post`.'),
    secretHash: hashedSecret.describe('Or the hash of its secret, from `gatehouse hash-password`.'),
    jwks: z
      .strictObject({ keys: z.array(jwk).min(1).max(20).describe('Public keys: RSA, EC or OKP.') })
      .optional()
      .describe('Its public keys (RFC 7517), for `private_key_jwt`.'),
    jwksUri: webAddress.optional().describe('Or where it publishes them.'),
    authMethod: z
      .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'self_signed_tls_client_auth', 'none'])
      .optional()
      .describe(
        'How it proves who it is to the token endpoint. Without it: `client_secret_basic` with a secret (in the header or in the body), `private_key_jwt` with keys. `none` is for programs that cannot keep a secret, in a browser or on a telephone. `self_signed_tls_client_auth`: by the certificate of its TLS connection, which stands in `jwks` as `x5c`; the listener has to ask for certificates (`clientCertificates`), or a proxy has to name them (`clientCertificateHeader`).',
      ),
    type: z
      .enum(['web', 'native'])
      .default('web')
      .describe(
        '`native`: on a telephone or a desktop. People are asked each time, and ports of loopback addresses may be any.',
      ),
    redirectUris: z
      .array(redirectUri)
      .max(50)
      .default([])
      .describe('Where people may be sent with a code; compared letter for letter.'),
    postLogoutRedirectUris: z
      .array(redirectUri)
      .max(50)
      .default([])
      .describe('Where people may be sent after they have signed out.'),
    backchannelLogoutUri: webAddress
      .optional()
      .describe('Where it is told that a session has ended (OIDC Back-Channel Logout 1.0).'),
    grants: z
      .array(z.enum(GRANTS))
      .min(1)
      .default(['authorization_code', 'refresh_token'])
      .describe('`device_code` is for devices without a browser (RFC 8628).'),
    scopes: z
      .array(scope)
      .default(['openid', 'profile', 'email', 'groups', 'offline_access'])
      .describe('What it may ask for at most.'),
    consent: z
      .enum(['ask', 'implied'])
      .default('ask')
      .describe(
        'Whether people are asked what it may know of them, once; or not at all, for applications of your own.',
      ),
    pkce: z
      .boolean()
      .default(true)
      .describe('Whether it has to use PKCE. Without a secret or keys it has to in any case.'),
    requirePar: z.boolean().default(false).describe('Whether its requests have to be pushed first (RFC 9126).'),
    requireDpop: z
      .boolean()
      .default(false)
      .describe('Whether its tokens are good only with a proof of its key (RFC 9449).'),
    requireCertificate: z
      .boolean()
      .default(false)
      .describe(
        'Whether its tokens are good only with the certificate of the connection that they were given to (RFC 8705 §3).',
      ),
    acrValues: z
      .array(z.string().min(1))
      .max(10)
      .default([])
      .describe('What it asks for where a request names no `acr_values`: names of `acr`, or levels.'),
    idTokenAlg: z.enum(['RS256', 'ES256']).default('RS256').describe('How its ID tokens are signed.'),
    accessTokenTTL: duration('1h').describe('How long its access tokens are good, at most as long as the session.'),
    refreshTokenTTL: duration('30d').describe(
      'How long refresh tokens that outlive the session (`offline_access`) go on, from the first one, however often they are used.',
    ),
    introspects: z
      .enum(['own', 'all'])
      .default('own')
      .describe(
        'Which tokens it may ask about: its own, or all of the realm, for a server that serves several clients.',
      ),
    subject: z
      .enum(['public', 'pairwise'])
      .default('public')
      .describe(
        'Whether it knows people by the id that all clients know, or by a name of its own (`pairwiseSalt`), so that clients cannot compare whom they know.',
      ),
    sector: z
      .string()
      .regex(/^[a-z0-9.-]{1,253}(?::\d+)?$/, 'write a host, such as example.com')
      .optional()
      .describe('Clients of one sector know people by one name. The host of `redirectUris` where absent.'),
    disabled: z.boolean().default(false).describe('A disabled client is none.'),
  })
  .superRefine((client, context) => {
    const problem = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
    const { secret, secretHash, jwks, jwksUri, authMethod, redirectUris, grants, type } = client
    const proofs = [secret, secretHash, jwks, jwksUri].filter((each) => each !== undefined).length
    if (proofs > 1) problem('authMethod', 'set one of secret, secretHash, jwks and jwksUri')
    if (proofs === 0 && authMethod !== 'none') {
      problem(
        'authMethod',
        'set secret, secretHash, jwks or jwksUri; or write `authMethod: none` for a program that cannot keep a secret',
      )
    }
    if (proofs > 0 && authMethod === 'none') problem('authMethod', 'a client with a secret or keys has to use them')
    const hasKeys = jwks !== undefined || jwksUri !== undefined
    const byCertificate = authMethod === 'self_signed_tls_client_auth'
    if (hasKeys && authMethod !== undefined && authMethod !== 'private_key_jwt' && !byCertificate) {
      problem('authMethod', 'keys are for private_key_jwt and self_signed_tls_client_auth')
    }
    if (byCertificate && jwks?.keys.every((key) => Array.isArray(key['x5c'])) !== true)
      problem('jwks', 'self_signed_tls_client_auth needs jwks, each key with its certificate (`x5c`)')
    if (proofs > 0 && !hasKeys && authMethod === 'private_key_jwt')
      problem('authMethod', 'private_key_jwt needs jwks or jwksUri')
    if (grants.includes('authorization_code') && redirectUris.length === 0) {
      problem('redirectUris', 'name the address that people come back to')
    }
    if (client.subject === 'pairwise') {
      const hosts = new Set(redirectUris.map((uri) => URL.parse(uri)?.host))
      if (hosts.size !== 1)
        problem('redirectUris', 'with `subject: pairwise` they have one host; write another client for another host')
      if (grants.includes('device_code'))
        problem('subject', 'devices know people by their ids; write `subject: public`')
    }
    if (grants.every((grant) => grant === 'refresh_token')) problem('grants', 'nothing gives it a refresh token')
    redirectUris.forEach((uri, index) => {
      if (type === 'web' && !isWebAddress(uri)) {
        context.addIssue({
          code: 'custom',
          path: ['redirectUris', index],
          message: 'a scheme of its own is for `type: native`',
        })
      }
      if (type === 'web' && uri.startsWith('http:') && !LOOPBACK.test(uri)) {
        context.addIssue({
          code: 'custom',
          path: ['redirectUris', index],
          message: 'codes must not travel in the clear: use https; http is for localhost',
        })
      }
      if (type === 'native' && isWebAddress(uri) && uri.startsWith('http:') && !LOOPBACK.test(uri)) {
        context.addIssue({ code: 'custom', path: ['redirectUris', index], message: 'http is for this very machine' })
      }
    })
  })

const source = z
  .string()
  .regex(
    /^(?:username|userId|groups|attribute:[A-Za-z][\w;-]{0,63})$/,
    'write username, userId, groups or attribute:NAME',
  )

export const STANDARD_CLAIMS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  profile: {
    name: 'attribute:displayName',
    given_name: 'attribute:givenName',
    family_name: 'attribute:sn',
    preferred_username: 'username',
  },
  email: { email: 'attribute:mail' },
  phone: { phone_number: 'attribute:telephoneNumber' },
  groups: { groups: 'groups' },
}

const registrationSchema = z
  .strictObject({
    token: z
      .string()
      .min(32, 'write at least 32 characters; `openssl rand -base64 32` makes a good one')
      .max(512)
      .describe('What a program shows to register a client (`Authorization: Bearer`), usually `${file:…}`.'),
    scopes: z
      .array(scope)
      .default(['openid', 'profile', 'email'])
      .describe('What clients that have registered may ask for at most. What is taken away here they have no more.'),
    most: z.int().min(1).max(1_000).default(100).describe('How many may register.'),
    blocked: z.array(z.string()).max(1_000).default([]).describe('Those that count no more, by their `client_id`.'),
  })
  .optional()
  .describe(
    'Lets programs register clients at `/connect/register` (RFC 7591). People are asked what each may know. Without it nobody can.',
  )

/** realms/…/clients.yaml: who may ask the realm who somebody is. */
export const clientsFileSchema = z
  .strictObject({
    clients: z.array(clientSchema).prefault([]).describe('Applications that sign people in by OpenID Connect.'),
    pairwiseSalt: z
      .string()
      .min(32, 'write at least 32 characters; `openssl rand -base64 32` makes a good one')
      .max(512)
      .optional()
      .describe(
        'What names of clients with `subject: pairwise` are made with, usually `${file:…}`. With another one everybody is somebody else to them: keep it.',
      ),
    registration: registrationSchema,
    claims: z
      .record(z.string().regex(/^[A-Za-z][\w.-]{0,63}$/), z.record(z.string().regex(/^[A-Za-z][\w.-]{0,63}$/), source))
      .default({})
      .describe(
        'What scopes tell, by scope and claim: `username`, `userId`, `groups`, or `attribute:NAME` of the directory. What is not here is as usual: `profile`, `email`, `phone` and `groups`.',
      ),
    acr: z
      .array(
        z.strictObject({
          name: z
            .string()
            .regex(/^[\x21-\x7e]{1,200}$/)
            .describe('What clients ask for in `acr_values`, and read in `acr`.'),
          level: z.int().min(0).max(9_999).describe('The authLevel that it stands for.'),
        }),
      )
      .max(50)
      .default([])
      .describe(
        'Names of levels: `acr` of OpenID Connect, and classes of authentication contexts of SAML. Without one, a level is called by its number.',
      ),
    saml: samlSchema.prefault({}).describe('What the realm is by SAML 2.0; see docs/saml.md.'),
  })
  .refine(
    ({ clients, pairwiseSalt }) => pairwiseSalt !== undefined || clients.every(({ subject }) => subject === 'public'),
    {
      path: ['pairwiseSalt'],
      message: 'clients with `subject: pairwise` need it; `openssl rand -base64 32` makes a good one',
    },
  )

export type ClientsFile = z.infer<typeof clientsFileSchema>
export type OidcClientConfig = ClientsFile['clients'][number]
