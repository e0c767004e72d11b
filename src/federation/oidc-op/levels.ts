import type { Session } from '../../session/session.ts'

/** authLevels by the names that clients know (`acr`). */
export interface Levels {
  /** For the discovery document. */
  readonly names: readonly string[]
  /** The level that a name stands for; `undefined` for a name that nobody here knows. */
  levelOf(acr: string): number | undefined
  /** What a session of the level is called: what was asked for, as far as it is that; else the best name there is. */
  nameOf(level: number, wanted?: readonly string[]): string
  /** The level to reach for one of these, in order of preference; `undefined` where a session of `level` is one of them already, or nobody can be. */
  missing(wanted: readonly string[], level: number): number | undefined
}

const NUMBER = /^\d{1,4}$/

/** `highest`: the level that a login of the realm can come to. */
export function createLevels(
  acr: readonly { readonly name: string; readonly level: number }[],
  highest: number,
): Levels {
  const byName = new Map(acr.map(({ name, level }) => [name, level]))
  const falling = [...acr].sort((a, b) => b.level - a.level)
  const levelOf = (name: string): number | undefined =>
    byName.get(name) ?? (NUMBER.test(name) ? Number(name) : undefined)
  const isReached = (name: string, level: number): boolean => (levelOf(name) ?? Infinity) <= level
  return {
    names: byName.size > 0 ? [...byName.keys()] : Array.from({ length: Math.min(highest, 9) + 1 }, (_, i) => String(i)),
    levelOf,
    nameOf: (level, wanted = []) =>
      wanted.find((name) => isReached(name, level)) ??
      falling.find((each) => each.level <= level)?.name ??
      String(level),
    missing(wanted, level) {
      if (wanted.some((name) => isReached(name, level))) return undefined
      return wanted.map(levelOf).find((each) => each !== undefined && each <= highest)
    },
  }
}

/** What kinds of proof there were (RFC 8176 §2), as far as module types are known there. */
const METHODS: Readonly<Record<string, string>> = {
  password: 'pwd',
  totp: 'otp',
  email: 'otp',
  sms: 'sms',
  recovery: 'otp',
  webauthn: 'hwk',
}

/** `typeOf`: the type of a module of the realm. */
export function methodsOf(
  { authModules }: Pick<Session, 'authModules'>,
  typeOf: (module: string) => string | undefined,
): string[] {
  const methods = new Set(authModules.map((module) => METHODS[typeOf(module) ?? ''] ?? module))
  return methods.size > 1 ? [...methods, 'mfa'] : [...methods]
}
