import { LRUCache } from 'lru-cache'
import type { Clock } from '../../base/clock.ts'
import { fault } from '../../errors.ts'
import type { Session } from '../../session/session.ts'

const MOST_WATCHED = 50_000
/** A provider that did not answer is left alone for this long, in milliseconds. */
const REST_MS = 1_000

export type Standing = 'live' | 'over' | 'unknown'

/** `unconfirmed`: it was good when the provider was heard last, and nobody can be asked now. */
export type Confirmed = 'live' | 'unconfirmed'

export interface SessionWatchDeps {
  /** Asks the provider. Never rejects. */
  readonly ask: (session: Session) => Promise<Standing>
  /** How long its word counts, and how much longer while it cannot be asked; in milliseconds. */
  readonly rules: { readonly recheck: number; readonly grace: number }
  readonly clock: Clock
}

/**
 * Whether sessions go on at the provider that they began with. As for the store itself: its word counts for a moment, and while it cannot be
 * had, a little longer, counted from when it was given; after that nobody passes and nobody is signed out.
 */
export interface SessionWatch {
  /** The provider has just said that it lives. */
  confirmed(sid: string): void
  /** At once where the provider was heard of late. Faults with GH_DIRECTORY_UNAVAILABLE when nobody can say. */
  standing(session: Session): Confirmed | Promise<Confirmed | 'over'>
}

export function createSessionWatch({ ask, rules: { recheck, grace }, clock }: SessionWatchDeps): SessionWatch {
  const heardAt = new LRUCache<string, number>({ max: MOST_WATCHED })
  const asking = new Map<string, Promise<Standing>>()
  let silentSince = -Infinity

  const askNow = (session: Session): Promise<Standing> => {
    const { sid } = session
    const before = asking.get(sid)
    if (before !== undefined) return before
    const at = clock()
    const asked = ask(session).then((standing) => {
      asking.delete(sid)
      if (standing === 'live') heardAt.set(sid, at)
      else if (standing === 'over') heardAt.delete(sid)
      else silentSince = clock()
      return standing
    })
    asking.set(sid, asked)
    return asked
  }
  const isInGrace = (sid: string): boolean => clock() - (heardAt.get(sid) ?? -Infinity) < recheck + grace
  const isResting = (): boolean => clock() - silentSince < REST_MS

  return {
    confirmed: (sid) => void heardAt.set(sid, clock()),
    standing(session) {
      const { sid } = session
      if (clock() - (heardAt.get(sid) ?? -Infinity) < recheck) return 'live'
      if (isInGrace(sid) && isResting()) return 'unconfirmed'
      return (isResting() ? Promise.resolve<Standing>('unknown') : askNow(session)).then((standing) => {
        if (standing !== 'unknown') return standing
        if (isInGrace(sid)) return 'unconfirmed'
        throw fault('GH_DIRECTORY_UNAVAILABLE', {
          detail: 'the provider of the realm cannot say whether the session lives',
        })
      })
    },
  }
}
