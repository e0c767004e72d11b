import type { EpochMs } from '../base/brand.ts'
import { WEEKDAYS, type SimpleTimeConfig } from './simple-time.schema.ts'

const MINUTE = 60_000
const QUARTER = 15 * MINUTE
const DAY_MINUTES = 1_440

/** What a clock on the wall shows. */
interface WallClock {
  /** `2026-03-29`. */
  readonly date: string
  /** 0 is Sunday. */
  readonly day: number
  /** Minutes since midnight. */
  readonly minute: number
}

export interface SimpleTime {
  holds(now: EpochMs): boolean
  /** Until when `holds` says the same, or earlier; never later. */
  validUntil(now: EpochMs): EpochMs
  /** `Sun 2026-03-29 03:00 Europe/Berlin`. */
  words(now: EpochMs): string
}

/** Compiles a time. Each part that is given must hold; of times and days the end may come before the start, around midnight or Sunday. */
export function compileSimpleTime(config: SimpleTimeConfig): SimpleTime {
  const clock = wallClock(config.enforcementTimeZone)
  const [start, end] = [minuteOf(config.startTime), minuteOf(config.endTime)]
  const [first, last] = [dayOf(config.startDay), dayOf(config.endDay)]
  const from = config.startDate?.replaceAll(':', '-') ?? ''
  const to = config.endDate?.replaceAll(':', '-') ?? '9999-99-99'
  const marks = start === undefined || end === undefined ? [0] : [start, end, 0]
  return {
    holds(now) {
      const { date, day, minute } = clock(now)
      return (
        date >= from &&
        date <= to &&
        (first === undefined || last === undefined || within(day, first, last + 1)) &&
        (start === undefined || end === undefined || within(minute, start, end))
      )
    },
    validUntil(now) {
      const { minute } = clock(now)
      const whole = now - (now % MINUTE)
      const wait = Math.min(...marks.map((mark) => (mark - minute + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES))
      const next = whole + wait * MINUTE
      // Where the clocks change on the way, the mark comes earlier or later. They do so at quarters of an hour: look again then.
      const isEven = clock(next).minute === (minute + wait) % DAY_MINUTES
      return (isEven ? next : now - (now % QUARTER) + QUARTER) as EpochMs
    },
    words(now) {
      const { date, day, minute } = clock(now)
      const time = [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':')
      return `${WEEKDAYS[day] ?? ''} ${date} ${time} ${config.enforcementTimeZone}`
    },
  }
}

/** Whether a place on a circle lies from `start` up to, and without, `end`. */
function within(at: number, start: number, end: number): boolean {
  return start < end ? at >= start && at < end : at >= start || at < end
}

function minuteOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const [hours, minutes] = text.split(':').map(Number)
  return (hours ?? 0) * 60 + (minutes ?? 0)
}

function dayOf(name: SimpleTimeConfig['startDay']): number | undefined {
  return name === undefined ? undefined : WEEKDAYS.indexOf(name)
}

/** Reading a clock of another zone takes microseconds, and it shows the same for a minute: the last one is remembered. */
function wallClock(timeZone: string): (now: number) => WallClock {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  })
  let at = Number.NaN
  let shown: WallClock = { date: '', day: 0, minute: 0 }
  return (now) => {
    const minute = Math.floor(now / MINUTE)
    if (minute === at) return shown
    const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]))
    const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? ''
    shown = {
      date: `${part('year')}-${part('month')}-${part('day')}`,
      day: WEEKDAYS.findIndex((name) => part('weekday').toLowerCase().startsWith(name)),
      minute: Number(part('hour')) * 60 + Number(part('minute')),
    }
    at = minute
    return shown
  }
}
