import type { Session, SessionResolver } from '../session/session.ts'
import type { Log } from '../telemetry/log.ts'
import type { AccessRequest } from './access-request.ts'

/** One exchange that is under way for a session. */
export interface OpenExchange {
  readonly request: AccessRequest
  readonly session: Session
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
  const open = new OpenBySession()
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

/** Most sessions have one exchange open at a time, which stands for itself: a set for each request would cost more than the rest. */
class OpenBySession {
  readonly #bySid = new Map<string, OpenExchange | Set<OpenExchange>>()

  add(exchange: OpenExchange): void {
    const { sid } = exchange.session
    const found = this.#bySid.get(sid)
    if (found === undefined) this.#bySid.set(sid, exchange)
    else if (found instanceof Set) found.add(exchange)
    else this.#bySid.set(sid, new Set([found, exchange]))
  }

  remove(exchange: OpenExchange): void {
    const { sid } = exchange.session
    const found = this.#bySid.get(sid)
    if (found === exchange) this.#bySid.delete(sid)
    else if (found instanceof Set && found.delete(exchange) && found.size === 0) this.#bySid.delete(sid)
  }

  of(sid: string): readonly OpenExchange[] {
    const found = this.#bySid.get(sid)
    if (found === undefined) return []
    return found instanceof Set ? [...found] : [found]
  }

  all(): readonly OpenExchange[] {
    return [...this.#bySid.keys()].flatMap((sid) => this.of(sid))
  }
}

/** What an EventSource asks for (HTML §9.2.2). */
function isEventStream({ raw }: AccessRequest): boolean {
  return raw.headers.accept?.includes('text/event-stream') === true
}
