import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Vector {
  readonly id: string
}

/** What waits for one part of the product. */
export interface PendingPart {
  /** The part that empties the entry. */
  readonly part: string
  readonly reason: string
  /** Ids, separated by spaces, by file; `*` for the whole file. */
  readonly vectors: Readonly<Record<string, string>>
  /** Places of `ssrf` that would take an address, and are not built. */
  readonly sinks?: readonly string[]
}

export function readVectors(name: string): readonly Vector[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, `vectors/${name}.json`), 'utf8')) as readonly Vector[]
}

export function vectorFiles(): readonly string[] {
  return readdirSync(join(import.meta.dirname, 'vectors')).map((name) => name.replace(/\.json$/, ''))
}

export function readPending(): readonly PendingPart[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'pending.json'), 'utf8')) as readonly PendingPart[]
}

/** The pending ids of one file, each as often as it is listed. */
export function pendingIds(pending: readonly PendingPart[], name: string, all: readonly string[]): readonly string[] {
  return pending.flatMap(({ vectors }) => {
    const listed = vectors[name] ?? ''
    return listed === '*' ? all : listed.split(' ').filter((id) => id !== '')
  })
}

export interface Coverage {
  readonly all: readonly string[]
  readonly pending: readonly string[]
  /** Ids with a runner of their own. */
  readonly only: readonly string[]
  /** Whether one runner takes every other id. */
  readonly every: boolean
}

/** What keeps the ids of a file from being each run or pending, exactly once. */
export function coverageFaults({ all, pending, only, every }: Coverage): readonly string[] {
  const known = new Set(all)
  const listed = new Set([...only, ...pending])
  return [
    ...repeated(all).map((id) => `${id} is there twice`),
    ...repeated(pending).map((id) => `${id} is pending twice`),
    ...[...listed].filter((id) => !known.has(id)).map((id) => `there is no ${id}`),
    ...only.filter((id) => pending.includes(id)).map((id) => `${id} is pending and has a runner`),
    ...all.filter((id) => !every && !listed.has(id)).map((id) => `${id} has neither a runner nor a reason`),
  ]
}

function repeated(ids: readonly string[]): readonly string[] {
  return ids.filter((id, at) => ids.indexOf(id) !== at)
}
