import type { AgentId, EpochMs, RealmName } from '../base/brand.ts'

/** Why a session ended. */
export type EndCause =
  | 'logout'
  /** Its owner ended it from another session of theirs. */
  | 'account'
  | 'password-changed'
  | 'admin'
  | 'idle'
  | 'max-life'
  | 'quota'
  | 'realm-switch'
  | 'replaced'
  | 'user-disabled'
  | 'user-removed'
  | 'user-changed'
  /** The user's groups are others than at the login, where the realm asks for it. */
  | 'groups-changed'
  | 'realm-removed'
  /** A refresh token came back after it was used: two hold it. */
  | 'token-reused'
  /** The provider that it began with has ended it, or renews it no more. */
  | 'provider'
  /** A partial session, whose login is through or given up. */
  | 'login-over'

interface About {
  readonly at: EpochMs
  readonly requestId: string | undefined
  readonly clientIp: string | undefined
}

/** What happened that someone may have to answer for. Never a token, a password, a code or a key: only ids and names. */
export type AuditEvent = About &
  (
    | {
        readonly event: 'AuthnSucceeded'
        readonly realm: RealmName
        readonly username: string
        /** None where a program had somebody prove who they are, and nothing more. */
        readonly sid: string | undefined
        readonly authLevel: number
        readonly modules: readonly string[]
        /** The server that said who it is, where none of them proved it themselves. */
        readonly assertedBy?: string
      }
    | {
        readonly event: 'AuthnFailed'
        readonly realm: RealmName
        readonly username: string | undefined
        readonly reason: string
        readonly assertedBy?: string
      }
    | {
        readonly event: 'AuthnThrottled'
        readonly realm: RealmName
        readonly username: string | undefined
        readonly scope: 'account' | 'network'
      }
    /** Somebody set up something to prove who they are. `factor`: its public id. */
    | {
        readonly event: 'FactorEnrolled'
        readonly realm: RealmName
        readonly username: string
        readonly type: string
        readonly factor: string
      }
    /** Its owner removed it. */
    | {
        readonly event: 'FactorRemoved'
        readonly realm: RealmName
        readonly username: string
        readonly type: string
        readonly factor: string
      }
    /** An administrator removed what somebody proves who they are with. `by`: who; `before` and `after`: the types of what there was and is. */
    | {
        readonly event: 'FactorsReset'
        readonly realm: RealmName
        readonly username: string
        readonly by: string
        readonly before: readonly string[]
        readonly after: readonly string[]
      }
    /** `by`: on the account page, in a login that demanded it, or by an administrator. `sid`: the session it was done with. */
    | {
        readonly event: 'PasswordChanged'
        readonly realm: RealmName
        readonly username: string
        readonly sid: string | undefined
        readonly by: 'account' | 'login' | 'administrator'
      }
    /** What somebody did with managed users. `by`: who, as for `SessionsAdministered`. */
    | {
        readonly event: 'UserAdministered'
        readonly realm: RealmName
        readonly username: string
        readonly by: string
        readonly action: 'add' | 'set' | 'enable' | 'disable' | 'remove' | 'unlock'
      }
    | {
        /** A person approved one request, which may pass once now. */
        readonly event: 'TransactionApproved'
        readonly realm: RealmName
        readonly username: string
        readonly sid: string
        readonly agent: AgentId
        readonly method: string
        readonly path: string
        readonly transaction: string
      }
    | {
        /** The approved request passed. */
        readonly event: 'TransactionRedeemed'
        readonly realm: RealmName
        readonly username: string
        readonly sid: string
        readonly agent: AgentId
        readonly method: string
        readonly path: string
        readonly transaction: string
      }
    | { readonly event: 'GotoRefused'; readonly realm: RealmName; readonly goto: string; readonly reason: string }
    | { readonly event: 'SessionCreated'; readonly realm: RealmName; readonly username: string; readonly sid: string }
    /** A login that was refused because the person has as many sessions as they may. */
    | {
        readonly event: 'QuotaReached'
        readonly realm: RealmName
        readonly username: string
        readonly running: number
      }
    /** A login that was refused because the browser would have to carry more than a cookie holds. */
    | { readonly event: 'SessionTooLarge'; readonly realm: RealmName; readonly username: string }
    | {
        readonly event: 'SessionUpgraded'
        readonly realm: RealmName
        readonly username: string
        readonly sid: string
        readonly authLevel: number
      }
    | {
        readonly event: 'SessionEnded'
        readonly realm: RealmName
        readonly username: string
        readonly sid: string
        readonly cause: EndCause
      }
    /** Somebody asked for the end of a live session that is not theirs. `sid`: the session they asked with. */
    | {
        readonly event: 'SessionEndRefused'
        readonly realm: RealmName
        readonly username: string
        readonly sid: string
        readonly target: string
      }
    /** What somebody did with other people's sessions, or was not allowed to. */
    | {
        readonly event: 'SessionsAdministered'
        readonly realm: RealmName
        readonly username: string
        readonly sid: string | undefined
        readonly action: 'list' | 'read' | 'end'
        readonly outcome: 'done' | 'refused'
        readonly target: { readonly realm: RealmName; readonly username?: string; readonly sid?: string }
        /** How many sessions were shown or ended. */
        readonly count?: number
      }
    | {
        readonly event: 'HandshakeCompleted'
        readonly realm: RealmName
        readonly username: string
        readonly sid: string
        readonly agent: AgentId
      }
    | { readonly event: 'HandshakeRefused'; readonly agent: AgentId; readonly reason: string }
    /** One of OpenAM's agents proved which one it is, and got a session of its own. */
    | { readonly event: 'AgentSignedIn'; readonly realm: RealmName; readonly agent: AgentId; readonly sid: string }
    | { readonly event: 'AgentSignedOut'; readonly realm: RealmName; readonly agent: AgentId; readonly sid: string }
    /** `agent`: only where there is one of that name. */
    | {
        readonly event: 'AgentRefused'
        readonly realm: RealmName
        readonly agent: AgentId | undefined
        readonly reason: 'wrong-secret' | 'unknown-agent' | 'throttled' | 'elsewhere'
      }
    /** Somebody was sent to `/cdcservlet`, or to the provider as agents do, with what no agent asks for: a token might have gone elsewhere. */
    | { readonly event: 'CdcRefused'; readonly agent: AgentId | undefined; readonly reason: string }
    /**
     * `OidcAuthorized`: an OpenID client was told who somebody is, or will be when it fetches its tokens. `OidcConsented`: a person agreed
     * that a client may know of them what these scopes tell.
     */
    | {
        readonly event: 'OidcAuthorized' | 'OidcConsented'
        readonly realm: RealmName
        readonly username: string
        readonly sid: string
        readonly client: string
        readonly scope: string
      }
    /** A person took back what an OpenID client may know and do; what it had of them has ended. */
    | {
        readonly event: 'OidcConsentWithdrawn'
        readonly realm: RealmName
        readonly username: string
        readonly sid: string
        readonly client: string
      }
    /** A program that has the realm's token has added an OpenID client. */
    | {
        readonly event: 'OidcClientRegistered'
        readonly realm: RealmName
        readonly client: string
        readonly redirectUris: readonly string[]
      }
    /** What an OpenID client, or somebody in its name, asked for and did not get. `error`: as in OAuth. */
    | {
        readonly event: 'OidcRefused'
        readonly realm: RealmName
        readonly client: string | undefined
        readonly error: string
        readonly reason: string
      }
    /** A SAML partner was told who somebody is. `partner`: its id. */
    | {
        readonly event: 'SamlAsserted'
        readonly realm: RealmName
        readonly username: string
        readonly sid: string
        readonly partner: string
      }
    /** What a SAML partner, or somebody in its name, asked for and did not get. */
    | {
        readonly event: 'SamlRefused'
        readonly realm: RealmName
        readonly partner: string | undefined
        readonly reason: string
      }
    | {
        readonly event: 'AccessDenied'
        readonly realm: RealmName
        readonly username: string
        readonly sid: string
        readonly agent: AgentId
        readonly method: string
        readonly path: string
        readonly policies: readonly string[]
        readonly reason: string
        /** What the session had proved. */
        readonly authLevel: number
        readonly modules: readonly string[]
        /** Every policy that had a part in it, and what it failed on. */
        readonly why: readonly { readonly policy: string; readonly outcome: string; readonly because?: string }[]
      }
    /** Somebody was not signed in at an OpenID client or SAML partner. `partner`: its id; `sid`: none where the session is over. */
    | {
        readonly event: 'PartnerAccessDenied'
        readonly realm: RealmName
        readonly username: string
        readonly sid: string | undefined
        readonly partner: string
        readonly policies: readonly string[]
        readonly reason: string
        readonly authLevel: number
        readonly modules: readonly string[]
        readonly why: readonly { readonly policy: string; readonly outcome: string; readonly because?: string }[]
      }
    | { readonly event: 'UpstreamMisbehaved'; readonly agent: AgentId; readonly reason: string }
    | { readonly event: 'ConfigChanged'; readonly generation: number; readonly files: readonly string[] }
    | { readonly event: 'ConfigRefused'; readonly problems: readonly string[] }
    /** Somebody, or an agent, asked what the policies of a realm (`of`) decide about others, and may not. */
    | {
        readonly event: 'PolicyQuestionRefused'
        readonly realm: RealmName
        readonly username?: string
        readonly agent?: AgentId
        readonly sid: string
        readonly of: RealmName
        readonly question: 'evaluate' | 'evaluateTree' | 'explain' | 'xacml'
      }
    /** Who changed a policy, or was not allowed to. `before` and `after`: what it said and says; `of`: the realm whose policy it is. */
    | {
        readonly event: 'PolicyAdministered'
        readonly realm: RealmName
        readonly username: string
        readonly sid: string
        readonly of: RealmName
        readonly policy: string
        readonly action: 'create' | 'update' | 'delete'
        readonly outcome: 'done' | 'refused'
        readonly before?: object
        readonly after?: object
        /** How many of the decisions that were made lately were compared, and how many are others now. */
        readonly decisions?: { readonly compared: number; readonly changed: number }
      }
  )

/** What the browser of whoever did it says of itself and of them. */
export interface Browser {
  readonly userAgent?: string | undefined
  readonly language?: string | undefined
}

/** Where audit events go. `record` never throws and never blocks the caller; `by` is for notices to people and is not written. */
export interface AuditSink {
  record(event: AuditEvent, by?: Browser): void
}
