import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { RealmName } from '../base/brand.ts'
import type { KeptList } from '../base/kept-list.ts'
import type { Client } from '../http/client.ts'
import type { PolicyConfig } from '../policy/policies.schema.ts'
import type { Session } from '../session/session.ts'

/** Facts about a request that were established before it came here. */
export interface ApiFacts {
  readonly requestId: string
  readonly client: Client
}

/** One interface for programs on the login host. False: the address is none of its, and nothing was touched. */
export type Api = (request: IncomingMessage, response: ServerResponse, facts: ApiFacts) => boolean

/** A request for a WebSocket. */
export interface ApiUpgrade {
  readonly request: IncomingMessage
  /** For an answer other than 101; the connection ends with it. */
  readonly response: ServerResponse
  readonly facts: ApiFacts
  /** Hands the connection over, with what was read of it already; nothing can be answered by `response` afterwards. */
  takeOver(): { readonly socket: Duplex; readonly head: Buffer }
}

/** One interface that speaks WebSocket on the login host. False: the address is none of its, and nothing was touched. */
export type SocketApi = (upgrade: ApiUpgrade) => boolean

/** Changes the policies of a realm where they are kept: in the files of the configuration. */
export type PolicyAdmin = KeptList<PolicyConfig, ChangedDecisions | undefined>

/** How decisions that were made lately would be others. */
export interface ChangedDecisions {
  /** Decisions that were asked again. */
  readonly compared: number
  /** Those of them that would be others. */
  readonly changed: number
  /** Some of what changes, each once. */
  readonly changes: readonly ChangedDecision[]
}

export interface ChangedDecision {
  readonly user: string
  readonly method: string
  readonly url: string
  /** In a few words. */
  readonly before: string
  readonly after: string
  /** How many requests come to this. */
  readonly count: number
}

/** What the configuration says about people. */
export interface People {
  /** Whether the realm exists. */
  hasRealm(realm: RealmName): boolean
  /** The groups whose members administer the realm and those below it. */
  administratorsOf(realm: RealmName): readonly string[]
  /** The groups of the session's user as they are now; none when the user is gone. */
  groupsOf(session: Session): Promise<ReadonlySet<string>>
  /** The immutable id of whoever signs in by this name, in any spelling that the login accepts. */
  userIdOf(realm: RealmName, username: string): string | undefined | Promise<string | undefined>
}
