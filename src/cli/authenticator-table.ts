import type { Factor } from '../identity/factors.ts'
import { oneLine } from '../telemetry/one-line.ts'
import { plain, textTable } from './text-table.ts'

/** What one person set up to prove who they are. */
export interface Owned {
  readonly userId: string
  /** `undefined` where the names are kept elsewhere, or nobody has the id any more. */
  readonly username: string | undefined
  readonly factors: readonly Factor[]
}

/** One line a factor. What it proves with is no part of it, and what people call it cannot drive the terminal. */
export function authenticatorsAsText(owners: readonly Owned[]): string {
  const rows = owners.flatMap(({ userId, username = userId, factors }) =>
    factors.map(({ id, type, name, createdAt, lastUsedAt }) => [
      id,
      plain(username),
      type,
      plain(name),
      iso(createdAt),
      lastUsedAt === undefined ? 'never' : iso(lastUsedAt),
    ]),
  )
  return textTable(['authenticator', 'user', 'type', 'name', 'since', 'last used'], rows)
}

/** For one JSON document: times in ISO 8601, and nothing that the factors prove with. */
export function shownOf({ userId, username, factors }: Owned): readonly object[] {
  const user = username === undefined ? { userId } : { userId, username }
  return factors.map(({ id, type, name, createdAt, lastUsedAt }) => ({
    ...{ id, type, name, ...user, createdAt: iso(createdAt) },
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: iso(lastUsedAt) }),
  }))
}

export function asJson(value: object): string {
  return `${oneLine(JSON.stringify(value, undefined, 2))}\n`
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
