import { z } from 'zod'
import { duration } from '../base/duration.schema.ts'
import { anonymousSchema } from './modules/anonymous.schema.ts'
import { deviceSchema } from './modules/device.schema.ts'
import { oidcSchema } from './modules/oidc.schema.ts'
import { passwordSchema } from './modules/password.schema.ts'
import { emailSchema, smsSchema } from './modules/message-code.schema.ts'
import { recoverySchema } from './modules/recovery.schema.ts'
import { samlSchema } from './modules/saml.schema.ts'
import { totpSchema } from './modules/totp.schema.ts'
import { trustedSchema } from './modules/trusted.schema.ts'
import { externalJwtSchema } from './modules/external-jwt.schema.ts'
import { webauthnSchema } from './modules/webauthn/webauthn.schema.ts'
import { x509Schema } from './modules/x509/x509.schema.ts'
import { authPoliciesSchema } from './policies.schema.ts'

const moduleSchema = z.discriminatedUnion('type', [
  passwordSchema,
  totpSchema,
  x509Schema,
  externalJwtSchema,
  oidcSchema,
  samlSchema,
  recoverySchema,
  emailSchema,
  smsSchema,
  webauthnSchema,
  deviceSchema,
  anonymousSchema,
  trustedSchema,
])

export type ModuleConfig = z.infer<typeof moduleSchema>

export const CRITERIA = ['REQUIRED', 'REQUISITE', 'SUFFICIENT', 'OPTIONAL'] as const

export const authnSchema = z
  .strictObject({
    modules: z
      .record(z.string().regex(/^[a-zA-Z][\w-]{0,63}$/), moduleSchema)
      .prefault({ password: { type: 'password' } })
      .describe('Ways to prove identity, by name.'),
    chains: z
      .record(
        z.string().regex(/^[a-zA-Z][\w-]{0,63}$/),
        z
          .array(
            z.strictObject({
              module: z.string().describe('Name of a module above.'),
              or: z
                .array(z.string())
                .max(12)
                .optional()
                .describe('Modules that do as well: the person uses one that they have set up, and may choose.'),
              criteria: z
                .enum(CRITERIA)
                .describe(
                  'REQUIRED: must pass, go on. REQUISITE: must pass, stop if not. SUFFICIENT: stop if passed. OPTIONAL: go on.',
                ),
            }),
          )
          .min(1)
          // What a chain guarantees is worked out along every way through it: twice as many with each entry.
          .max(12),
      )
      .prefault({ default: [{ module: 'password', criteria: 'REQUIRED' }] })
      .describe('Ordered lists of modules, by name.'),
    defaultChain: z
      .string()
      .default('default')
      .describe(
        'The chain that is used when nothing asks for another. No minimum: a browser may ask for any of the chains.',
      ),
    policies: authPoliciesSchema,
    enrolWithin: duration('5m').describe(
      'A login that demands a factor nobody has set up yet offers to set up the first one, this long after a password at most; later the password is asked again.',
    ),
    journeyTimeout: duration('5m').describe('A login that takes longer starts again.'),
    throttle: z
      .strictObject({
        freeFailures: z.number().int().min(1).default(5).describe('Failures of one account that cost no delay.'),
        maxDelay: duration('5m').describe(
          'Longest delay between tries for one account from one network; it doubles from 1 s with each further failure. At a second factor it is twelve times as long.',
        ),
        networkFailures: z
          .number()
          .int()
          .min(10)
          .default(100)
          .describe('Failures from one network (IPv4 address, IPv6 /64) in the window before it has to wait.'),
        window: duration('15m').describe(
          'Failures are forgotten after this long without another; those at a second factor after a day at least.',
        ),
      })
      .prefault({})
      .describe('Slows guessing without letting a stranger lock anybody out.'),
  })
  .prefault({})

export type AuthnConfig = z.infer<typeof authnSchema>
