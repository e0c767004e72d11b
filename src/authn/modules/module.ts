import type { Clock } from '../../base/clock.ts'
import type { JsonValue, Sealer } from '../../crypto/seal.ts'
import type { Presented } from '../../http/presented.ts'
import type { PasswordCheck, User, UserDirectory } from '../../identity/directory.ts'
import type { PasswordVerifier } from '../../identity/file-directory.ts'
import type { Factor, FactorStore, NewFactor } from '../../identity/factors.ts'
import type { Messengers } from '../../identity/mail/messenger.ts'
import type { Throttle } from '../../identity/throttle.ts'
import type { RequestOrigin } from '../../session/session.ts'
import type { Counters } from '../../store/store.ts'
import type { LoginProvider, Refusal } from '../../federation/login-provider.ts'
import type { Callback } from '../step.ts'
import type { DeviceFault, StandIn, UsedStandIn } from './stand-in.ts'
import type { TokenFault } from './token-fault.ts'
import type { CertificateFault } from './x509/certificate-fault.ts'

export interface AuthModuleInput {
  readonly origin: RequestOrigin
  /** What the request itself brings. */
  readonly presented: Presented
  /** Who earlier modules of this login, or the session that it strengthens, proved it is. */
  readonly user: User | undefined
  /** Whether the page may differ from user to user: not where that would tell that an earlier proof was right. */
  readonly mayTell: boolean
  /** A name to offer, proven by nobody. */
  readonly suggestion: string | undefined
  /** What this module returned as `state` last time; `undefined` on the first call. */
  readonly state: JsonValue | undefined
  /** One for each callback of the last `ask`, in its order. With a state but without answers: ask the same once more. */
  readonly answers: readonly string[] | undefined
  /** How long ago what it takes for a proof may have been proved, in milliseconds; 0 for now. Any time where absent. */
  readonly maxAgeMs?: number | undefined
}

/** For the audit trail. What a person sees is one and the same for all. */
export type FailureReason =
  | 'incomplete'
  | Extract<PasswordCheck, { readonly kind: 'failed' }>['reason']
  | 'wrong-code'
  /** Right once, and used already. */
  | 'used-code'
  /** A key that is nobody's, or another user's. */
  | 'unknown-key'
  | 'wrong-assertion'
  | 'expired-challenge'
  /** Right once, and used already. */
  | 'used-challenge'
  /** The key has counted fewer signatures than it had before: there may be two of it. */
  | 'counter-regressed'
  | 'not-enrolled'
  | 'locked'
  | 'password-expired'
  | 'must-change'
  | 'user-mismatch'
  | CertificateFault
  | TokenFault
  | DeviceFault
  /** Sessions without proof that one network may start. */
  | 'too-many-anonymous'
  | AssertionFault
  /** What an OpenID provider has answered, or its answer is worth here. */
  | Refusal['reason']
  /** The authentication policy of the user does not take this module for a first factor. */
  | 'not-allowed'

/** What is wrong with what a server says of somebody. */
type AssertionFault =
  /** The request says nothing of anybody. */
  | 'no-assertion'
  /** No server of the configuration has proved that it is one. */
  | 'unknown-party'
  | 'party-throttled'
  /** From an address that it may not call from. */
  | 'party-elsewhere'
  /** It names nobody, or somebody who cannot sign in here. */
  | 'asserted-nobody'
  /** It does not speak for people of these groups. */
  | 'party-not-allowed'

interface Failure {
  readonly reason: FailureReason
  /** For the audit trail. Only when there is such a user: people type passwords into name fields. */
  readonly username: string | undefined
  /** Which server said who it is. */
  readonly assertedBy?: string
  /** What was typed as the name, to be kept in the form. */
  readonly typedName?: string
  /** The person has seen it fail elsewhere: the login begins anew at once, and says so. */
  readonly endsLogin?: true
}

export type ModuleOutcome =
  | {
      readonly kind: 'ask'
      readonly callbacks: readonly Callback[]
      readonly state?: JsonValue
      /** Why what the person is asked for has not come to them; the same for everybody and nobody. */
      readonly failure?: 'not-sent' | 'sent-too-often'
    }
  | {
      readonly kind: 'passed'
      readonly user: User
      readonly properties?: Readonly<Record<string, string>>
      /** Kept in the form as after a failure: should a later module refuse, both must look alike. */
      readonly typedName?: string
      /** What proved it runs out: a new set is offered before the login ends. */
      readonly renew?: boolean
      /** Of the password that proved it: once they have another, it proves nothing (`OwnPasswords.isCurrent`). */
      readonly stamp?: string | undefined
      /** They had to choose a new password on the way. */
      readonly passwordChanged?: true
      /** It stands for an earlier proof, and is used up when the login ends (`StandIn.replaceSecret`). */
      readonly standIn?: UsedStandIn
      /** What this proof came to; the module's `authLevel` where absent, and never less. */
      readonly authLevel?: number
      /** When it was proved elsewhere, milliseconds since the epoch; now where absent. */
      readonly provenAt?: number
      /** A session that begins with it ends then at the latest, milliseconds since the epoch. */
      readonly endsAt?: number
    }
  | ({ readonly kind: 'failed' } & Failure)
  /** Failed, and may be tried again without giving up what was proved before, where that gives nothing away. */
  | ({
      readonly kind: 'again'
      /** What was asked is used up: something new is asked. */
      readonly isSpent?: true
    } & Failure)
  | ({
      readonly kind: 'throttled'
      readonly scope: 'account' | 'network'
      readonly retryAfterMs: number
    } & Omit<Failure, 'reason'>)

