import { setTimeout as pause } from 'node:timers/promises'
import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { Clock } from '../../base/clock.ts'
import { GatehouseError } from '../../errors.ts'
import { sessionRecord, tokenRecord } from '../session.fixture.ts'
import type { Quota, Revocation, SessionPatch, SessionRecord, Store, TokenRecord } from '../store.ts'

/* What the rules of the contract share: a clock, records to write, an ear for revocations. */

const START = 1_750_000_000_000
export const IDLE_MS = 30 * 60_000
export const LIFE_MS = 120 * 60_000
export const EMPLOYEES = '/employees' as RealmName
export const PARTNERS = '/partners' as RealmName

export class ManualClock {
  #now = START
  readonly read: Clock = () => this.#now as EpochMs

  advance(ms: number): void {
    this.#now += ms
  }

  get now(): EpochMs {
    return this.#now as EpochMs
  }
}

export interface Scene {
  readonly clock: ManualClock
  readonly store: Store
  readonly open: () => Promise<Store>
}

export const at = (offsetMs: number) => (START + offsetMs) as EpochMs

export function sessionOf(sid: string, over: Partial<SessionRecord> = {}): SessionRecord {
  const origin = { address: '192.0.2.7', device: 'Mozilla/5.0 (Łódź)' }
  return sessionRecord(START, { sid, origin, properties: { displayName: 'Zoë 🦊', empty: '' }, ...over })
}

export function tokenOf(sid: string, hash: string, over: Partial<TokenRecord> = {}): TokenRecord {
  return tokenRecord(START, { sid, hash, ...over })
}

export const agentToken = (sid: string, hash: string, agent = 'app', over: Partial<TokenRecord> = {}) =>
  tokenOf(sid, hash, { audience: `agent:${agent}`, ...over })

function without<T extends object, K extends keyof T>(record: T, key: K): Omit<T, K> {
  const { [key]: _gone, ...rest } = record
  return rest
}

export const nextToken = (sid: string, hash: string) => without(tokenOf(sid, hash, { authLevel: 2 }), 'gen')

export const PATCH: SessionPatch = {
  authLevel: 2,
  authModules: ['password', 'totp'],
  authInstant: at(60_000),
  properties: { displayName: 'Zoë', factor: 'totp' },
}

/** A session `sid` whose login token is `sid-login`. */
export async function login(store: Store, sid: string, over: Partial<SessionRecord> = {}): Promise<SessionRecord> {
  const session = sessionOf(sid, over)
  await store.sessions.create(session, tokenOf(sid, `${sid}-login`))
  return session
}

/** An index record of a session that the browser carries. */
export async function statelessLogin(store: Store, sid: string, over: Partial<SessionRecord> = {}) {
  const session = sessionOf(sid, { kind: 'stateless', ...over })
  await store.sessions.create(session, undefined)
  return session
}

/** A login under a quota; the answer as `created, a+b ended` or `refused, a+b running`. */
export async function loginWithin(store: Store, quota: Quota, session: SessionRecord): Promise<string> {
  const token = session.kind === 'stateless' ? undefined : tokenOf(session.sid, `${session.sid}-login`)
  const outcome = await store.sessions.create(session, token, quota)
  const named = (sessions: readonly SessionRecord[]) => sidsOf(sessions).join('+')
  return outcome.kind === 'created'
    ? `created, ${named(outcome.ended)} ended`
    : `refused, ${named(outcome.running)} running`
}

type Death = Exclude<Revocation, { readonly kind: 'epoch-raised' }>
export const sidsOf = (sessions: readonly { readonly sid: string }[]) => sessions.map(({ sid }) => sid)
export const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))
export const wins = (answers: readonly unknown[]) => answers.filter((won) => won !== undefined && won !== false).length

/** What one subscriber hears; `until` settles when it has heard that many entries. */
export class Hearing {
  readonly heard: Revocation[] = []
  readonly close: () => void
  #waiting: (() => void)[] = []

  constructor(store: Store) {
    const subscription = store.revocations.subscribe((entries) => {
      this.heard.push(...entries)
      for (const wake of this.#waiting.splice(0)) wake()
    })
    this.close = () => subscription.close()
  }

  /** Those of sessions and tokens. */
  get entries(): readonly Death[] {
    return this.heard.filter((entry) => entry.kind !== 'epoch-raised')
  }

  async until(count: number): Promise<readonly Death[]> {
    while (this.heard.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return this.entries
  }

  facts() {
    return this.entries.map(({ kind, sid, cause, hashes }) => ({ kind, sid, cause, hashes: [...hashes].sort() }))
  }
}

export async function eventually(check: () => boolean): Promise<void> {
  while (!check()) await pause(5)
}

export const isUnavailable = (error: unknown) =>
  error instanceof GatehouseError && error.code === 'GH_STORE_UNAVAILABLE'

export type Rule = (name: string, body: (scene: Scene) => Promise<void>) => void
