import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { DenyEntry, Revocation, SessionOwner } from '../store.ts'
import { asList, asText } from './faults.ts'

/** One entry of a stream as Redis hands it out. */
export interface StreamEntry {
  /** `milliseconds-sequence`, rising within one stream. */
  readonly id: string
  readonly fields: ReadonlyMap<string, string>
}

export function toStreamEntry(reply: unknown): StreamEntry {
  const [id, flat] = asList(reply)
  const words = asList(flat).map(asText)
  const fields = new Map<string, string>()
  for (let i = 0; i + 1 < words.length; i += 2) fields.set(words[i] ?? '', words[i + 1] ?? '')
  return { id: asText(id), fields }
}

/** `[milliseconds, sequence]`. */
export function partsOf(id: string): readonly [number, number] {
  const [ms = '0', sequence = '0'] = id.split('-')
  return [Number(ms), Number(sequence)]
}

export function isAfter(id: string, other: string): boolean {
  const [ms, sequence] = partsOf(id)
  const [otherMs, otherSequence] = partsOf(other)
  return ms > otherMs || (ms === otherMs && sequence > otherSequence)
}

export function earlierOf(id: string, other: string): string {
  return isAfter(id, other) ? other : id
}

/** Rises with the ids; a thousand entries of one group in one millisecond are more than Redis can write. */
function cursorOf(id: string): number {
  const [ms, sequence] = partsOf(id)
  return ms * 1_000 + sequence
}

function denyOf(sid: string, text: string): { readonly deny?: DenyEntry } {
  if (text === '') return {}
  const [below = '', until = ''] = text.split(' ')
  return { deny: { sid, belowGen: Number(below), until: Number(until) as EpochMs } }
}

function ownerOf(realm: string, userId: string): { readonly owner?: SessionOwner } {
  return realm === '' ? {} : { owner: { realm: realm as RealmName, userId } }
}

/** The other half of scripts/log-entry.ts. */
export function toRevocation({ id, fields }: StreamEntry): Revocation {
  const field = (name: string): string => fields.get(name) ?? ''
  const logged = { cursor: cursorOf(id), at: Number(field('at')) as EpochMs }
  if (field('kind') === 'epoch-raised') {
    return { ...logged, kind: 'epoch-raised', epoch: { key: field('key'), value: Number(field('value')) } }
  }
  const hashes = field('hashes') === '' ? [] : field('hashes').split('\n')
  const died = {
    ...logged,
    kind: field('kind'),
    sid: field('sid'),
    cause: field('cause'),
    hashes,
    ...ownerOf(field('realm'), field('user')),
    ...denyOf(field('sid'), field('deny')),
  }
  return died as Revocation
}