/** What setting up a factor comes to. */
export type EnrolmentOutcome =
  | { readonly kind: 'enrolled'; readonly factor: NewFactor }
  /** Not confirmed: the same page again. */
  | { readonly kind: 'again' }

/** Sets up a factor of the module's type: at a login that demands one, or on the account page. Keeps nothing between calls. */
export interface Enrolment {
  /** What is set up takes the place of all of its type: `FactorStore.replaceAll`, where others are added. */
  readonly replaces?: true
  /** What the person is shown and asked; `state` comes back with the answers, and holds no secret in the clear. */
  begin(user: User): Promise<{ readonly callbacks: readonly Callback[]; readonly state: JsonValue }>
  /** The same page once more, from its state. `undefined` for a state that is too old. */
  show(user: User, state: JsonValue): readonly Callback[] | undefined | Promise<readonly Callback[] | undefined>
  finish(user: User, state: JsonValue, answers: readonly string[]): Promise<EnrolmentOutcome>
}

/** A token that another issuer has signed, and that is good. */
export interface JudgedToken {
  readonly user: User
  /** When it has expired, milliseconds since the epoch; what clocks may be off is counted in. */
  readonly until: number
}

/** Judges tokens of other issuers. */
export interface TokenJudge {
  /** Whose tokens may be good, and for whom they have to be made. */
  readonly signers: readonly { readonly issuer: string; readonly audience: string }[]
  judge(token: string): Promise<JudgedToken | TokenFault>
}

/** One configured instance in one realm. Keeps nothing between calls and knows no other module: the journey does both. */
export interface AuthModule {
  /** Its name in the realm; sessions remember it. */
  readonly name: string
  /** Also the type of its factors. */
  readonly type: string
  /** `second`: of no use before somebody is known. `first`: no proof beside another of its kind. */
  readonly use: 'first' | 'second' | 'either'
  /** Level that a session reaches by it. */
  readonly authLevel: number
  /**
   * Whether a login that began with it has proved two factors: then it is not asked again for the second. Else a key that a login
   * began with is no second factor of it, under whatever name.
   */
  readonly isMultiFactor?: boolean
  /** It passes by what the request brings: the person does nothing, so their session gets no younger by it. */
  readonly isSilent?: true
  /** Whether a login may begin with it on the page of another module: what it asks there may be left empty. */
  readonly mayStandBeside?: boolean
  /** Whether the user has what it takes; absent where there is nothing to set up. */
  isEnrolled?(user: User): Promise<boolean>
  /**
   * `backup`: of use only beside another factor, so it is never the one to set up first; `offered` where a login offers it right
   * after that one. `given`: nobody set it up, so having it keeps nobody from setting up their first factor.
   */
  readonly standing?: 'backup' | 'given'
  readonly offered?: boolean
  /**
   * Asks nothing, and proves nothing anew: it is tried before anybody is asked, and never where a login has to be fresh. What it
   * stands in for is asked where it does not do.
   */
  readonly standIn?: StandIn
  /** When a factor stops to count, in milliseconds since the epoch; absent where none does. */
  until?(factor: Factor): number
  /** How often a factor can still be used; absent where nothing counts it. */
  left?(factor: Factor): number
  /** Absent where people cannot set it up themselves. */
  readonly enrolment?: Enrolment
  /** Of a module that passes by a token that the request brings. */
  readonly tokens?: TokenJudge
  process(input: AuthModuleInput): Promise<ModuleOutcome>
}

export interface AuthModuleDeps {
  readonly directory: UserDirectory
  readonly throttle: Throttle
  readonly factors: FactorStore
  readonly sealer: Sealer
  readonly counters: Counters
  /** Those that the configuration has. */
  readonly messengers: Messengers
  readonly hasher?: PasswordVerifier | undefined
  readonly clock: Clock
  /** OpenID providers of the realm, by name. */
  readonly providers?: ReadonlyMap<string, LoginProvider>
  /** What people call the realm. */
  readonly title: string
  /** Scheme, host and port of the login host. */
  readonly loginOrigin: string
  /** Of sites whose pages may sign people in as the login host's own do. */
  readonly pageOrigins?: readonly string[]
}

/** One way to prove identity. Compiled once when a realm is loaded. */
export interface AuthModuleType<Config extends { readonly type: string }> {
  readonly type: Config['type']
  compile(name: string, config: Config, deps: AuthModuleDeps): AuthModule
}
