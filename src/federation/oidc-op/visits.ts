import type { IncomingMessage, ServerResponse } from 'node:http'
import { fault } from '../../errors.ts'
import type { LoginGate } from '../login-gate.ts'

/** A page of the provider's, for who draws it. `targets`: origins that its form may end up at. */
export type OpPage =
  | {
      readonly kind: 'consent'
      readonly client: string
      readonly username: string
      readonly scopes: readonly string[]
      readonly action: string
      readonly targets: readonly string[]
    }
  | {
      /** Policies do not let the person in. */
      readonly kind: 'turned-away'
      readonly client: string
      readonly username: string
      /** Those that decided it. */
      readonly policies: readonly string[]
      readonly action: string
      readonly targets: readonly string[]
    }
  | {
      readonly kind: 'sign-out'
      readonly client: string | undefined
      readonly username: string
      /** Whether the person has to agree; else the page sends itself on. */
      readonly isAsked: boolean
      readonly action: string
      readonly xsrf: string
      readonly targets: readonly string[]
    }
  | {
      readonly kind: 'device-code'
      readonly action: string
      readonly xsrf: string
      readonly problem: 'wrong' | 'over' | 'failed' | undefined
    }
  | {
      readonly kind: 'device-confirm'
      readonly client: string
      readonly action: string
      readonly xsrf: string
      /** As it is typed. */
      readonly userCode: string
      /** As the device shows it. */
      readonly shown: string
    }
  | { readonly kind: 'device-done'; readonly client: string }
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly error: string
      readonly description: string | undefined
    }

/** One request at a provider, from a browser or from a client's server. */
export interface OpVisit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly gate: LoginGate
  readonly requestId: string
  readonly clientIp: string
  /** DER of what the client has shown of itself in its TLS connection, and has the key of; nothing else of it is checked. */
  certificate(): Buffer | undefined
  /** Whether the request came from a page of the login host. */
  sameOrigin(): boolean
  /** A field of the form, once it was read; given exactly once. */
  field(name: string): string | undefined
  /** HTML, in the realm's look and the browser's language; sets the headers that go with it. */
  draw(page: OpPage): string
}

/** The visits that are under way, by their requests: the library knows only those. */
export class Visits {
  readonly #visits = new WeakMap<IncomingMessage, OpVisit>()

  begin(visit: OpVisit): void {
    this.#visits.set(visit.request, visit)
  }

  /** @throws GH_INTERNAL for a request that did not come past `begin` */
  of(request: IncomingMessage): OpVisit {
    const visit = this.#visits.get(request)
    if (visit === undefined)
      throw fault('GH_INTERNAL', { detail: 'a request reached the OpenID provider past its endpoint' })
    return visit
  }
}
