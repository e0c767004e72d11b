import type { JsonValue } from '../../crypto/seal.ts'
import type { User, UserDirectory } from '../../identity/directory.ts'
import type { Throttle } from '../../identity/throttle.ts'
import type { RequestOrigin } from '../../session/session.ts'
import type { Callback } from '../step.ts'

export interface AuthModuleInput {
  readonly origin: RequestOrigin
  /** Who earlier modules of this login proved it is. */
  readonly username: string | undefined
  /** A name to offer, proven by nobody. */
  readonly suggestion: string | undefined
  /** What this module returned as `state` last time; `undefined` on the first call. */
  readonly state: JsonValue | undefined
  /** One for each callback of the last `ask`, in its order. With a state but without answers: ask the same once more. */
  readonly answers: readonly string[] | undefined
}

/** For the audit trail. What a person sees is one and the same for all. */
export type FailureReason = 'incomplete' | 'unknown-user' | 'wrong-password' | 'disabled' | 'user-mismatch'

export type ModuleOutcome =
  | { readonly kind: 'ask'; readonly callbacks: readonly Callback[]; readonly state?: JsonValue }
  | { readonly kind: 'passed'; readonly user: User; readonly properties?: Readonly<Record<string, string>> }
  | {
      readonly kind: 'failed'
      readonly reason: FailureReason
      /** For the audit trail. Only when there is such a user: people type passwords into name fields. */
      readonly username: string | undefined
      /** What was typed as the name, to be kept in the form. */
      readonly typedName?: string
    }
  | {
      readonly kind: 'throttled'
      readonly scope: 'account' | 'network'
      readonly retryAfterMs: number
      readonly username: string | undefined
      readonly typedName?: string
    }

/** One configured instance in one realm. Keeps nothing between calls and knows no other module: the journey does both. */
export interface AuthModule {
  readonly name: string
  /** Level that a session reaches by it. */
  readonly authLevel: number
  process(input: AuthModuleInput): Promise<ModuleOutcome>
}

export interface AuthModuleDeps {
  readonly directory: UserDirectory
  readonly throttle: Throttle
}

/** One way to prove identity. Compiled once when a realm is loaded. */
export interface AuthModuleType<Config extends { readonly type: string }> {
  readonly type: Config['type']
  compile(name: string, config: Config, deps: AuthModuleDeps): AuthModule
}
