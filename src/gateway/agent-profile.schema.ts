import { z } from 'zod'
import type { AgentId } from '../base/brand.ts'
import { duration } from '../base/duration.schema.ts'
import { isPair, pemCertificates, pemKey } from '../base/pem.schema.ts'
import { realmName } from '../base/realm-name.schema.ts'
import { addressOrNetwork } from '../http/listener.schema.ts'
import { agentClientSchema } from './agent-client.schema.ts'
import { agentCookieSchema } from './agent-cookie.schema.ts'
import { applicationLogoutSchema } from './application-logout.schema.ts'
import { cookieResetSchema } from './cookie-reset.schema.ts'
import { environmentSchema } from './environment.schema.ts'
import { identitySchema } from './identity.schema.ts'
import { loginRulesSchema } from './login-rules.schema.ts'
import { openAmAgentSchema } from './openam-agent.schema.ts'
import { ownAnswersSchema } from './own-answers.schema.ts'

const ORIGIN = /^https?:\/\/[^/?#@\\\s]+\/?$/i

/** The host of an origin as browsers compare it: no wildcard, no trailing dot, both of which would be another host to them. */
function isOrigin(text: string): boolean {
  const host = ORIGIN.test(text) ? URL.parse(text)?.hostname : undefined
  return host !== undefined && !host.includes('*') && !host.endsWith('.')
}

/** An origin: scheme, host and optional port; no path, query, fragment or user. Read in canonical form, without a slash at the end. */
export const origin = z
  .string()
  .refine(isOrigin, 'write scheme, host and port only, such as https://app.example.com')
  .transform((text) => URL.parse(text)?.origin ?? text)

const server = z.union(
  [origin, z.string().regex(/^unix:\/.+$/)],
  'write http://host:port, https://host:port or unix:/path/to/socket',
)

const path = z.string().regex(/^\/[^?#\s]*$/, 'start the path with /, without query or spaces')

/** Without one of these the answer would be another one: it would end elsewhere, decode otherwise, be no tunnel, or be stored. */
const NOT_REMOVABLE =
  /^(?:content-(?:length|encoding|type)|transfer-encoding|connection|upgrade|sec-websocket-.*|cache-control|vary|location)$/i

const upstreamSchema = z.strictObject({
  servers: z
    .array(server)
    .min(1)
    .describe(
      'Servers that run the application: `http://host:port`, `https://host:port` or `unix:/path`. Requests go to the healthy ones in turn.',
    ),
  hostHeader: z
    .enum(['site', 'upstream'])
    .default('site')
    .describe("Host that the application sees: the site's own or the server's."),
  connections: z.number().int().min(1).max(10_000).default(128).describe('Most connections to one server.'),
  connectTimeout: duration('5s').describe('How long connecting may take.'),
  responseTimeout: duration('60s').describe('How long the application may take until its response starts.'),
  idleTimeout: duration('5m').describe('How long a body, a stream or a WebSocket may be silent in both directions.'),
  minBodyRate: z
    .number()
    .int()
    .min(0)
    .max(1_073_741_824)
    .default(1_024)
    .describe(
      'Least bytes a second, on average, that a client must send of a request body once 30 seconds have gone by; a slower one is answered with 408 or cut off. Time in which the application does not read is not counted. 0 asks for none: for applications with uploads that trickle on purpose.',
    ),
  tls: z
    .strictObject({
      ca: pemCertificates.optional().describe("PEM authorities to trust instead of the system's."),
      cert: pemCertificates.optional().describe('PEM client certificate.'),
      key: pemKey.optional().describe('PEM key of the client certificate.'),
      serverName: z
        .string()
        .optional()
        .describe("Name to ask for and to check, when it differs from the server's host."),
    })
    .refine(
      ({ cert, key }) => (cert === undefined) === (key === undefined),
      'a client certificate needs both cert and key',
    )
    .refine(({ cert = '', key = '' }) => isPair({ cert, key }), 'the key is not the one of the certificate')
    .optional()
    .describe('How to speak https to the servers.'),
  healthCheck: z
    .strictObject({
      path: path.describe('Requested with GET; any 2xx or 3xx answer is healthy.'),
      interval: duration('5s').describe('Time between two requests.'),
      timeout: duration('2s').describe('How long the answer may take.'),
    })
    .optional()
    .describe(
      'Ask each server regularly; without it a server counts as unhealthy for a moment after connecting to it failed.',
    ),
})

export type UpstreamConfig = z.infer<typeof upstreamSchema>

const notEnforcedSchema = z.strictObject({
  path: path.describe('`/public/*`: the path, or with a `*` at the end everything below it.'),
  methods: z
    .array(z.string().regex(/^[A-Z]+$/))
    .min(1)
    .optional()
    .describe('Only for these methods; all of them where absent.'),
  addresses: z
    .array(addressOrNetwork)
    .min(1)
    .optional()
    .describe('Only for clients from these addresses or networks; everyone where absent.'),
})

export type NotEnforcedConfig = z.infer<typeof notEnforcedSchema>

export const agentProfileSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'use lower-case letters, digits and hyphens')
    .transform((text) => text as AgentId)
    .optional()
    .describe("Name of the agent; the file's name where absent."),
  title: z.string().min(1).max(60).optional().describe('Name of the application on login pages; the id where absent.'),
  url: origin.describe(
    'Where people reach the site: scheme, host and port as browsers see them. Everything absolute is built from it, nothing from the Host header.',
  ),
  aliases: z.array(origin).prefault([]).describe('Other origins of the site; they redirect to `url`.'),
  realm: realmName.describe('The realm whose sessions open the site.'),
  upstream: upstreamSchema
    .optional()
    .describe("The application behind it. Absent only where an agent of OpenAM's protects the site (`openam`)."),
  openam: openAmAgentSchema,
  notEnforced: z
    .array(notEnforcedSchema)
    .default([])
    .describe('What needs no session at all. Identity headers are scrubbed there too.'),
  sso: z
    .enum(['handshake', 'oidc', 'saml'])
    .default('handshake')
    .describe(
      'How a login comes to the site. `handshake`: by a code of our own. `oidc`: by OpenID Connect, as a client of its realm’s provider that needs no entry in clients.yaml: the authorization code flow with PKCE, the same for the person. `saml`: by SAML 2.0, as a service provider of its realm’s identity provider, by this profile as well.',
    ),
  client: agentClientSchema,
  callsLoginHost: z
    .boolean()
    .default(false)
    .describe(
      "Script in the site's own pages (of exactly the origin of `url`) may call `/json` on the login host with the login of its browser: sign in, look at the session, prove more, sign out, as ForgeRock's SDK for JavaScript does (CORS with credentials). It sees no token, and no session of another realm. Whoever plants script in the site can do so, too. The site has to be under the same domain as the login host, or browsers send no cookies.",
    ),
  ssoOnly: z.boolean().default(false).describe('A session is enough; no policy is asked.'),
  policySet: z.string().min(1).default('iPlanetAMWebAgentService').describe('The policies that are asked.'),
  allowedMethods: z
    .array(z.string().regex(/^[A-Z]+$/))
    .min(1)
    .default(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    .describe('Other methods are answered with 405. TRACE, TRACK and CONNECT never pass.'),
  cookie: agentCookieSchema,
  identity: identitySchema,
  clientAddressHeader: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'use letters, digits and hyphens')
    .optional()
    .describe(
      'A header that tells the application the address of the client, as `trustedProxies` lets the gateway know it: `X-Real-IP`. Always there, one address, and never what a client says. `X-Forwarded-For` and `Forwarded` are sent anyway.',
    ),
  loginRules: loginRulesSchema,
  logout: applicationLogoutSchema,
  cookieReset: cookieResetSchema,
  environment: environmentSchema,
  answers: ownAnswersSchema,
  responses: z
    .strictObject({
      caching: z
        .enum(['protect', 'upstream'])
        .default('protect')
        .describe(
          "`protect`: what needed a session is never stored by shared caches, and pages not by the browser; `upstream`: leave the application's headers alone.",
        ),
      rewriteLocation: z
        .boolean()
        .default(true)
        .describe("Turn redirects to the server's own origin into redirects to the site."),
      cookieDomain: z
        .enum(['keep', 'remove'])
        .default('keep')
        .describe("`remove` makes the application's cookies host-only."),
      remove: z
        .array(
          z
            .string()
            .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'use letters, digits and hyphens')
            .refine(
              (name) => !NOT_REMOVABLE.test(name),
              'this header frames the message or decides who may store it, so it stays',
            ),
        )
        .default([])
        .describe(
          'Headers of the application that nobody is to see, in any letter case: `[Server, X-Powered-By]` tell an attacker what to try.',
        ),
    })
    .prefault({})
    .describe("What is changed in the application's responses."),
  websocket: z
    .strictObject({
      origins: z.array(origin).prefault([]).describe("Origins besides the site's own that may open a WebSocket."),
      maxPerSession: z
        .number()
        .int()
        .min(1)
        .default(64)
        .describe('Most WebSockets one session may hold open at the site.'),
      maxPerAddress: z
        .number()
        .int()
        .min(1)
        .default(256)
        .describe(
          'Most WebSockets one client address (an IPv6 /64) may hold open at the site without a session, on paths that are not enforced.',
        ),
    })
    .prefault({})
    .describe('WebSockets.'),
  forms: z
    .strictObject({
      maxBytes: z
        .number()
        .int()
        .min(0)
        .max(10_485_760)
        .default(1_048_576)
        .describe(
          'Largest form, files included, that is kept when its sender has to sign in first, to be sent with one click afterwards. 0 keeps none.',
        ),
      keep: duration('10m')
        .refine((ms) => ms >= 1_000 && ms <= 86_400_000, 'write between 1s and 1d')
        .describe('How long it is kept.'),
    })
    .prefault({})
    .describe(
      'Forms that meet an expired session or a step-up. Only those of pages of the site itself are kept, encrypted, for the same person in the same browser.',
    ),
  encodedPaths: z
    .array(
      z.strictObject({
        prefix: path.describe('Path prefix, ending with /.'),
        allow: z
          .array(z.enum(['encoded-slash', 'empty-segment']))
          .min(1)
          .describe('`encoded-slash`: %2F in a segment; `empty-segment`: // in the path.'),
      }),
    )
    .default([])
    .describe(
      'Paths below which URLs that are ambiguous elsewhere are accepted, for applications that use them. Every plausible reading must then be allowed.',
    ),
})

export type AgentProfileConfig = z.infer<typeof agentProfileSchema> & { readonly id: AgentId }

/** A site that the gateway itself stands in front of. */
export type SiteConfig = AgentProfileConfig & { readonly upstream: UpstreamConfig }

export function isSite(profile: AgentProfileConfig): profile is SiteConfig {
  return profile.upstream !== undefined
}
