import { z } from 'zod'
import { parseDuration } from './duration.ts'

/** A duration with its unit (`30s`, `30m`, `2h`), read as milliseconds. */
export function duration(initial: string) {
  return z
    .string()
    .regex(/^\d{1,9}(ms|s|m|h|d)$/, 'write a whole number with its unit: 500ms, 30s, 30m, 2h or 1d')
    .transform((text) => parseDuration(text) ?? 0)
    .prefault(initial)
}
