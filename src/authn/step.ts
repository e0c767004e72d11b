import type { AgentId, RealmName } from '../base/brand.ts'
import type { JsonValue } from '../crypto/seal.ts'
import type { AuthQuery, IssuedSession, Session } from '../session/session.ts'
import type { KeptCookie } from './modules/stand-in.ts'

/** What a module asks for, in the words of OpenAM's callbacks. Prompts are message keys, translated when shown. */
export type Callback =
  | {
      readonly type: 'NameCallback'
      readonly prompt: string
      readonly value?: string
      /** A code for this one time, from an app or a message. */
      readonly oneTimeCode?: true
      /** One of the codes that the person keeps on paper. */
      readonly recoveryCode?: true
    }
  /** `isNew`: to be chosen, not known. */
  | { readonly type: 'PasswordCallback'; readonly prompt: string; readonly isNew?: true }
  /** A word of the person's choice, which may be left empty. */
  | { readonly type: 'TextInputCallback'; readonly prompt: string; readonly defaultText: string }
  /** A box to be ticked: `true`, or else anything or nothing. */
  | {
      readonly type: 'BooleanAttributeInputCallback'
      readonly name: string
      readonly prompt: string
      readonly parameters?: Readonly<Record<string, string>>
    }
  /** What script fills in, from what a callback beside it says. */
  | { readonly type: 'HiddenValueCallback'; readonly id: string }
  | { readonly type: 'ChoiceCallback'; readonly prompt: string; readonly choices: readonly string[] }
  | {
      readonly type: 'TextOutputCallback'
      readonly message: string
      readonly parameters?: Readonly<Record<string, string>>
      /** Why what was entered is not taken. */
      readonly isFailure?: true
    }
  /** A secret for an authenticator app: as a URI, for a QR code, and to be typed. Asks nothing. */
  | { readonly type: 'KeyUriCallback'; readonly uri: string; readonly secret: string }
  /** Codes to be kept, shown this once. Asks nothing. */
  | { readonly type: 'RecoveryCodesCallback'; readonly codes: readonly string[] }
  /** A new code can be had: `choose` names the module that asks. Asks nothing. */
  | { readonly type: 'ResendCallback' }
  /** The way to an OpenID provider: answering it, with anything, asks for the address. */
  | { readonly type: 'SelectIdPCallback'; readonly provider: string; readonly title: string }
  /**
   * Where to send the browser. The answer is what it comes back with: the provider by whose callback it came, and the query as it was
   * sent, `corp?code=…`. `state` is what that query has in a parameter of this name.
   */
  | {
      readonly type: 'RedirectCallback'
      readonly url: string
      readonly state: string
      /** What the browser takes there in a form (POST); it is redirected where absent. */
      readonly fields?: Readonly<Record<string, string>>
    }
  /** What script is to do, by `_type` and `_action`; `WebAuthn` with the options of its ceremony. Asks nothing. */
  | { readonly type: 'MetadataCallback'; readonly data: Readonly<Record<string, JsonValue>> }

/** Whether an answer belongs to it. */
export function asksSomething({ type }: Callback): boolean {
  return ASKING.has(type)
}

const ASKING: ReadonlySet<string> = new Set<Callback['type']>([
  'NameCallback',
  'PasswordCallback',
  'TextInputCallback',
  'ChoiceCallback',
  'HiddenValueCallback',
  'BooleanAttributeInputCallback',
  'SelectIdPCallback',
  'RedirectCallback',
])

/** The handle of one login in progress: sealed, short-lived, bound to the browser that started it. */
export type AuthId = string

/** The answer that puts off what is offered; no module can have this name. */
export const LATER = '-'

/** Where a login is going once it is through. */
export interface Destination {
  /** Absolute, checked; `undefined` means the login host's own page. */
  readonly goto: string | undefined
  /** The agent that sent the browser, with the binding of its handshake. */
  readonly handshake: { readonly agent: string; readonly state: string } | undefined
}

