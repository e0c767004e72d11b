import type { Session } from '../../session/session.ts'
import type { Log } from '../../telemetry/log.ts'
import { isComplete, nextStop, stopUnderWay, withStop, type Aside, type Departure, type Stop } from './departure.ts'
import type { Departures } from './departures.ts'
import type { Carried, LogoutProtocol } from './logout-protocol.ts'

/** Whom a session is known to, before it ends. */
export type Plan = Pick<Departure, 'stops' | 'asides'>

/** What a browser on the way out is to do. */
export type Turn =
  /** Nobody is on the way out with it. */
  | { readonly kind: 'nobody' }
  /** It goes to a partner now. */
  | ({ readonly kind: 'go'; readonly stop: Stop; readonly carried: Carried } & Standing)
  /** It has been to a partner, and has brought no answer. */
  | ({ readonly kind: 'stuck'; readonly stop: Stop } & Standing)
  /** All have been told. */
  | ({ readonly kind: 'over' } & Standing)

/** How far it all is. `untold`: those that are told from here and have not been yet, by `untoldKey`. */
export interface Standing {
  readonly departure: Departure
  readonly untold: ReadonlySet<string>
}

/** Signing out, at all partners. The session itself never waits for any of it. */
export interface Leaving extends Pick<Departures, 'begin' | 'load' | 'change' | 'heard' | 'end'> {
  /** `except`: the partner that began it. Never rejects: nobody stays signed in because a partner, or what is known of it, cannot be had. */
  plan(session: Session, except?: Pick<Aside, 'protocol' | 'partner'>): Promise<Plan>
  /** The session's browser is taken to the stops, so that nobody is told twice. Never rejects. */
  visits(session: Session, plan: Pick<Plan, 'stops'>): Promise<void>
  /** The browser's next step. Each stop is gone to once, so nothing goes round in circles. */
  turn(secret: string): Promise<Turn>
  /** What the browser takes back to who began; `undefined` where nobody waits for an answer. */
  answer(departure: Departure): Promise<Carried | undefined>
}

export interface LeavingDeps {
  readonly departures: Departures
  readonly protocols: readonly LogoutProtocol[]
  readonly log: Pick<Log, 'warn'>
}

/** Stops of one departure: somebody who is known to more has been signed in by a program. */
const MOST_STOPS = 30

export function untoldKey({ protocol, partner }: Pick<Aside, 'protocol' | 'partner'>): string {
  return JSON.stringify([protocol, partner])
}

export function createLeaving({ departures, protocols, log }: LeavingDeps): Leaving {
  const protocolOf = (name: string): LogoutProtocol | undefined => protocols.find((each) => each.name === name)

  const carriedTo = async (departure: Departure, stop: Stop): Promise<Carried | undefined> => {
    try {
      return await protocolOf(stop.protocol)?.request(departure.realm, stop)
    } catch (error) {
      log.warn({ err: error, partner: stop.partner }, 'a partner could not be told that a session has ended')
      return undefined
    }
  }

  const turn = async (secret: string): Promise<Turn> => {
    const departure = await departures.load(secret)
    if (departure === undefined) return { kind: 'nobody' }
    const under = stopUnderWay(departure)
    if (under !== undefined) return { kind: 'stuck', stop: under, departure, untold: await untoldOf(departure) }
    const stop = nextStop(departure)
    if (stop === undefined) return { kind: 'over', departure, untold: await untoldOf(departure) }
    const carried = await carriedTo(departure, stop)
    const { requestId } = carried ?? {}
    const claim = { isMine: false }
    const next = await departures.change(secret, (found) => {
      const same = found.stops.find(
        ({ state, protocol, partner }) => state === 'waiting' && protocol === stop.protocol && partner === stop.partner,
      )
      claim.isMine = same !== undefined && stopUnderWay(found) === undefined
      if (same === undefined || !claim.isMine) return found
      return withStop(found, same, carried === undefined ? { state: 'failed' } : { state: 'sent', requestId })
    })
    if (next === undefined) return { kind: 'nobody' }
    // Another tab was quicker, or there is nothing to carry: what is next is seen anew.
    if (!claim.isMine || carried === undefined) return turn(secret)
    if (requestId !== undefined) await departures.sent(secret, requestId)
    return { kind: 'go', stop, carried, departure: next, untold: await untoldOf(next) }
  }

  const untoldOf = async ({ realm, sid, asides }: Departure): Promise<ReadonlySet<string>> => {
    const names = new Set(asides.filter(({ way }) => way === 'server').map(({ protocol }) => protocol))
    const all = await Promise.all(
      [...names].map(async (protocol) =>
        [...((await protocolOf(protocol)?.untold(realm, sid)) ?? [])].map((partner) =>
          untoldKey({ protocol, partner }),
        ),
      ),
    )
    return new Set(all.flat())
  }

  return {
    ...departures,
    async plan(session, except) {
      const settled = await Promise.allSettled(protocols.map((protocol) => protocol.knownTo(session)))
      const known = settled.flatMap((result) => {
        if (result.status === 'fulfilled') return result.value
        log.warn({ err: result.reason, sid: session.sid }, 'whom a session is known to could not be read')
        return []
      })
      const others = known.filter(
        ({ protocol, partner }) => except?.protocol !== protocol || except.partner !== partner,
      )
      const stops = others.flatMap((each): Stop[] => {
        if (each.way !== 'browser') return []
        const { protocol, partner, title, data } = each
        return [{ protocol, partner, title, data, state: 'waiting' }]
      })
      const asides = others.filter((each) => each.way !== 'browser')
      return { stops: stops.slice(0, MOST_STOPS), asides }
    },
    async visits(session, { stops }) {
      const names = new Set(stops.map(({ protocol }) => protocol))
      try {
        await Promise.all([...names].map(async (name) => protocolOf(name)?.visited?.(session)))
      } catch (error) {
        log.warn({ err: error, sid: session.sid }, 'a provider that the browser is taken to is told from here, too')
      }
    },
    turn,
    answer: async (departure) => {
      const { ending } = departure
      if (ending.kind !== 'answer') return undefined
      return protocolOf(ending.protocol)?.answer(departure, isComplete(departure))
    },
  }
}
