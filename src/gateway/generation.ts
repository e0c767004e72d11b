import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Generation } from '../base/generation.ts'
import type { Client } from '../http/client.ts'
import type { ClientResolver } from '../http/forwarded.ts'
import type { ErrorPages } from '../http/refusal-page.ts'
import type { ForwardAuthRules } from './forward-auth/rules.ts'
import type { HostTable } from './routes.ts'

/** What was established about a request before it reaches the login host. */
export interface LoginHostFacts {
  readonly requestId: string
  readonly client: Client
}

/** Port: the login host's own pages. Answers every request; `request.url` is canonical by then. */
export type LoginHost = (request: IncomingMessage, response: ServerResponse, facts: LoginHostFacts) => void

/** A request for a WebSocket that has reached the login host. */
export interface LoginHostUpgrade {
  readonly request: IncomingMessage
  /** For an answer other than 101; the connection ends with it. */
  readonly response: ServerResponse
  readonly facts: LoginHostFacts
  /** Hands the connection over, with what was read of it already; nothing can be answered by `response` afterwards. */
  takeOver(): { readonly socket: Duplex; readonly head: Buffer }
}

/** Port: what speaks WebSocket on the login host. False: the address is none of its, and nothing was touched. */
export type LoginHostSockets = (upgrade: LoginHostUpgrade) => boolean

/** Everything of one configuration generation that the data plane needs. */
export interface GatewayGeneration extends Generation {
  readonly hosts: HostTable
  readonly clientOf: ClientResolver
  readonly pages: ErrorPages
  readonly loginHost: LoginHost
  readonly loginHostSockets?: LoginHostSockets
  /** Proxies that may ask for decisions; without them nobody may. */
  readonly forwardAuth?: ForwardAuthRules | undefined
}
