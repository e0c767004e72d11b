import { clearCookie, cookieName, setCookie } from '../http/cookies.ts'
import type { LoginCookies } from './login-cookies.ts'

/*
 * Who is on the way to a provider comes back by a bare GET: what the login is, this browser keeps meanwhile, sealed, in one of a few
 * cookies. A stranger who starts logins by the hundred writes nothing into the store, and no more than these into a browser.
 */

const SLOTS = 4
/** Seconds: as long as a login ever takes. */
const LIFE_S = 900
/** Browsers keep 4,096 bytes of name, value and attributes. */
const LONGEST = 3_800
const STATE = /^[A-Za-z0-9_-]{20,128}$/

/** A way to have a browser keep something, and to find it again. */
interface Jar {
  cookie(name: string): string | undefined
  addCookie(text: string): void
}

/** Keeps the login until its browser is back; of too many the oldest is forgotten. False where it is too long for a cookie. */
export function rememberDeparture(
  jar: Jar,
  { secure }: LoginCookies,
  { state, authId, now }: { readonly state: string; readonly authId: string; readonly now: number },
): boolean {
  const value = `${Math.floor(now / 1_000)}.${state}.${authId}`
  if (value.length > LONGEST) return false
  const kept = slots(jar, secure)
  const slot = kept.find(({ departure }) => departure === undefined) ?? kept.reduce((a, b) => (at(b) < at(a) ? b : a))
  jar.addCookie(setCookie(slot.name, value, { secure, maxAge: LIFE_S }))
  return true
}

/** The authId of the login that left with this `state`, and forgets it; `undefined` in a browser where none did. */
export function takeDeparture(jar: Jar, { secure }: LoginCookies, state: string): string | undefined {
  if (!STATE.test(state)) return undefined
  const slot = slots(jar, secure).find(({ departure }) => departure?.state === state)
  if (slot === undefined) return undefined
  jar.addCookie(clearCookie(slot.name, { secure }))
  return slot.departure?.authId
}

interface Slot {
  readonly name: string
  readonly departure: { readonly at: number; readonly state: string; readonly authId: string } | undefined
}

function slots(jar: Jar, secure: boolean): readonly Slot[] {
  return Array.from({ length: SLOTS }, (_, index) => {
    const name = cookieName(`gatehouse-away-${index}`, { secure })
    const [, seconds, state, authId] = /^(\d{1,12})\.([A-Za-z0-9_-]+)\.(.+)$/.exec(jar.cookie(name) ?? '') ?? []
    if (seconds === undefined || state === undefined || authId === undefined) return { name, departure: undefined }
    return { name, departure: { at: Number(seconds), state, authId } }
  })
}

function at({ departure }: Slot): number {
  return departure?.at ?? 0
}
