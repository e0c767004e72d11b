import { z } from 'zod'

const resetSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'this is no name of a cookie (RFC 6265)')
      .describe('Its name: `JSESSIONID`.'),
    domain: z
      .string()
      .regex(
        /^[a-z0-9-]+(\.[a-z0-9-]+)*$/,
        'write a domain such as acme.example, in lower case, without dots at its ends',
      )
      .optional()
      .describe("The domain that it was set for; the site's host alone where absent."),
    path: z
      .string()
      .regex(/^\/[\x21-\x3a\x3c-\x7e]*$/, 'start the path with /, without spaces or ;')
      .default('/')
      .describe('The path that it was set for.'),
  })
  .refine(({ name, domain, path }) => !/^__host-/i.test(name) || (domain === undefined && path === '/'), {
    message: 'a cookie with __Host- has no domain, and the path / (RFC 6265bis)',
  })

export type CookieResetConfig = z.infer<typeof resetSchema>

const resets = z.array(resetSchema).max(32).default([])

export const cookieResetSchema = z
  .strictObject({
    login: resets.describe(
      'When somebody without a session is sent to the login, and when they come back from it as somebody else than before. For a form of another site only then: browsers leave cookies out of it, and whoever sent it may be signed in.',
    ),
    logout: resets.describe('When somebody signs out at this site: by `/.gatehouse/logout` or an address in `logout`.'),
  })
  .prefault({})
  .describe(
    "Cookies of the application that browsers are told to forget, so that nobody goes on in the application session of somebody else: `{ login: [{ name: JSESSIONID, path: /app }] }`. A browser forgets only a cookie of the very domain and path. The gateway's own cookies cannot be named.",
  )
