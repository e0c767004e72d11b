import { z } from 'zod'

const authLevel = z.number().int().min(0).default(2).describe('Level that a session reaches by it.')

const sends = z
  .number()
  .int()
  .min(1)
  .max(50)
  .default(5)
  .describe('Codes that one account may be sent in a quarter of an hour; one mail address or telephone, twice as many.')

const attribute = (standard: string) =>
  z.string().min(1).max(128).default(standard).describe('Attribute of the user that says where to; its first value.')

export const emailSchema = z.strictObject({
  type: z
    .literal('email')
    .describe(
      'A code of eight digits, sent by mail, as a second factor: once, within five minutes, in this one login. Needs `mail` in gatehouse.yaml. Worth what the mailbox is worth: who reads it passes.',
    ),
  authLevel,
  attribute: attribute('mail'),
  sends,
})

export const smsSchema = z.strictObject({
  type: z
    .literal('sms')
    .describe(
      'The same code, sent as a text message. Needs `sms` in gatehouse.yaml. Telephone numbers can be taken over: prefer another factor where there is one.',
    ),
  authLevel,
  attribute: attribute('telephoneNumber'),
  sends,
})

export type EmailConfig = z.infer<typeof emailSchema>
export type SmsConfig = z.infer<typeof smsSchema>
