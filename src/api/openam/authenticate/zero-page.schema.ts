import { z } from 'zod'

const referer = z
  .string()
  .refine(
    (text) => URL.parse(text)?.origin === text,
    'write scheme, host and port only, such as https://app.example.com',
  )

/** Logins with name and password in the headers of one call. */
export const zeroPageSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        'Whether programs may sign in at `/json/authenticate` with `X-OpenAM-Username` and `X-OpenAM-Password`, in one call. Where it is off these headers are not looked at, and the callbacks are sent as ever.',
      ),
    referers: z
      .array(referer)
      .max(100)
      .default([])
      .describe('Origins that `Referer` may name in such a call; with any other the headers are not looked at.'),
    allowedWithoutReferer: z
      .boolean()
      .default(true)
      .describe('Whether calls without `Referer` may: programs send none.'),
  })
  .prefault({})

export type ZeroPageRules = z.infer<typeof zeroPageSchema>
