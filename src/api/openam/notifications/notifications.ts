import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { onSessionEnded } from '../../../session/ended.ts'
import type { Session } from '../../../session/session.ts'
import type { RevocationLog } from '../../../store/store.ts'
import type { Log } from '../../../telemetry/log.ts'
import { sameUser } from '../../administration.ts'
import { SUBPROTOCOL } from './messages.ts'
import { CLOSE, Subscriber, type Party } from './subscriber.ts'

export interface NotificationsDeps {
  readonly revocations: Pick<RevocationLog, 'subscribe'>
  readonly log: Log
  /** Milliseconds between two pings; 30,000 by default. After two without an answer the connection is dropped. */
  readonly heartbeatMs?: number
}

/** A connection that was handed over, with what was read of it already. */
export interface Connection {
  readonly socket: Duplex
  readonly head: Buffer
}

/** All who listen at this process, and what they are told. There is one for the process: its listeners outlive no configuration. */
export interface Notifications {
  /** Rises whenever everybody has to come back; who was let in under an older one has to, too. */
  era(): number
  /** `too-many`: the session or its user has their share already. `full`: so has the process, or it stops. */
  room(session: Pick<Session, 'sid' | 'realm' | 'userId'>): 'free' | 'too-many' | 'full'
  /** Completes a handshake that was judged in `era`, in the turn in which there was room. */
  welcome(request: IncomingMessage, connection: Connection, party: Party, era: number): void
  /** Closes all, who may come back at once: the configuration is another, or something may have been missed. */
  restart(): void
  /** Closes all, and lets nobody in any more. */
  drain(): void
  close(): void
}

/** Connections of one session. */
const MOST_OF_SESSION = 8
/** And of one user: with a thousand sessions they would have all there are. */
export const MOST_OF_USER = 64
const MOST_IN_ALL = 1_000

/** Bytes of a message: a subscription is a line. Nothing is compressed, so nothing can be inflated (zip bomb). */
const LIMITS = { maxPayload: 4_096, maxFragments: 16, perMessageDeflate: false, closeTimeout: 2_000 } as const

export function createNotifications({ revocations, log, heartbeatMs = 30_000 }: NotificationsDeps): Notifications {
  const listening = new Set<Subscriber>()
  const state = { era: 0, draining: false }
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    ...LIMITS,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })

  const closeAll = (why: readonly [number, string]): void => {
    state.era++
    for (const subscriber of listening) subscriber.end(why)
  }
  const restart = (): void => closeAll(CLOSE.restart)
  const ended = onSessionEnded(
    revocations,
    (_, ending) => {
      for (const subscriber of listening) subscriber.hear(ending)
    },
    log,
    restart,
  )
  const timer = setInterval(() => {
    for (const subscriber of listening) subscriber.beat()
  }, heartbeatMs)
  timer.unref()

  return {
    era: () => state.era,
    room(session) {
      if (state.draining || listening.size >= MOST_IN_ALL) return 'full'
      const own = [...listening].filter((subscriber) => sameUser(subscriber.session, session))
      const ofSession = own.filter((subscriber) => subscriber.session.sid === session.sid)
      return own.length < MOST_OF_USER && ofSession.length < MOST_OF_SESSION ? 'free' : 'too-many'
    },
    welcome(request, { socket, head }, party, era) {
      server.handleUpgrade(request, socket, head, (webSocket) => {
        const subscriber = new Subscriber(webSocket, party, log)
        listening.add(subscriber)
        webSocket.once('close', () => listening.delete(subscriber))
        if (era === state.era) subscriber.recheck()
        else subscriber.end(CLOSE.restart)
      })
    },
    restart,
    drain() {
      state.draining = true
      closeAll(CLOSE.goingAway)
    },
    close() {
      clearInterval(timer)
      ended.close()
    },
  }
}
