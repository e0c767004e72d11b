import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { EpochMs } from '../base/brand.ts'
import { compileSimpleTime } from './simple-time.ts'
import { simpleTimeSchema, WEEKDAYS } from './simple-time.schema.ts'

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Africa/Casablanca']
const MINUTE = 60_000

suite('SimpleTime', () => {
  const time = fc
    .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom(0, 15, 30, 59))
    .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'))
  const config = fc
    .record({
      times: fc.option(fc.uniqueArray(time, { minLength: 2, maxLength: 2 })),
      days: fc.option(fc.tuple(fc.constantFrom(...WEEKDAYS), fc.constantFrom(...WEEKDAYS))),
      zone: fc.constantFrom(...ZONES),
    })
    .map(({ times, days, zone }) =>
      simpleTimeSchema.parse({
        type: 'SimpleTime',
        ...(times === null ? {} : { startTime: times[0], endTime: times[1] }),
        ...(days === null ? {} : { startDay: days[0], endDay: days[1] }),
        startDate: '2026-01-02',
        enforcementTimeZone: zone,
      }),
    )
  /** Days on which clocks change somewhere, and the days around them. */
  const moment = fc
    .tuple(
      fc.constantFrom(
        '2026-03-08',
        '2026-03-29',
        '2026-04-05',
        '2026-10-04',
        '2026-10-25',
        '2026-11-01',
        '2026-02-15',
        '2026-03-22',
      ),
      fc.integer({ min: -1_440, max: 2 * 1_440 }),
      fc.integer({ min: 0, max: MINUTE - 1 }),
    )
    .map(([day, minutes, rest]) => (Date.parse(`${day}T00:00:00Z`) + minutes * MINUTE + rest) as EpochMs)

  test('says the same until the time it names, minute by minute, over every change of clocks', () => {
    fc.assert(
      fc.property(config, moment, (drawn, now) => {
        const compiled = compileSimpleTime(drawn)
        const [held, until] = [compiled.holds(now), compiled.validUntil(now)]
        assert.ok(until > now && until <= now + 1_440 * MINUTE)
        for (let at = now + MINUTE; at < until; at += MINUTE)
          assert.equal(compiled.holds(at as EpochMs), held, new Date(at).toISOString())
        assert.equal(compiled.holds((until - 1) as EpochMs), held)
      }),
      { numRuns: 150 },
    )
  })

  const refused: readonly (readonly [fault: string, config: object])[] = [
    ['an hour that is none', { startTime: '24:00', endTime: '25:00' }],
    ['a start without an end', { startTime: '09:00' }],
    ['a day without another', { startDay: 'mon' }],
    ['no time at all', { startTime: '09:00', endTime: '09:00' }],
    ['nothing to go by', {}],
    ['a day that is not in the calendar', { startDate: '2026-02-30' }],
    ['a zone that does not exist', { startDay: 'mon', endDay: 'fri', enforcementTimeZone: 'Europe/Atlantis' }],
  ]
  for (const [fault, drawn] of refused) {
    test(`refuses ${fault}`, () =>
      assert.equal(simpleTimeSchema.safeParse({ type: 'SimpleTime', ...drawn }).success, false))
  }
})
