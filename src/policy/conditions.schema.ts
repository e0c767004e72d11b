import { z } from 'zod'
import { duration } from '../base/duration.schema.ts'
import { realmName } from '../base/realm-name.schema.ts'
import { addressOrNetwork } from '../http/listener.schema.ts'
import { addressProblem, type AddressConfig } from './client-address.ts'
import { parseLdapFilter } from './ldap-filter.ts'
import { simpleTimeSchema, type SimpleTimeConfig } from './simple-time.schema.ts'
import { TRANSACTION_STRATEGIES, type TransactionStrategy } from './transaction-advice.ts'

export type ConditionConfig =
  | { readonly type: 'AuthLevel'; readonly authLevel: number }
  | { readonly type: 'LEAuthLevel'; readonly authLevel: number }
  | { readonly type: 'AuthScheme'; readonly authScheme: readonly string[] }
  | { readonly type: 'AuthAge'; readonly maxAge: number }
  | { readonly type: 'AuthenticateToService'; readonly authenticateToService: string }
  | { readonly type: 'AuthenticateToRealm'; readonly authenticateToRealm: string }
  | AddressConfig
  | {
      readonly type: 'Environment'
      readonly properties: Readonly<Record<string, readonly string[]>>
      readonly ignoreValueCase: boolean
    }
  | { readonly type: 'LDAPFilter'; readonly ldapFilter: string }
  | { readonly type: 'OAuth2Scope'; readonly requiredScopes: readonly string[] }
  | { readonly type: 'Session'; readonly maxSessionTime: number; readonly terminateSession: boolean }
  | {
      readonly type: 'SessionProperty'
      readonly properties: Readonly<Record<string, readonly string[]>>
      readonly ignoreValueCase: boolean
    }
  | SimpleTimeConfig
  | {
      readonly type: 'Transaction'
      readonly authenticationStrategy: TransactionStrategy
      readonly strategySpecifier: string
    }
  | { readonly type: 'AND' | 'OR'; readonly conditions: readonly ConditionConfig[] }
  | { readonly type: 'NOT'; readonly condition: ConditionConfig }

const names = z.array(z.string().min(1)).min(1)

const transactionSchema = z
  .strictObject({
    type: z.literal('Transaction'),
    authenticationStrategy: z
      .enum(TRANSACTION_STRATEGIES)
      .describe('What an approval takes: a level, a module, or a chain, proved anew each time.'),
    strategySpecifier: z
      .string()
      .regex(/^[\w-]{1,64}$/, 'write a level, or the name of a module or chain')
      .describe('The level, or the name of the module or chain.'),
  })
  .refine(
    ({ authenticationStrategy, strategySpecifier }) =>
      authenticationStrategy !== 'AuthLevel' || /^\d{1,4}$/.test(strategySpecifier),
    { path: ['strategySpecifier'], message: 'a level is a number, 9999 at most' },
  )
  .describe(
    'The person has approved exactly this request (method, address, body) within three minutes, by proving anew who they are; it passes once, and the next one asks again.',
  )

function addressSchema<T extends AddressConfig['type']>(type: T) {
  return z
    .strictObject({
      type: z.literal(type),
      startIp: (type === 'IPv4' ? z.ipv4() : z.ipv6()).optional().describe('First address of a range.'),
      endIp: (type === 'IPv4' ? z.ipv4() : z.ipv6()).optional().describe('Last address of the range.'),
      addresses: z.array(addressOrNetwork).min(1).optional().describe('Addresses and networks, such as `10.0.0.0/8`.'),
      dnsName: z
        .array(z.string().regex(/^[A-Za-z0-9.*-]{1,253}$/, 'write a name such as *.example.com'))
        .min(1)
        .optional()
        .describe(
          'Names of the client, as the caller of the policy REST call gives them (`requestDnsName`). The gateway looks up none, because whoever owns an address names it as they like: there it never holds.',
        ),
    })
    .refine((config) => (config.startIp ?? config.addresses ?? config.dnsName) !== undefined, {
      message: 'write startIp and endIp, addresses, or dnsName',
    })
    .superRefine((config, context) => {
      const problem = addressProblem(config)
      if (problem !== undefined) context.addIssue(problem)
    })
    .describe(
      type === 'IPv4'
        ? 'The client has one of these IPv4 addresses, or one of these names. No login changes that, so there is no advice.'
        : 'The same for IPv6.',
    )
}

