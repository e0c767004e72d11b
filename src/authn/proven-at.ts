import type { Session } from '../session/session.ts'

/*
 * A session's authInstant is that of its last proof that was as strong as the session, whichever it was. What may be done with a fresh second factor alone has to know when that one was proved.
 */

const PREFIX = 'provenAt.'

/** The session property that remembers that a module was passed. `at`: milliseconds since the epoch. */
export function provenAt(module: string, at: number): Readonly<Record<string, string>> {
  return { [PREFIX + module]: String(at) }
}

/** Whether the session has passed the module within `withinMs`. */
export function provedWithin(
  { properties }: Pick<Session, 'properties'>,
  module: string,
  { now, withinMs }: { readonly now: number; readonly withinMs: number },
): boolean {
  const name = PREFIX + module
  const at = Object.hasOwn(properties, name) ? Number(properties[name]) : Number.NaN
  return now - at < withinMs
}
