import { z } from 'zod'
import { foldCookie } from './identity-cookies.ts'

const SOURCE = /^(username|userId|realm|groups|authLevel|anonymous|sid|attribute:.+|session:.+|response:.+)$/

const source = z
  .string()
  .regex(
    SOURCE,
    'write username, userId, realm, groups, authLevel, anonymous, sid, attribute:NAME, session:NAME or response:NAME',
  )

/** A token of RFC 9110 §5.6.2 that no application takes for a name with a structure (PHP makes arrays of brackets). */
const cookie = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'use letters, digits, underscores, dots and hyphens')

/** What may stand between values: printable, no part of an encoded value, and nothing that ends a value itself. */
const SEPARATORS = [',', '|', ';', ':', '^', '~', '!', '/'] as const

export type Separator = (typeof SEPARATORS)[number]

/** Cut a cookie in two (RFC 6265 §4.1.1). */
const NOT_IN_COOKIES: ReadonlySet<string> = new Set([',', ';'])

/** Applications that read names loosely would take one for the other. */
function refuseTwins({ cookies }: { readonly cookies: object }, context: z.RefinementCtx): void {
  const seen = new Set<string>()
  for (const name of Object.keys(cookies)) {
    const folded = foldCookie(name)
    if (seen.has(folded))
      context.addIssue({
        code: 'custom',
        path: ['cookies', name],
        message: 'this cookie is there already in another spelling, and some applications read both as one',
      })
    seen.add(folded)
  }
}

export const identitySchema = z
  .strictObject({
    headers: z
      .record(z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'use letters, digits and hyphens'), source)
      .default({ 'X-Remote-User': 'username', 'X-Remote-Groups': 'groups' })
      .describe(
        'Headers for the application and where their values come from: the session (`session:NAME` for its properties), the user (`attribute:NAME`), or the policies that allowed the request (`response:NAME`, a response attribute). Several values stand behind each other with `separator` between them; values beyond ASCII are percent-encoded as UTF-8. Who has no value has no header. `anonymous` is `true` for a session without proof, and no header for others.',
      ),
    cookies: z
      .record(cookie, source)
      .default({})
      .describe(
        "The same as cookies of the request, for applications that read attributes there: `HTTP_MAIL: attribute:mail`. They are between the gateway and the application: no browser sees them, whatever a browser sends under such a name (in any letter case, percent-encoded, as `NAME[x]`) is taken off, and the application cannot set one. What a cookie's value cannot hold is percent-encoded.",
      ),
    separator: z
      .enum(SEPARATORS)
      .optional()
      .describe(
        'Between several values of a header or a cookie; inside of a value it is percent-encoded, so that one value never reads as two. `,` in headers and `|` in cookies where absent.',
      ),
    assertion: z
      .boolean()
      .default(true)
      .describe('Send `X-Gatehouse-Assertion`, a JWT of one minute for this application alone.'),
    requestToken: z
      .boolean()
      .default(false)
      .describe(
        'Leave the token in the request that an authentication policy demands with every request (`everyRequest`): for an application that checks it itself, and that may then be its user wherever else it is taken.',
      ),
    headerBudget: z
      .number()
      .int()
      .min(256)
      .max(65_536)
      .default(8_192)
      .describe(
        'Most bytes that identity headers and cookies may take; values of lists that do not fit are left out and the log says so.',
      ),
  })
  .superRefine(refuseTwins)
  .refine(({ cookies, separator = '|' }) => Object.keys(cookies).length === 0 || !NOT_IN_COOKIES.has(separator), {
    path: ['separator'],
    message: 'this would cut a cookie in two; write |, or another that is not , or ;',
  })
  .prefault({})
  .describe('What the application learns about the user.')
