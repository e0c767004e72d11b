import { LRUCache } from 'lru-cache'
import { onSessionEnded } from '../../../session/ended.ts'
import type { SessionEnding } from '../../../session/session.ts'
import type { RevocationLog } from '../../../store/store.ts'
import type { Log } from '../../../telemetry/log.ts'
import { notificationOf } from './messages.ts'

/** Who is told of the end of one session. */
export interface SessionListener {
  /** At the agent's own site; judged when it was registered. */
  readonly url: string
  /** The token that the agent knows the session by. */
  readonly token: string
}

/** Which agents this process tells of which sessions. A restart forgets them: agents ask again after five minutes at the latest. */
export interface SessionListeners {
  add(sid: string, listener: SessionListener): void
  close(): void
}

export interface SessionListenersDeps {
  readonly revocations: Pick<RevocationLog, 'subscribe'>
  /** Posts text/xml; rejects where it was not taken. */
  readonly post: (url: string, xml: string) => Promise<unknown>
  readonly log: Log
}

const MOST_SESSIONS = 50_000
/** Listeners of one session: agents of one realm that one person visits. */
const MOST_OF_SESSION = 32
/** Notifications on their way. An agent that does not answer must hold up neither the others nor memory. */
const MOST_AT_ONCE = 16
const MOST_WAITING = 10_000

export function createSessionListeners({ revocations, post, log }: SessionListenersDeps): SessionListeners {
  const bySid = new LRUCache<string, readonly SessionListener[]>({ max: MOST_SESSIONS })
  const waiting: (() => Promise<void>)[] = []
  let running = 0
  const next = (): void => {
    const send = running < MOST_AT_ONCE ? waiting.shift() : undefined
    if (send === undefined) return
    running++
    void send().finally(() => {
      running--
      next()
    })
  }
  const tell = (ending: SessionEnding, { url, token }: SessionListener): void => {
    if (waiting.length >= MOST_WAITING) return
    waiting.push(() =>
      post(url, notificationOf({ ...ending, token })).then(
        () => undefined,
        (error: unknown) =>
          log.warn({ err: error, url, sid: ending.sid }, 'an agent could not be told that a session ended'),
      ),
    )
    next()
  }
  const ended = onSessionEnded(
    revocations,
    (sid, ending) => {
      const listeners = bySid.get(sid) ?? []
      bySid.delete(sid)
      for (const listener of listeners) tell(ending, listener)
    },
    log,
  )
  return {
    add(sid, listener) {
      const others = (bySid.get(sid) ?? []).filter(({ url, token }) => url !== listener.url || token !== listener.token)
      bySid.set(sid, [...others, listener].slice(-MOST_OF_SESSION))
    },
    close() {
      ended.close()
      waiting.length = 0
    },
  }
}
