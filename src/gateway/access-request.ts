import type { IncomingMessage } from 'node:http'
import type { Client } from '../http/client.ts'
import type { Target } from '../http/request-url.ts'
import type { Site } from './site.ts'

/** One request to a site, read once at the edge; every field is always there, so that all have one hidden class. */
export interface AccessRequest {
  readonly id: string
  readonly raw: IncomingMessage
  readonly method: string
  readonly target: Target
  readonly client: Client
  readonly site: Site
  /** A WebSocket handshake. */
  readonly upgrade: boolean
  /** The user's approval of exactly this request has been used for it. */
  readonly approved: boolean
  /** The transaction whose approval the client says it brings. */
  readonly transaction: string | undefined
  readonly stages: StageTimes
}

/** Milliseconds of the stages that ran, for the access line. */
export interface StageTimes {
  sessionMs: number | undefined
  policyMs: number | undefined
}

/** The absolute URL of the request, built from configuration. */
export function urlOf({ site, target }: Pick<AccessRequest, 'site' | 'target'>): string {
  return site.url + target.target
}
