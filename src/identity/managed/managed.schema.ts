import { z } from 'zod'

export const managedSchema = z.strictObject({
  type: z
    .literal('managed')
    .describe(
      'Users in the store, sealed: `gatehouse users` adds and changes them, and they change their own passwords.',
    ),
})
