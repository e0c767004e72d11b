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

  return {
    opened(exchange) {
      open.add(exchange)
      if (ended.has(exchange.session.sid)) cut(exchange)
    },
    closed: (exchange) => open.remove(exchange),
    webSockets: ({ site }, { sid }) =>
      open.of(sid).filter(({ request }) => request.upgrade && request.site.agent === site.agent).length,
    sessionEnded(sid) {
      remember(sid)
      open.of(sid).forEach(cut)
    },
    cut,
    all: () => open.all(),
    endless: () => open.all().filter(({ request }) => request.upgrade || isEventStream(request)),
    close: () => clearInterval(timer),
  }
}

/** Every request comes and goes here, ends of sessions are rare: so all stand in one list, each knows its place, and who looks for some looks at all. */
class OpenExchanges {
  readonly #list: OpenExchange[] = []

  add(exchange: OpenExchange): void {
    exchange.openAt = this.#list.push(exchange) - 1
  }

  /** Any number of times. */
  remove(exchange: OpenExchange): void {
    const at = exchange.openAt
    if (at === -1) return
    exchange.openAt = -1
    const last = this.#list.pop()
    if (last === undefined || last === exchange) return
    this.#list[at] = last
    last.openAt = at
  }

  of(sid: string): readonly OpenExchange[] {
    return this.#list.filter(({ session }) => session.sid === sid)
  }

  all(): readonly OpenExchange[] {
    return [...this.#list]
  }
}

/** What an EventSource asks for (HTML §9.2.2). */
function isEventStream({ raw }: AccessRequest): boolean {
  return raw.headers.accept?.includes('text/event-stream') === true
}
