import { z } from 'zod'
import { clientKeyFields } from './client-key.schema.ts'
import { duration } from '../../base/duration.schema.ts'
import { accountFields, isSomebody, NOBODY } from '../account-rules.schema.ts'

/** Signatures by public keys alone: with a secret, whoever can check a token can make one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const

export const safeUrl = z
  .url({ protocol: /^https?$/ })
  .refine(isSafe, 'write an https address; http is for this machine only')

export const openIdProviderSchema = z
  .strictObject({
    type: z.literal('oidc').optional().describe('An OpenID provider, as where no type is said.'),
    issuer: safeUrl.describe(
      'Its issuer, exactly as it writes it. Everything else is read from `/.well-known/openid-configuration` below it, unless `endpoints` say it.',
    ),
    endpoints: z
      .strictObject({
        authorization: safeUrl.describe('Where people sign in.'),
        token: safeUrl.describe('Where codes are redeemed.'),
        jwks: safeUrl.describe('Its keys (RFC 7517).'),
        userinfo: safeUrl.optional().describe('Where its claims are asked for.'),
        endSession: safeUrl.optional().describe('Where people sign out.'),
        revocation: safeUrl.optional().describe('Where tokens are taken back (RFC 7009).'),
        issuerInResponse: z
          .boolean()
          .default(false)
          .describe('Whether its answers name their issuer (RFC 9207); then one without it is refused.'),
      })
      .optional()
      .describe('For a provider without discovery.'),
    clientId: z.string().min(1).max(512).describe('What it calls this gateway.'),
    clientSecret: z
      .string()
      .min(16)
      .optional()
      .describe('The secret that it gave out: `${env:NAME}` or `${file:PATH}`. Either this or `clientKey`.'),
    ...clientKeyFields,
    secretIn: z
      .enum(['basic', 'post'])
      .default('basic')
      .describe('Whether the secret goes into a header (`client_secret_basic`) or the form (`client_secret_post`).'),
    scopes: z
      .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/))
      .max(32)
      .prefault(['openid', 'profile', 'email'])
      .refine((scopes) => scopes.includes('openid'), 'openid has to be among them')
      .describe('What it is asked for. `offline_access` is what most need for a refresh token.'),
    algorithm: z.enum(ALGORITHMS).default('RS256').describe('The `alg` of its tokens; any other is refused.'),
    userinfo: z
      .boolean()
      .default(false)
      .describe('Whether claims are asked for at its userinfo endpoint besides those of the ID token.'),
    hosts: z
      .array(z.string().regex(/^[a-z0-9.-]{1,253}$/))
      .max(16)
      .prefault([])
      .describe(
        'Hosts besides the issuer’s that its endpoints may have inside this network. Everywhere else they have to be on the internet.',
      ),
    ...accountFields,
    sessionEnds: z
      .enum(['own', 'idToken'])
      .default('own')
      .describe(
        '`own`: sessions live as the realm says. `idToken`: no longer than the ID token that they began with, either.',
      ),
    keepTokens: z
      .boolean()
      .default(false)
      .describe(
        'Keeps its tokens, sealed, and refreshes them while the session is used. When it says that the grant is over (`invalid_grant`) the session ends. When the session ends here, they are taken back there, where it has a `revocation_endpoint`.',
      ),
    logout: z
      .boolean()
      .default(true)
      .describe('Whether signing out here leads to its logout, where it has one (OpenID Connect RP-Initiated Logout).'),
    timeout: duration('5s').describe('Longest wait for an answer of it.'),
    clockTolerance: duration('5s')
      .refine((ms) => ms <= 300_000, 'five minutes at most')
      .describe('How far its clock may be off, five minutes at most.'),
  })
  .refine(
    ({ clientSecret, clientKey }) => (clientSecret === undefined) !== (clientKey === undefined),
    'give either its `clientSecret` or a `clientKey`',
  )
  .refine(isSomebody, NOBODY)

/** What anybody on the way can read or change is nobody's. */
function isSafe(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  // RFC 6761 §6.3: names below localhost are this machine, too.
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname) || hostname.endsWith('.localhost')
  return protocol === 'https:' || isHere
}

export type ProviderConfig = z.infer<typeof openIdProviderSchema>
