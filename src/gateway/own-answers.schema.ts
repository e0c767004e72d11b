import { z } from 'zod'
import { destination } from './destination.schema.ts'
import { templateProblem } from './page-template.ts'

/** What the gateway says by itself at a site; 401 is not among them, since those pages carry the way to the login. */
const STATUSES = ['400', '403', '404', '405', '408', '411', '413', '429', '500', '502', '503', '504'] as const

/** Others mean something to browsers and proxies besides (RFC 9110 §15.5, RFC 8470 §5.2); a 2xx would be an allow to a proxy that asks. */
const NOT_FOR_JSON: ReadonlySet<number> = new Set([407, 408, 421, 425, 426])

const page = z
  .string()
  .max(65_536, 'a page may have 64 KiB')
  .superRefine((text, context) => {
    const problem = templateProblem(text)
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })

const header = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'use letters, digits and hyphens')

export const ownAnswersSchema = z
  .strictObject({
    pages: z
      .partialRecord(z.enum(STATUSES), page)
      .default({})
      .describe(
        "HTML instead of our pages, by status: `{ '403': '${file:pages/denied.html}' }`, 64 KiB at most. `{{requestId}}`, `{{status}}`, `{{message}}`, `{{site}}`, `{{username}}` and `{{logoutUrl}}` are filled in, escaped. It has our security headers: no script, nothing from other hosts; styles in one `style` element, pictures of the site or as `data:`. Who administers the realm sees our own page with the reasons for a refusal.",
      ),
    accessDenied: destination
      .optional()
      .describe(
        'Where people are sent whom policy refuses, instead of a page with 403: a path of the site, or a URL of another host of the configuration. `denied=ID` is added to its query, the id of the request, which leads to the reason in the audit log. Where that address is refused as well, they get the page.',
      ),
    json: z
      .strictObject({
        paths: z
          .array(z.string().regex(/^\/[^?#\s]*$/, 'start the path with /, without query or spaces'))
          .default([])
          .describe('`/api/*`: the path, or with a `*` at the end everything below it.'),
        invert: z.boolean().default(false).describe('All paths but those.'),
        headers: z
          .record(header, z.string().min(1))
          .default({})
          .describe('And requests with one of these headers: `{ X-Requested-With: XMLHttpRequest }`.'),
        status: z
          .number()
          .int()
          .min(400)
          .max(499)
          .refine((status) => !NOT_FOR_JSON.has(status), 'this status means something else to browsers and proxies')
          .optional()
          .describe('The status instead of 401 and 403.'),
      })
      .refine(({ paths, headers }) => paths.length > 0 || Object.keys(headers).length > 0, 'write paths or headers')
      .optional()
      .describe(
        'Where a login that is missing, and a refusal, is told as JSON and never by a redirect or a page, for clients that do not show what they are. Requests of scripts get JSON anyway.',
      ),
  })
  .prefault({})
  .describe('What the gateway answers by itself at this site.')

export type OwnAnswersConfig = z.infer<typeof ownAnswersSchema>
