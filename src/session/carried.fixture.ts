import assert from 'node:assert/strict'
import { setImmediate as passed } from 'node:timers/promises'
import type { AgentId, EpochMs } from '../base/brand.ts'
import type { Audience, Store } from '../store/store.ts'
import { ALICE, APP, FROM, type Process } from './processes.fixture.ts'
import type { IssuedSession, SessionDraft, SessionToken } from './session.ts'

export const CARRIED: SessionDraft = { ...ALICE, mode: 'stateless' }
export const AT_APP = 'agent:app'
/** What a step-up proves. */
export const PROOF = { authLevel: 2, authModules: ['totp'], properties: {} }

/** The token of an agent, by a handshake. */
export async function tokenFor(
  { handshakes }: Process,
  { session }: IssuedSession,
  audience: Audience = AT_APP,
): Promise<IssuedSession> {
  const agent = (audience.startsWith('agent:') ? audience.slice(6) : APP) as AgentId
  const grant = { agent, audience, goto: 'http://app/', binding: 'b', interactive: true }
  const redeemed = await handshakes.redeem(await handshakes.issue(session, grant), agent, 'b', FROM)
  assert.ok(redeemed.kind === 'issued', `the handshake was not completed: ${redeemed.kind}`)
  return redeemed
}

/** The store with a count of what is asked of it about sessions, and a way to be out of reach. */
export function watched(store: Store) {
  const state: { asked: number; away: boolean | Error; tailedAt?: () => EpochMs } = { asked: 0, away: false }
  const ask = <T>(question: () => Promise<T>): Promise<T> => {
    state.asked++
    if (state.away === false) return question()
    return Promise.reject(state.away === true ? new Error('disk on fire') : state.away)
  }
  const sessions: Store['sessions'] = {
    ...store.sessions,
    find: (sid) => ask(() => store.sessions.find(sid)),
    resolve: (...args) => ask(() => store.sessions.resolve(...args)),
  }
  const revocations = { ...store.revocations, tailedAt: () => state.tailedAt?.() ?? store.revocations.tailedAt() }
  return { state, store: { ...store, sessions, revocations } }
}

/** Settles when the process has its denylist, which the first request has it load, and knows that the log is complete. */
export async function warm({ sessions }: Process, token: SessionToken): Promise<void> {
  while (sessions.resolve(token, AT_APP) instanceof Promise) await passed()
}
