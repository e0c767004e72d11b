import { hash } from 'node:crypto'
import type { RealmName } from '../base/brand.ts'
import { randomName } from '../base/random-id.ts'
import type { Bucket } from '../store/store.ts'

/** How many parts the store is cut into. Never changes: tokens carry the number. */
export const BUCKETS = 1_024

/** The part of the store that holds everything of one user, so that one atomic operation can reach it all. */
export function bucketOf(realm: RealmName, userId: string): Bucket {
  // A realm's name holds no NUL, so no two pairs are written alike.
  return hash('sha256', `${realm}\0${userId}`, 'buffer').readUInt16BE(0) % BUCKETS
}

/**
 * Where a user's partial sessions live: never with their others, so that what nobody has finished takes nobody's place in a quota, and
 * no list of a person's sessions shows it.
 */
export function partialBucketOf(realm: RealmName, userId: string): Bucket {
  return (bucketOf(realm, userId) + 1) % BUCKETS
}

/** A name for a new session: its bucket in four digits, then 96 random bits. */
export function newSid(bucket: Bucket): string {
  return `${String(bucket).padStart(4, '0')}.${randomName()}`
}
