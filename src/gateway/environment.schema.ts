import { z } from 'zod'

/** What OpenAM's clients say under these names, the gateway knows itself. */
const TAKEN: ReadonlySet<string> = new Set(['requestip', 'ip', 'requestdnsname', 'requesttime', 'scope', 'txid'])

const key = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9._-]{0,63}$/, 'use letters, digits, dots, underscores and hyphens')
  .refine((name) => !TAKEN.has(name.toLowerCase()), 'this name means something else already; choose another')

/** They say who somebody is, or open something; what policies were asked about stands in logs and explanations. */
const SECRET_HEADERS = /^(?:authorization|proxy-authorization|cookie|x-gatehouse-.*)$/i

const headerName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'use letters, digits and hyphens')
  .refine(
    (name) => !SECRET_HEADERS.test(name),
    'this header says who somebody is, which is no matter of the environment',
  )

const cookieName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'this is no name of a cookie (RFC 6265)')

export const environmentSchema = z
  .strictObject({
    headers: z
      .record(headerName, key)
      .default({})
      .describe('Header to name in the environment: `{ X-Device-Id: deviceId }`.'),
    cookies: z
      .record(cookieName, key)
      .default({})
      .describe('Cookie to name in the environment: `{ device: deviceId }`.'),
  })
  .prefault({})
  .describe(
    'Headers and cookies of each request that policies may ask about (condition `Environment`), so that a session is no longer good once they change. Whoever sends a request writes them: they are no proof of anything, and who somebody is never comes from them. One that is not there, is longer than 1,024 characters, or is a cookie with two values, is unknown.',
  )

export type EnvironmentConfig = z.infer<typeof environmentSchema>
