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
  /** Call `done` when the exchange is over. An exchange of a session that has just ended is aborted right away. */
  opened(exchange: OpenExchange): { done(): void }
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
  const bySid = new Map<string, Set<OpenExchange>>()
  const ended = new Set<string>()
  // An open WebSocket or stream counts as use, or a dashboard would log its viewer out.
  const timer = setInterval(() => {
    for (const open of bySid.values()) for (const { session } of open) sessions.touch(session)
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

  const all = (): OpenExchange[] => [...bySid.values()].flatMap((open) => [...open])

  return {
    opened(exchange) {
      const { sid } = exchange.session
      let open = bySid.get(sid)
      if (open === undefined) bySid.set(sid, (open = new Set()))
      open.add(exchange)
      if (ended.has(sid)) cut(exchange)
      return {
        done: () => {
          open.delete(exchange)
          if (open.size === 0 && bySid.get(sid) === open) bySid.delete(sid)
        },
      }
    },
    webSockets(request, { sid }) {
      let count = 0
      for (const open of bySid.get(sid) ?? []) {
        if (open.request.upgrade && open.request.site.agent === request.site.agent) count++
      }
      return count
    },
    sessionEnded(sid) {
      remember(sid)
      for (const exchange of bySid.get(sid) ?? []) cut(exchange)
    },
    cut,
    all,
    endless: () => all().filter(({ request }) => request.upgrade || isEventStream(request)),
    close: () => clearInterval(timer),
  }
}

/** What an EventSource asks for (HTML §9.2.2). */
function isEventStream({ raw }: AccessRequest): boolean {
  return raw.headers.accept?.includes('text/event-stream') === true
}
