import { z } from 'zod'

export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

export type Weekday = (typeof WEEKDAYS)[number]

export interface SimpleTimeConfig {
  readonly type: 'SimpleTime'
  readonly startTime?: string | undefined
  readonly endTime?: string | undefined
  readonly startDay?: Weekday | undefined
  readonly endDay?: Weekday | undefined
  readonly startDate?: string | undefined
  readonly endDate?: string | undefined
  readonly enforcementTimeZone: string
}

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'write the time of day as 09:00 or 17:30')
const date = z
  .string()
  .regex(/^\d{4}[-:]\d{2}[-:]\d{2}$/, 'write the date as 2026-03-29')
  .refine(isDate, 'there is no such day')
const day = z.enum(WEEKDAYS)

function isDate(text: string): boolean {
  const iso = text.replaceAll(':', '-')
  const at = Date.parse(`${iso}T00:00:00Z`)
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(iso)
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

export const simpleTimeSchema = z
  .strictObject({
    type: z.literal('SimpleTime'),
    startTime: timeOfDay.optional(),
    endTime: timeOfDay
      .optional()
      .describe(
        'Not part of the time any more: `17:00` ends at 16:59:59. Before `startTime` it is that of the next day.',
      ),
    startDay: day.optional(),
    endDay: day.optional().describe('Part of the days. Before `startDay` it is that of the next week.'),
    startDate: date.optional(),
    endDate: date.optional().describe('The last day.'),
    enforcementTimeZone: z
      .string()
      .refine(isTimeZone, 'no such time zone; write a name such as Europe/Berlin')
      .default('UTC')
      .describe('Whose clock counts, by its name in the time zone database; its summer time is followed.'),
  })
  .refine(({ startTime, endTime }) => (startTime === undefined) === (endTime === undefined), {
    path: ['endTime'],
    message: 'write startTime and endTime, or neither',
  })
  .refine(({ startTime, endTime }) => startTime === undefined || startTime !== endTime, {
    path: ['endTime'],
    message: 'a time that ends when it starts never is; leave both out for the whole day',
  })
  .refine(({ startDay, endDay }) => (startDay === undefined) === (endDay === undefined), {
    path: ['endDay'],
    message: 'write startDay and endDay, or neither',
  })
  .refine(
    ({ startTime, startDay, startDate, endDate }) => (startTime ?? startDay ?? startDate ?? endDate) !== undefined,
    {
      message: 'write times, days or dates; without any it always holds',
    },
  )
  .describe(
    'By the clock of a time zone it is between these times of day, on these days of the week and between these dates. No login changes that, so there is no advice.',
  )
