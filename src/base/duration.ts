const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

const FORM = /^(\d{1,9})(ms|s|m|h|d)$/

/**
 * Reads `500ms`, `30s`, `30m`, `2h` or `1d` as milliseconds; `undefined` for anything else, a number without a unit included,
 * because a bare `30` has meant seconds, minutes and milliseconds in the products people migrate from.
 */
export function parseDuration(text: string): number | undefined {
  const match = FORM.exec(text)
  if (match === null) return undefined
  const [, digits = '', unit = 's'] = match
  return Number(digits) * UNITS[unit as keyof typeof UNITS]
}
