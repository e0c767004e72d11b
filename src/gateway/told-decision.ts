import { channel } from 'node:diagnostics_channel'
import type { AccessRequest } from './access-request.ts'
import type { Asker } from './policy-query.ts'
import type { Verdict } from './verdict.ts'

/** A decision as it will be enforced, and what it was about. */
export interface ToldDecision {
  readonly request: AccessRequest
  /** `undefined` where the session did not matter. */
  readonly asker: Asker | undefined
  readonly verdict: Verdict
}

/** Node's diagnostics channel of all decisions. It costs nothing while nobody listens, and changes nothing; a listener must not throw. */
export const DECISIONS = 'gatehouse:decision'

const decisions = channel(DECISIONS)

export function tellDecision(request: AccessRequest, asker: Asker | undefined, verdict: Verdict): void {
  if (decisions.hasSubscribers) decisions.publish({ request, asker, verdict } satisfies ToldDecision)
}
