import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ChangedDecisions } from '../api/ports.ts'
import type { RealmName } from '../base/brand.ts'
import { changesUnder } from '../cli/policy-diff.ts'
import type { AskedRequest, Asker } from '../gateway/policy-query.ts'
import { DECISIONS, type ToldDecision } from '../gateway/told-decision.ts'
import type { PolicyDecisionPoint } from '../policy/decision.ts'

/** Decisions of this process that policies had a part in, lately. */
export interface RecentDecisions {
  /** What becomes of them where other policies are in force. */
  compare(realm: RealmName, before: PolicyDecisionPoint, after: PolicyDecisionPoint): ChangedDecisions
  close(): void
}

/** A few MiB at most, and a few milliseconds to ask about again. */
const MOST = 1_000
/** Characters of path and query. Longer ones are not kept, so that nobody fills the memory with them. */
const LONGEST = 2_048
/** Once there are so many, one is replaced this often: what a busy site throws away is not kept until it is costly to collect. */
const EVERY_MS = 10
/** Of what changes, so many are told. */
const MOST_TOLD = 20

/** Nothing of the connection or of a generation: both would stay in memory with it. */
interface Recent {
  readonly realm: RealmName
  readonly request: Omit<AskedRequest, 'site' | 'raw'>
  readonly site: Pick<AskedRequest['site'], 'policySet' | 'resourceBase'>
  readonly asker: Asker
}

/** Remembers, in memory, what is decided at sites from now on. */
export function recordDecisions(most = MOST): RecentDecisions {
  const recent: Recent[] = []
  let next = 0
  let replacedAt = 0
  const listen = (message: unknown): void => {
    const { request, asker } = message as ToldDecision
    const { site, target, method, approved, client, raw } = request
    if (asker === undefined || site.ssoOnly || target.target.length > LONGEST) return
    if (recent.length === most && asker.now - replacedAt < EVERY_MS) return
    replacedAt = asker.now
    recent[next] = {
      realm: site.realm,
      request: { target, method, approved, client: { ip: client.ip }, environment: site.environment?.(raw) },
      site: { policySet: site.policySet, resourceBase: site.resourceBase },
      asker,
    }
    next = (next + 1) % most
  }
  subscribe(DECISIONS, listen)
  return {
    compare(realm, before, after) {
      const replayed = recent
        .filter((each) => each.realm === realm)
        .map(({ request, site, asker }) => ({
          // A query may be somebody's secret, and is told to nobody.
          request: {
            ...request,
            target: { ...request.target, target: request.target.path },
            site: { ...site, pdp: before },
          },
          asker,
        }))
      const changes = changesUnder(after, replayed)
      return {
        compared: replayed.length,
        changed: changes.reduce((sum, { count }) => sum + count, 0),
        changes: changes.slice(0, MOST_TOLD),
      }
    },
    close: () => void unsubscribe(DECISIONS, listen),
  }
}
