import { randomSecret } from '../base/random-id.ts'
import type { Session } from './session.ts'

/** No directory has an id that begins so: it would be taken for nobody's. */
const PREFIX = 'anonymous~'

/**
 * An id for somebody who has proved nothing. Each is another person: their sessions share no quota, no list and no part of the store,
 * and ending one ends nobody else's.
 */
export function newAnonymousId(): string {
  return PREFIX + randomSecret()
}

/** Whether the session is that of somebody who has proved nothing. */
export function isAnonymous({ userId }: Pick<Session, 'userId'>): boolean {
  return userId.startsWith(PREFIX)
}
