import type { Advices } from '../policy/decision.ts'
import type { Redemption } from '../session/session.ts'
import type { AccessRequest } from './access-request.ts'
import type { Binding } from './handshake-cookie.ts'
import type { Place } from './login-rules.ts'
import type { MissingSession } from './verdict.ts'

export interface Purpose {
  /** Absolute URL at the site. */
  readonly goto: string
  /** What to prove besides; `undefined` for an ordinary login. */
  readonly advices: Advices | undefined
  /** What there was instead of a session; `undefined` for a step-up. */
  readonly missing: MissingSession | undefined
  /** How often this handshake was started over. */
  readonly restarts: number
  /** What rules about logins look at, where that is not the request's own address. */
  readonly at?: Place
}

/** What came back of a handshake. */
export interface HandshakeArrival {
  readonly redemption: Redemption
  /** How often it was started over. */
  readonly restarts: number
  /** Where it would begin again; the site's start where absent. At the site, as `ownUrl` leaves it. */
  readonly goto?: string | undefined
  /** Beginning again would come to the same. */
  readonly isFinal?: true
}

/**
 * How the two legs of a handshake are dressed: our own parameters, or those of a standard. Counting, cookies and where people come out
 * are the same for all.
 */
export interface HandshakeDress {
  /** Where the browser is sent. */
  depart(request: AccessRequest, purpose: Purpose, binding: Binding): string
  /** Reads what it came back with. `binding`: what it sent of ours. Rejects with a fault when nobody can say. */
  arrive(request: AccessRequest, binding: Binding | undefined): Promise<HandshakeArrival>
}
