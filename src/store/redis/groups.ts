import type { Bucket } from '../store.ts'

/**
 * How many parts of the key space there are. One part is one hash slot of a cluster, so that a script reaches everything of a session
 * and the revocation log beside it. Never changes: keys carry the part.
 */
export const GROUPS = 16
const BUCKETS_PER_GROUP = 1_024 / GROUPS
const SLOTS = 16_384

/** 0 to 15. */
export type Group = number

export const ALL_GROUPS: readonly Group[] = Array.from({ length: GROUPS }, (_, group) => group)

/** CRC-16/XMODEM, by which a cluster places keys (Redis Cluster Specification, "Keys hash tags"). */
function crc16(text: string): number {
  let crc = 0
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff
  }
  return crc
}

function slotOf(tag: string): number {
  return crc16(tag) % SLOTS
}

/** The first name whose slot lies in the group's own sixteenth of the slots: primaries get an equal share of the groups. */
function tagOf(group: Group): string {
  for (let attempt = 0; ; attempt++) {
    const tag = `g${group}.${attempt}`
    if (Math.floor(slotOf(tag) / (SLOTS / GROUPS)) === group) return tag
  }
}

export interface GroupTable {
  /** What the keys of a group begin with. */
  readonly bases: readonly string[]
  readonly slots: readonly number[]
}

export function groupTable(keyPrefix: string): GroupTable {
  const tags = ALL_GROUPS.map(tagOf)
  return { bases: tags.map((tag) => `${keyPrefix}{${tag}}`), slots: tags.map(slotOf) }
}

export function groupOfBucket(bucket: Bucket): Group {
  return Math.floor(bucket / BUCKETS_PER_GROUP) % GROUPS
}

const SID = /^(\d{4})\./

/** The bucket that a sid starts with; `undefined` for what is no sid. */
export function bucketOfSid(sid: string): Bucket | undefined {
  const digits = SID.exec(sid)?.[1]
  const bucket = digits === undefined ? undefined : Number(digits)
  return bucket !== undefined && bucket < GROUPS * BUCKETS_PER_GROUP ? bucket : undefined
}

/** What a sid starts with when it is of this bucket. */
export function bucketDigits(bucket: Bucket): string {
  return String(bucket).padStart(4, '0')
}

export function firstBucketOf(group: Group): Bucket {
  return group * BUCKETS_PER_GROUP
}

/** For what belongs to no bucket: spreads keys over the groups (FNV-1a). */
export function groupOfKey(key: string): Group {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % GROUPS
}
