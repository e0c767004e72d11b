import type { RealmName } from '../base/brand.ts'
import { sha256 } from '../crypto/sha256.ts'
import { epochKeys } from './stateless-claims.ts'

interface Person {
  readonly realm: RealmName
  readonly userId: string
}

/** The counter that a changed password raises: what somebody has who once knew the old one ends, also where it outlives sessions. */
export function passwordEpochKey({ realm, userId }: Person): string {
  return `password:${sha256(`${realm}\0${userId}`)}`
}

/** The counter that a person raises who takes back what one application (`client_id`) may do for them. */
export function consentEpochKey({ realm, userId }: Person, client: string): string {
  return `consent:${sha256(`${realm}\0${userId}\0${client}`)}`
}

/** All counters that end what an application has of a person beyond their sessions: it is good while none has moved. */
export function lastingEpochKeys(person: Person, client: string): readonly string[] {
  return [...epochKeys(person), passwordEpochKey(person), consentEpochKey(person, client)]
}