/** `password-expired`: the password was right, or the directory says so; it has to be changed elsewhere. */
export type StepFailure =
  | 'bad-credentials'
  | 'wrong-code'
  | 'password-expired'
  | 'not-sent'
  | 'sent-too-often'
  | 'throttled'
  | 'session-changed'
  /** What came of the way to an OpenID provider. */
  | 'provider-denied'
  | 'provider-unavailable'
  | 'provider-refused'
  | 'provider-too-weak'
  | 'provider-nobody'

/** What the person, or the client, sees next, and what their browser is to keep. */
export type Step = NextStep & Kept

interface Kept {
  readonly keeps?: readonly KeptCookie[]
}

/** A login of which something is proved and something outstanding. */
export interface PartialProof {
  /** Of its partial session; one person may have more logins under way than have one. */
  readonly sid: string | undefined
  readonly userId: string
  readonly username: string
  readonly authModules: readonly string[]
  readonly authQueries: readonly AuthQuery[]
}

type NextStep =
  | {
      readonly kind: 'ask'
      readonly authId: AuthId
      readonly realm: RealmName
      /** Name of the module that asks. */
      readonly stage: string
      readonly callbacks: readonly Callback[]
      /** Whether this sets up a factor that the login demands. */
      readonly enrols: boolean
      /** What it sets up is offered and may be put off: `choose` is `LATER` then. */
      readonly optional?: true
      /** Modules that would do as well, by name: `choose` in the next answer asks for one. */
      readonly others: readonly string[]
      /** Who it is, as far as it is proved: by this login, or by the session that it strengthens. */
      readonly username: string | undefined
      /** Something was answered already: a login that begins anew cannot take the place of this page. */
      readonly begun?: true
      /** Set once something is proved, in a login of its own. Only for programs that tell so (`createTellingAuthn`). */
      readonly partial?: PartialProof
      /** The request that answering approves; to be shown beside what is asked. */
      readonly approves?: { readonly agent: AgentId; readonly method: string; readonly path: string }
      /** Why the last answers did not do; the form keeps what was typed except secrets. */
      readonly failure: StepFailure | undefined
      /** Seconds to wait before another try makes sense; only with `throttled`. */
      readonly retryAfterSeconds: number | undefined
      readonly destination: Destination
    }
  /**
   * Everything is proven, and the person has as many sessions as they may: the answer to this page is the sid of the one to end
   * for this login.
   */
  | {
      readonly kind: 'quota-reached'
      readonly authId: AuthId
      readonly realm: RealmName
      readonly username: string
      /** Their live sessions, oldest first. */
      readonly running: readonly Session[]
      readonly destination: Destination
    }
  | { readonly kind: 'done'; readonly issued: IssuedSession; readonly destination: Destination }
  /** The authId is forged, from another browser, or too old: start again. */
  | { readonly kind: 'expired'; readonly destination: Destination | undefined }
  /** The request that was to be approved waits no longer, or not for this session: a plain refusal with a way back. */
  | { readonly kind: 'approval-over'; readonly destination: Destination }
  /** No chain of the realm can reach what was asked for: a plain refusal, never a redirect back. */
  | {
      readonly kind: 'unreachable'
      readonly destination: Destination
      /** What the request itself brought did not do: no certificate where one is needed, or one that is not accepted. */
      readonly cause?: 'no-certificate' | 'certificate' | 'too-many-anonymous' | undefined
    }

/** What a program gets besides: OpenAM's clients expect a login to end where it is refused, and logins that only prove who it is. */
export type ProgramStep =
  | Step
  | ({
      /** What was answered did not do, and this login is over. */
      readonly kind: 'refused'
      readonly failure: StepFailure
      readonly destination: Destination
    } & Kept)
  /** Everything is proven; no session has begun or changed. */
  | ({ readonly kind: 'proved'; readonly username: string; readonly destination: Destination } & Kept)
