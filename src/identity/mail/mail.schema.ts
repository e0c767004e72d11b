import { z } from 'zod'
import { duration } from '../../base/duration.schema.ts'
import { pemCertificates } from '../../base/pem.schema.ts'

/** One address (RFC 5321 §4.1.2) without the forms that nobody has: quotes, comments, literals. Nothing in it ends a header. */
export const MAIL_ADDRESS = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,188}[A-Za-z0-9])?$/

const address = z.string().regex(MAIL_ADDRESS, 'write one mail address: name@example.com')

export const mailSchema = z
  .strictObject({
    host: z.string().min(1).max(253).describe('Name or address of the mail server (SMTP, RFC 5321).'),
    port: z.number().int().min(1).max(65_535).default(587).describe('587 for submission, 465 with `tls: implicit`.'),
    tls: z
      .enum(['starttls', 'implicit', 'none'])
      .default('starttls')
      .describe(
        '`starttls`: the connection is encrypted before anything is sent, or nothing is (RFC 3207). `implicit`: from the first byte (RFC 8314). `none`: codes and passwords cross the network as they are; for a server on this machine.',
      ),
    ca: pemCertificates
      .optional()
      .describe("PEM certificates to trust instead of the system's, usually `${file:…}`: for a server of your own."),
    user: z.string().min(1).max(256).optional().describe('Name to sign in with at the mail server.'),
    password: z
      .string()
      .min(1)
      .max(1_024)
      .optional()
      .describe('Password to sign in with, only through `${env:NAME}` or `${file:PATH}`.'),
    from: address.describe('Address that mails come from.'),
    name: z
      .string()
      .min(1)
      .max(64)
      .regex(/^\P{C}+$/u, 'write it without control characters')
      .optional()
      .describe("Name beside that address; the realm's title where absent."),
    timeout: duration('10s').describe('How long sending one mail may take before the person is told that it failed.'),
    connections: z.number().int().min(1).max(20).default(3).describe('Connections to the mail server at once.'),
    queue: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(200)
      .describe('Mails that are being sent or wait at once, in each process. Further ones fail at once.'),
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), {
    error: '`user` and `password` go together',
    path: ['user'],
  })

export type MailConfig = z.infer<typeof mailSchema>

export const smsSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .refine(isPrivateOnTheWay, 'use https: codes and telephone numbers are sent there')
    .describe('Where to POST `{"to", "text"}` as JSON; your service passes it on. Redirects are not followed.'),
  secret: z
    .string()
    .min(32, 'use at least 32 characters')
    .describe(
      'Signs each call: `X-Gatehouse-Signature: sha256=` and the HMAC-SHA-256, in hex, of `X-Gatehouse-Timestamp`, a full stop and the body. Only through `${env:NAME}` or `${file:PATH}`.',
    ),
  timeout: duration('5s').describe('How long a call may take before the person is told that it failed.'),
  queue: z.number().int().min(1).max(1_000).default(50).describe('Calls at once, in each process. Further ones fail.'),
})

export type SmsConfig = z.infer<typeof smsSchema>

function isPrivateOnTheWay(text: string): boolean {
  const url = URL.parse(text)
  const isHere = url !== null && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)
  return url?.protocol === 'https:' || isHere
}
