import type { Session, SessionResolver } from '../session/session.ts'
import type { Log } from '../telemetry/log.ts'
import type { AccessRequest } from './access-request.ts'

/** One exchange that is under way for a session. */
export interface OpenExchange {
  readonly request: AccessRequest
  readonly session: Session
  /** Its place among the open ones, which {@link Streams} alone sets; -1 where it is none of them. */
  openAt: number
  /** Tears the exchange down on both sides, now. */
  abort(): void
}

export interface StreamsDeps {
  readonly sessions: Pick<SessionResolver, 'touch'>
  readonly log: Pick<Log, 'error'>
  /** Milliseconds between two signs of life of a session with something open; 30,000 by default. */
  readonly touchEveryMs?: number
}

/** What is open for whom, so that the end of a session ends its WebSockets and streams at once. */
export interface Streams {
  /** Call `closed` when the exchange is over. An exchange of a session that has just ended is aborted right away. */
  opened(exchange: OpenExchange): void
  closed(exchange: OpenExchange): void
  /** WebSockets that the session holds open at the request's site. */
  webSockets(request: AccessRequest, session: Session): number
  /** Aborts what is open for the session before this turn of the loop is over. */
  sessionEnded(sid: string): void
  /** Aborts one. Never throws: what goes wrong with one must not leave the others open. */
  cut(exchange: OpenExchange): void
  all(): readonly OpenExchange[]
  /** Those that last until somebody ends them. */
  endless(): readonly OpenExchange[]
  close(): void
}

/** Sessions that ended lately: between resolving one and opening its stream it may have died. */
const REMEMBERED_ENDS = 4_096

export function createStreams({ sessions, log, touchEveryMs = 30_000 }: StreamsDeps): Streams {
  const open = new OpenExchanges()
  const ended = new Set<string>()
  // An open WebSocket or stream counts as use, or a dashboard would log its viewer out.
  const timer = setInterval(() => {
    for (const { session } of open.all()) sessions.touch(session)
  }, touchEveryMs)
  timer.unref()

  const remember = (sid: string): void => {
    ended.add(sid)
    if (ended.size <= REMEMBERED_ENDS) return
    for (const oldest of ended) {
      ended.delete(oldest)
      return
    }
  }

  const cut = (exchange: OpenExchange): void => {
    try {
      exchange.abort()
    } catch (error) {
      const { id, raw } = exchange.request
      log.error({ err: error, requestId: id }, 'an exchange could not be ended properly; its connection is cut')
      raw.socket.destroy()
    }
  }

  // Ends come by the hundred when somebody ends all of a realm: one look at what is open serves for those of one turn.
  const ending = new Set<string>()
  const endThem = (): void => {
    const theirs = open.all().filter(({ session }) => ending.has(session.sid))
    ending.clear()
    theirs.forEach(cut)
  }

  return {
    opened(exchange) {
      open.add(exchange)
      if (ended.has(exchange.session.sid)) cut(exchange)
    },
    closed: (exchange) => open.remove(exchange),
    webSockets: ({ site }, session) => open.tunnels(session, site),
    sessionEnded(sid) {
      remember(sid)
      if (ending.size === 0) queueMicrotask(endThem)
      ending.add(sid)
    },
    cut,
    all: () => open.all(),
    endless: () => open.all().filter(({ request }) => request.upgrade || isEventStream(request)),
    close: () => clearInterval(timer),
  }
}

/** Every request comes and goes here: so all stand in one list, each knows its place, and who looks for some looks at all. */
class OpenExchanges {
  readonly #list: OpenExchange[] = []
  /** WebSockets by session and site; each that opens asks how many there are. */
  readonly #tunnels = new Map<string, number>()

  add(exchange: OpenExchange): void {
    exchange.openAt = this.#list.push(exchange) - 1
    if (exchange.request.upgrade) this.#count(exchange, 1)
  }

  /** Any number of times. */
  remove(exchange: OpenExchange): void {
    const at = exchange.openAt
    if (at === -1) return
    exchange.openAt = -1
    if (exchange.request.upgrade) this.#count(exchange, -1)
    const last = this.#list.pop()
    if (last === undefined || last === exchange) return
    this.#list[at] = last
    last.openAt = at
  }

  tunnels({ sid }: Pick<Session, 'sid'>, { agent }: AccessRequest['site']): number {
    return this.#tunnels.get(`${sid} ${agent}`) ?? 0
  }

  all(): readonly OpenExchange[] {
    return [...this.#list]
  }

  #count({ session: { sid }, request: { site } }: OpenExchange, by: 1 | -1): void {
    const key = `${sid} ${site.agent}`
    const count = (this.#tunnels.get(key) ?? 0) + by
    if (count === 0) this.#tunnels.delete(key)
    else this.#tunnels.set(key, count)
  }
}

/** What an EventSource asks for (HTML §9.2.2). */
function isEventStream({ raw }: AccessRequest): boolean {
  return raw.headers.accept?.includes('text/event-stream') === true
}
