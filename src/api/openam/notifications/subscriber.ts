import type { RawData, WebSocket } from 'ws'
import type { Session, SessionEnding } from '../../../session/session.ts'
import type { SessionOwner } from '../../../store/store.ts'
import type { Log } from '../../../telemetry/log.ts'
import { readRequest, refused, registered, SESSION_TOPIC, sessionEvent } from './messages.ts'

/** What the connection belongs to: a person's session or an agent's. */
export type ListeningSession = Pick<Session, 'sid' | 'realm' | 'userId'>

/** Who listens. Each question is asked anew: a group is lost at once. A fault closes the connection. */
export interface Party {
  readonly session: ListeningSession
  maySee(owner: SessionOwner): boolean | Promise<boolean>
  /** Whether the token that opened the connection still opens its session. */
  isLive(): Promise<boolean>
  /** Told when it begins to listen for the ends of sessions. */
  listens(): Promise<void>
}

/** Why a connection is closed (RFC 6455 §7.4.1). */
export const CLOSE = {
  goingAway: [1001, 'the server stops'],
  unsupported: [1003, 'messages are text'],
  ended: [1008, 'the session has ended'],
  tooMuch: [1008, 'too many messages'],
  fault: [1011, 'something is wrong here; come back later'],
  restart: [1012, 'come back, and ask anew for what you keep'],
} as const

export const MOST_TOPICS = 16
/** Messages between two heartbeats. Pings are the library's: it cuts who sends many and does not read the answers. */
const MOST_MESSAGES = 100
/** Bytes that a reader may be behind. */
const MOST_BUFFERED = 1_048_576
/** Events whose permission is being looked up. */
const MOST_WAITING = 10_000
/** Heartbeats without a sign of life. */
const MOST_SILENCE = 2

/** One connection of `/notifications`: what it subscribed to, and what it is told. Nothing here throws. */
export class Subscriber {
  readonly session: ListeningSession
  readonly #socket: WebSocket
  readonly #party: Party
  readonly #log: Log
  readonly #topics = new Set<string>()
  /** Events are told in the order in which they came, however long a permission takes to look up. */
  #turn = Promise.resolve()
  #waiting = 0
  #received = 0
  #silence = 0
  #over = false

  constructor(socket: WebSocket, party: Party, log: Log) {
    this.#socket = socket
    this.#party = party
    this.#log = log
    this.session = party.session
    socket.on('message', (data, isBinary) => this.#message(data, isBinary))
    socket.on('pong', () => (this.#silence = 0))
    // A message too large, a frame that is none: the library closes the connection, and says so here.
    socket.on('error', () => (this.#over = true))
    socket.on('close', () => (this.#over = true))
  }

  /** A session has ended. */
  hear(ending: SessionEnding): void {
    if (this.#over) return
    const { owner } = ending
    const listens = this.#topics.has(SESSION_TOPIC)
    if (ending.sid === this.session.sid) {
      if (listens) this.#send(sessionEvent(ending))
      this.end(CLOSE.ended)
    } else if (listens && owner !== undefined) this.#queue(ending, owner)
  }

  /** A heartbeat: who has not answered the last ones is gone, and whose session is over has to go. */
  beat(): void {
    if (this.#over) return
    this.#received = 0
    if (++this.#silence > MOST_SILENCE) {
      this.#socket.terminate()
      return
    }
    this.#socket.ping('ping')
    this.recheck()
  }

  /** Closes unless the session is live: it may have ended while the connection was being opened. */
  recheck(): void {
    this.#party.isLive().then(
      (live) => {
        if (!live) this.end(CLOSE.ended)
      },
      (error: unknown) => this.#fail(error),
    )
  }

  /** Says why, and waits for the other side only a moment. */
  end([code, reason]: readonly [number, string]): void {
    if (this.#over) return
    this.#over = true
    this.#socket.close(code, reason)
  }

  #message(data: RawData, isBinary: boolean): void {
    if (this.#over || !this.#count()) return
    this.#silence = 0
    if (isBinary || !Buffer.isBuffer(data)) {
      this.end(CLOSE.unsupported)
      return
    }
    const asked = readRequest(data.toString('utf8'))
    if (asked.kind === 'error') this.#send(refused(asked.error, asked.id))
    else this.#subscribe(asked.topic, asked.id)
  }

  #subscribe(topic: string, id: string | undefined): void {
    const isNew = !this.#topics.has(topic)
    if (isNew && this.#topics.size >= MOST_TOPICS) {
      this.#send(refused(`a connection has at most ${MOST_TOPICS} subscriptions`, id))
      return
    }
    this.#topics.add(topic)
    this.#send(registered(topic, id))
    if (isNew && topic === SESSION_TOPIC) this.#party.listens().catch((error: unknown) => this.#fail(error))
  }

  /** False, and the connection is closed, when the client sends more than anybody needs to. */
  #count(): boolean {
    if (++this.#received <= MOST_MESSAGES) return true
    this.end(CLOSE.tooMuch)
    return false
  }

  #queue(ending: SessionEnding, owner: SessionOwner): void {
    if (++this.#waiting > MOST_WAITING) {
      this.end(CLOSE.restart)
      return
    }
    this.#turn = this.#turn.then(() => this.#tell(ending, owner))
  }

  async #tell(ending: SessionEnding, owner: SessionOwner): Promise<void> {
    this.#waiting--
    if (this.#over) return
    try {
      if (await this.#party.maySee(owner)) this.#send(sessionEvent(ending))
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Who does not read is cut: what it is sent would otherwise be kept for it (slow reader). */
  #send(text: string): void {
    if (this.#over) return
    if (this.#socket.bufferedAmount > MOST_BUFFERED) {
      this.#over = true
      this.#socket.terminate()
    } else this.#socket.send(text)
  }

  #fail(error: unknown): void {
    if (this.#over) return
    this.#log.warn({ err: error, sid: this.session.sid }, 'a listener for notifications could not be served')
    this.end(CLOSE.fault)
  }
}
