import { z } from 'zod'
import { duration } from '../base/duration.schema.ts'
import { realmName } from '../base/realm-name.schema.ts'
import { keysSchema } from '../crypto/keys.schema.ts'
import { mailSchema, smsSchema } from '../identity/mail/mail.schema.ts'
import { origin } from '../gateway/agent-profile.schema.ts'
import { forwardAuthSchema } from '../gateway/forward-auth/forward-auth.schema.ts'
import { clientCertificateHeaderSchema, listenerSchema, trustedProxiesSchema } from '../http/listener.schema.ts'
import { storeSchema } from '../store/store.schema.ts'
import { telemetrySchema } from '../telemetry/telemetry.schema.ts'

/** Random keys have about 31 different characters of 43; what was typed in to get going has few. */
function looksRandom(key: string): boolean {
  return new Set(key).size >= 12
}

const masterKey = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'run `gatehouse init`, which makes a master key')
  .refine(looksRandom, 'this is no random key: run `gatehouse init`, which makes one')

function entries(standard: number): z.ZodDefault<z.ZodNumber> {
  return z.number().int().min(16).max(10_000_000).default(standard)
}

/** The bound of every cache on a request's way, in entries. */
const cachesSchema = z
  .strictObject({
    sessions: entries(50_000).describe(
      'Tokens of running sessions; about 1 KB each. A session that does not fit is read from the store at each request.',
    ),
    identities: entries(20_000).describe(
      'Sessions whose identity headers and assertion are held, for each site; about 2 KB each.',
    ),
    cookies: entries(4_000).describe('Cookie headers of up to 1 KB, for each site.'),
    names: entries(2_000).describe('Header names and hosts that were judged already, for each site.'),
    decisions: entries(20_000).describe(
      'Decisions of policies, for each site; about 400 bytes each. One is forgotten with its session, its user or the policies, and when its time is over.',
    ),
  })
  .prefault({})

/** agent-config/gatehouse.yaml: what the process is. */
export const gatehouseSchema = z.strictObject({
  listeners: z
    .array(listenerSchema)
    .min(1)
    .describe('Where to listen. All sites and the login host are served on each.'),
  login: z
    .strictObject({
      url: origin.describe('Where people reach the login host: scheme, host and port, no path.'),
      cookieName: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,64}$/)
        .default('SSOTokenID')
        .describe(
          'Name of the SSO cookie; over https `__Host-` is put before it. OpenAM has `iPlanetDirectoryPro`, Oracle `OAM_ID`.',
        ),
      cookiePersistent: z
        .boolean()
        .default(false)
        .describe(
          "Keep the SSO cookie when the browser closes: until the session's maximum life is over, whatever its idle time says. Not for computers that people share.",
        ),
      tokenInBody: z
        .boolean()
        .default(false)
        .describe(
          'Whether programs that sign in at `/json/authenticate` get their token in the body of the answer as well, as `tokenId`; the SSO cookie is set in any case. Agents and tools of OpenAM read it there. Pages never get it: script that somebody planted would read it, too.',
        ),
      tokensInAddresses: z
        .boolean()
        .default(true)
        .describe(
          'Whether programs may put a token into the address of a REST call, as OpenIG and older agents of OpenAM do. Addresses end up in the logs of every proxy on the way, so switch it off when no such program is in use.',
        ),
    })
    .describe('The login host.'),
  siteId: z
    .string()
    .regex(/^\d{2}$/, 'write two digits')
    .default('01')
    .describe('Id of this deployment in every token.'),
  serverId: z
    .string()
    .regex(/^\d{2}$/, 'write two digits')
    .default('01')
    .describe('Id of this server in every token it issues.'),
  store: storeSchema.describe('The core token store.'),
  workers: z
    .number()
    .int()
    .min(1)
    .max(128)
    .default(1)
    .describe('Processes that share the listeners: as many as cores, at most. Each has caches of its own.'),
  trustedProxies: trustedProxiesSchema,
  clientCertificateHeader: clientCertificateHeaderSchema,
  forwardAuth: forwardAuthSchema
    .optional()
    .describe(
      'A listener at which nginx, Traefik, Caddy, Envoy and HAProxy ask about the requests that they forward themselves; see docs/forward-auth.md. Without it nobody can ask.',
    ),
  secrets: z
    .strictObject({
      masterKey: masterKey.describe(
        'Seals the key ring in the store: 32 random bytes in base64url, usually `${file:…}`.',
      ),
      previousMasterKeys: z
        .array(masterKey)
        .max(8)
        .default([])
        .describe('Master keys of before: what they sealed is opened, and sealed with `masterKey` at the next start.'),
    })
    .describe('Secrets; only through `${env:NAME}` and `${file:PATH}`.'),
  keys: keysSchema.describe('When the keys that sign and seal are replaced. `gatehouse keys` lists and replaces them.'),
  shutdown: z
    .strictObject({
      delay: duration('0s').describe(
        'How long `/readyz` says no before the listeners close, so that balancers have stopped sending by then.',
      ),
      drain: duration('25s').describe('How long requests may take to finish once the listeners are closed.'),
    })
    .prefault({})
    .describe('What happens on SIGTERM.'),
  dialects: z
    .strictObject({
      realm: realmName
        .optional()
        .describe(
          'The realm whose people get tokens at `/api/v1/auth/login`, and API sessions as Ziti has them under `/edge`. Without it those addresses are not there.',
        ),
      ziti: z
        .boolean()
        .default(true)
        .describe(
          "Whether the addresses of OpenZiti's edge APIs are there: `/edge/client/v1` and `/edge/management/v1`.",
        ),
    })
    .prefault({})
    .describe('For programs that speak to another product: addresses in which no realm is named.'),
  caches: cachesSchema.describe('How much the process remembers. What does not fit is worked out again.'),
  mail: mailSchema
    .optional()
    .describe('The mail server for codes and for notices to people about their accounts. Changes take a restart.'),
  sms: smsSchema.optional().describe('Your service that sends text messages. Changes take a restart.'),
  telemetry: telemetrySchema.describe('Logs and audit.'),
})

export type GatehouseConfig = z.infer<typeof gatehouseSchema>