function refuseFilter(text: string, context: { addIssue(message: string): void }): void {
  const parsed = parseLdapFilter(text)
  if (parsed.kind === 'problem') context.addIssue(parsed.message)
}

export const conditionSchema: z.ZodType<ConditionConfig> = z.lazy(() =>
  z.discriminatedUnion('type', [
    z
      .strictObject({ type: z.literal('AuthLevel'), authLevel: z.number().int().min(0) })
      .describe('The session has reached at least this level; otherwise the advice asks for it.'),
    z
      .strictObject({ type: z.literal('LEAuthLevel'), authLevel: z.number().int().min(0) })
      .describe('The session has reached this level at most. Nobody can prove less, so there is no advice.'),
    z
      .strictObject({ type: z.literal('AuthScheme'), authScheme: names })
      .describe('The session has passed all of these modules; otherwise the advice asks for them.'),
    z
      .strictObject({ type: z.literal('AuthAge'), maxAge: duration('5m') })
      .describe('The person has proved who they are within this time; otherwise the advice asks them to do so again.'),
    z
      .strictObject({
        type: z.literal('AuthenticateToService'),
        authenticateToService: z.string().regex(/^[a-zA-Z][\w-]{0,63}$/),
      })
      .describe('The session has passed this chain of its realm; otherwise the advice asks for it.'),
    z
      .strictObject({ type: z.literal('AuthenticateToRealm'), authenticateToRealm: realmName })
      .describe('The session is one of this realm. No login at a site of another realm brings that about.'),
    addressSchema('IPv4'),
    addressSchema('IPv6'),
    z
      .strictObject({
        type: z.literal('LDAPFilter'),
        ldapFilter: z
          .string()
          .min(1)
          .superRefine(refuseFilter)
          .describe(
            'RFC 4515, on the attributes that the realm knows about the user, `uid` (the username) and `memberOf` (the groups). Without regard to case.',
          ),
      })
      .describe('The user fits this search filter. No directory is asked; no login changes it, so there is no advice.'),
    z
      .strictObject({ type: z.literal('OAuth2Scope'), requiredScopes: names })
      .describe(
        'The question came with all of these OAuth 2.0 scopes. For callers of the policy REST call (`environment.scope`): a session at a protected site has none.',
      ),
    z
      .strictObject({
        type: z.literal('Session'),
        maxSessionTime: duration('2h').describe('Since the session began; a step-up does not begin it anew.'),
        terminateSession: z
          .boolean()
          .default(false)
          .describe(
            'End the session once it is too old, so that the person signs in anew; otherwise the page is refused.',
          ),
      })
      .describe('The session is not older than this. The advice is `SessionConditionAdvice: deny`.'),
    z
      .strictObject({
        type: z.literal('SessionProperty'),
        properties: z
          .record(z.string().min(1), names)
          .refine((properties) => Object.keys(properties).length > 0, 'name a property'),
        ignoreValueCase: z.boolean().default(true).describe('Compare values without regard to case (of A to Z).'),
      })
      .describe('Each of these properties of the session has one of the values listed for it.'),
    z
      .strictObject({
        type: z.literal('Environment'),
        properties: z
          .record(z.string().min(1), names)
          .refine((properties) => Object.keys(properties).length > 0, 'name a property'),
        ignoreValueCase: z.boolean().default(false).describe('Compare values without regard to case (of A to Z).'),
      })
      .describe(
        "The request says one of the values listed for each of these names, and nothing else under them: headers and cookies that the agent's profile names (`environment`), or what the caller of the policy REST call says. One that is not said is unknown: no allow counts it as held, and a deny does. Whoever sends the request writes it, so ask for nothing else by it alone.",
      ),
    simpleTimeSchema,
    transactionSchema,
    z
      .strictObject({ type: z.literal('AND'), conditions: z.array(conditionSchema).min(1) })
      .describe('All of them hold.'),
    z
      .strictObject({ type: z.literal('OR'), conditions: z.array(conditionSchema).min(1) })
      .describe('Any of them holds.'),
    z.strictObject({ type: z.literal('NOT'), condition: conditionSchema }).describe('It does not hold.'),
  ]),
)
