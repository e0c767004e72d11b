import type { Advices, PolicyTrace } from '../policy/decision.ts'
import type { Session } from '../session/session.ts'
import type { TokenFault } from './request-tokens.ts'
import type { Site } from './site.ts'
import type { HeaderList } from './upstream/upstream.ts'

export type RefusalReason =
  | 'bad-request-target'
  | 'bad-host'
  | 'bad-forwarded-for'
  | 'unknown-host'
  | 'host-differs-from-tls-name'
  | 'method-not-allowed'
  | 'websocket-origin'
  | 'websocket-malformed'
  | 'websocket-limit'
  /** What asks for an approval and cannot be given one: forged, without its length, too large, or one of too many. */
  | 'cross-site'
  | 'length-required'
  | 'body-too-large'
  | 'too-many-approvals'

/** What came instead of a session: nothing, a token that opens nothing, two tokens of one name, or a dead access token. */
export type MissingSession = 'no-cookie' | 'dead-token' | 'two-cookies' | 'dead-bearer'

export type DenyReason = 'policy' | 'advice-unknown'

/** What the gateway will do with one request. Nothing has been written to the client yet. */
export type Verdict =
  | {
      readonly kind: 'forward'
      readonly site: Site
      /** `undefined` on not-enforced paths. */
      readonly session: Session | undefined
      /** Identity headers, already named and encoded; the upstream gets exactly these. */
      readonly identity: HeaderList
      /** The session is over, and the answer has the browser forget these cookies of it. */
      readonly forgets?: readonly string[]
    }
  | { readonly kind: 'login'; readonly site: Site; readonly missing: MissingSession }
  | {
      readonly kind: 'step-up'
      readonly site: Site
      readonly session: Session
      readonly advices: Advices
    }
  | {
      readonly kind: 'deny'
      readonly site: Site
      readonly session: Session
      readonly reason: DenyReason
      readonly policies: readonly string[]
      /** Every policy that had a part in it: for the audit log, and for whoever administers the realm. */
      readonly why: readonly PolicyTrace[]
      readonly isAdministrator: boolean
      /** The session is too old for what was asked for, and is to end. */
      readonly endsSession: boolean
    }
  /** The session is there, and the token that has to come with each of its requests did not, or is not good. */
  | {
      readonly kind: 'token-needed'
      readonly site: Site
      readonly session: Session
      readonly reason: TokenFault
      /** Whose tokens are. */
      readonly issuers: readonly string[]
    }
  | {
      readonly kind: 'redirect'
      readonly status: 302 | 303 | 308
      readonly location: string
      /** Values of `Set-Cookie`. */
      readonly forgets?: readonly string[]
    }
  | {
      readonly kind: 'refuse'
      readonly status: 400 | 403 | 405 | 411 | 413 | 421 | 429
      readonly reason: RefusalReason
    }

export type Refuse = Extract<Verdict, { readonly kind: 'refuse' }>
export type Forward = Extract<Verdict, { readonly kind: 'forward' }>
export type StepUp = Extract<Verdict, { readonly kind: 'step-up' }>
