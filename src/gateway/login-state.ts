import type { AgentId, EpochMs } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import { PURPOSES } from '../crypto/purposes.ts'
import type { Sealer } from '../crypto/seal.ts'

/** What a login in a standard's dress has to come back with: kept by the browser, which can neither read nor change it. */
export interface LoginState {
  readonly agent: AgentId
  /** Names this start and no other. */
  readonly start: string
  /** SHA-256 of the binding cookie of the browser that began. */
  readonly binding: string
  readonly restarts: number
  readonly startedAt: EpochMs
  /** Absolute URL at the site. */
  readonly goto: string
}

export interface LoginStates {
  /** Faults with GH_KEYS_UNAVAILABLE. */
  seal(state: Omit<LoginState, 'startedAt'>): string
  /** `undefined` for what was not sealed here, or too long ago. Faults with GH_KEYS_UNAVAILABLE. */
  open(text: string): LoginState | undefined
}

const KIND = 'login-state'
/** A page that waits for a person overnight still knows where they wanted to go. */
const LIFE_MS = Math.min(24 * 60 * 60_000, PURPOSES.forms.longestLifeMs)

export function createLoginStates({ sealer, clock }: { readonly sealer: Sealer; readonly clock: Clock }): LoginStates {
  return {
    seal: ({ agent, start, binding, restarts, goto }) =>
      sealer.seal('forms', [KIND, agent, start, binding, restarts, clock(), goto], LIFE_MS),
    open(text) {
      const opened = sealer.open('forms', text)
      const [kind, agent, start, binding, restarts, startedAt, goto] = Array.isArray(opened)
        ? (opened as readonly unknown[])
        : []
      if (kind !== KIND || typeof agent !== 'string' || typeof start !== 'string' || typeof binding !== 'string')
        return undefined
      if (typeof restarts !== 'number' || typeof startedAt !== 'number' || typeof goto !== 'string') return undefined
      return { agent: agent as AgentId, start, binding, restarts, startedAt: startedAt as EpochMs, goto }
    },
  }
}
