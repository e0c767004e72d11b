import type { SessionEnding } from '../../../session/session.ts'
import type { EndCause } from '../../../telemetry/audit.ts'
import { handleOf } from '../session-facts.ts'

/** Subprotocol of `/notifications` as OpenAM's agents ask for it. */
export const SUBPROTOCOL = 'v1.notifications.forgerock.org'

/** What happens to sessions. Other topics may be subscribed to, as with OpenAM, and nothing comes of them. */
export const SESSION_TOPIC = '/agent/session'

/** What a client has sent: a subscription, or why it is none. `id` goes back to it. */
export type Asked =
  | { readonly kind: 'subscribe'; readonly topic: string; readonly id?: string }
  | { readonly kind: 'error'; readonly error: string; readonly id?: string }

const TOPIC = /^(?:\/[A-Za-z0-9._-]{1,64}){1,4}$/

/** Reads `{"action":"subscribe","topic":"/agent/session","id":"x"}`; the id may be left out. */
export function readRequest(text: string): Asked {
  const sent = objectIn(text)
  if (sent === undefined) return { kind: 'error', error: 'the message is no JSON object' }
  const { id, action, topic } = sent
  if (id !== undefined && typeof id !== 'string') return { kind: 'error', error: '"id" must be a string' }
  const echo = id === undefined ? {} : { id }
  const fault = faultOf('action', action) ?? faultOf('topic', topic)
  if (fault !== undefined) return { kind: 'error', error: fault, ...echo }
  if (action !== 'subscribe') return { kind: 'error', error: 'unknown action: the only one is "subscribe"', ...echo }
  if (!TOPIC.test(String(topic))) return { kind: 'error', error: '"topic" must be like "/agent/session"', ...echo }
  return { kind: 'subscribe', topic: String(topic), ...echo }
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}

function faultOf(name: string, value: unknown): string | undefined {
  if (value === undefined) return `missing required field "${name}"`
  return typeof value === 'string' ? undefined : `"${name}" must be a string`
}

/** The answer to a subscription. */
export function registered(topic: string, id: string | undefined): string {
  return JSON.stringify({ topic, message: 'subscription registered', ...(id === undefined ? {} : { id }) })
}

export function refused(error: string, id: string | undefined): string {
  return JSON.stringify({ error, ...(id === undefined ? {} : { id }) })
}

type EventType = 'IDLE_TIMEOUT' | 'MAX_TIMEOUT' | 'LOGOUT' | 'DESTROY'

const EVENT_TYPES: Readonly<Partial<Record<EndCause, EventType>>> = {
  idle: 'IDLE_TIMEOUT',
  'max-life': 'MAX_TIMEOUT',
  logout: 'LOGOUT',
}

/**
 * The end of a session. `tokenId` holds its handle: nobody but the browser has the token, and a listener must not get one that it
 * did not have.
 */
export function sessionEvent({ sid, cause, at }: SessionEnding): string {
  const body = { tokenId: handleOf({ sid }), eventType: EVENT_TYPES[cause] ?? 'DESTROY' }
  return JSON.stringify({ topic: SESSION_TOPIC, timestamp: new Date(at).toISOString(), body })
}
