import { z } from 'zod'
import { destination } from './destination.schema.ts'

const urlSchema = z.strictObject({
  path: z
    .string()
    .regex(/^\/[^?#\s]*$/, 'start the path with /, without query or spaces')
    .describe('`/app/logout`: the path, or with a `*` at the end everything below it.'),
  methods: z
    .array(z.string().regex(/^[A-Z]+$/))
    .min(1)
    .default(['GET', 'POST'])
    .describe('With these methods.'),
})

export const applicationLogoutSchema = z
  .strictObject({
    urls: z
      .array(urlSchema)
      .min(1)
      .describe('Where the application signs people out: `[{ path: /app/logout, methods: [POST] }]`.'),
    goto: z
      .union(
        [z.literal('signed-out'), destination],
        'write a path of the site, such as /goodbye, a whole URL of another site here, or signed-out',
      )
      .optional()
      .describe(
        'Where people are sent instead of to the application: a path of the site that needs no session, a URL of another host of the configuration, or `signed-out`, the page of the login host that says so. Where absent, the application gets the request, and ends its own session by it.',
      ),
  })
  .refine(({ urls, goto = '' }) => !urls.some(({ path }) => covers(path, goto)), {
    path: ['goto'],
    message: 'this is one of the addresses that sign out, so nobody would get away from it; name another',
  })
  .optional()
  .describe(
    "Addresses of the application that end the session too, with everything that hangs on it, as `/.gatehouse/logout` does: before the application gets the request, and once. Only what the site's own pages send: whoever comes from elsewhere by a link is asked by the login host first, and forged requests are refused.",
  )

export type ApplicationLogoutConfig = z.infer<typeof applicationLogoutSchema>

function covers(pattern: string, goto: string): boolean {
  const [path = ''] = goto.split('?', 1)
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
}
