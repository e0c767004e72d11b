import { z } from 'zod'

export const responseAttributeSchema = z
  .strictObject({
    type: z
      .enum(['User', 'Session', 'Static'])
      .describe('Where the values come from: an attribute of the user, a property of the session, or this file.'),
    propertyName: z.string().min(1).max(128).describe('Name of the attribute in the answer.'),
    propertyValues: z
      .array(z.string())
      .default([])
      .describe(
        '`Static`: the values. Otherwise the one name of the attribute or property that is read; `propertyName` where left out.',
      ),
  })
  .refine(({ type, propertyValues }) => type === 'Static' || propertyValues.length <= 1, {
    path: ['propertyValues'],
    message: 'name one attribute or property to read',
  })
  .refine(({ type, propertyValues }) => type !== 'Static' || propertyValues.length > 0, {
    path: ['propertyValues'],
    message: 'write the values',
  })

export type ResponseAttributeConfig = z.infer<typeof responseAttributeSchema>
