import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Generation } from '../base/generation.ts'
import type { Client } from '../http/client.ts'
import type { ClientResolver } from '../http/forwarded.ts'
import type { ErrorPages } from '../http/refusal-page.ts'
import type { HostTable } from './routes.ts'

/** What was established about a request before it reaches the login host. */
export interface LoginHostFacts {
  readonly requestId: string
  readonly client: Client
}

/** Port: the login host's own pages. Answers every request; `request.url` is canonical by then. */
export type LoginHost = (request: IncomingMessage, response: ServerResponse, facts: LoginHostFacts) => void

/** Everything of one configuration generation that the data plane needs. */
export interface GatewayGeneration extends Generation {
  readonly hosts: HostTable
  readonly clientOf: ClientResolver
  readonly pages: ErrorPages
  readonly loginHost: LoginHost
}
