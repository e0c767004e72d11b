import type { Lockout } from '../identity/lockouts.ts'
import type { UserRecord } from '../identity/managed/user-records.ts'
import { oneLine } from '../telemetry/one-line.ts'

/** A user without anything that proves who they are. */
function shown({ id, username, groups, attributes, disabled, mustChange, ...times }: UserRecord): object {
  return {
    username,
    id,
    groups,
    attributes,
    disabled,
    mustChangePassword: mustChange,
    passwordChangedAt: new Date(times.passwordChangedAt).toISOString(),
    createdAt: new Date(times.createdAt).toISOString(),
  }
}

export function usersAsJson(users: readonly UserRecord[]): string {
  return `${oneLine(JSON.stringify({ users: users.map(shown) }, undefined, 2))}\n`
}

/** One line a user: the name, the groups, and what is the matter with them. */
export function usersAsText(users: readonly UserRecord[]): string {
  const width = users.reduce((widest, { username }) => Math.max(widest, username.length), 0)
  return users
    .map(({ username, groups, disabled, mustChange }) => {
      const matters = [...(disabled ? ['disabled'] : []), ...(mustChange ? ['must change password'] : [])]
      return `${oneLine([username.padEnd(width), groups.join(','), matters.join(', ')].join('  ').trimEnd())}\n`
    })
    .join('')
}

/** What keeps an account waiting. */
export function lockoutsAsText(waiting: readonly Lockout[], failures: number): string {
  const lines = waiting.map(({ network, factor, failures: count, until }) => {
    const where = network ?? 'everywhere'
    const what = factor === undefined ? 'password' : factor
    return `${where}  ${what}  ${count} failures  until ${new Date(until).toISOString()}\n`
  })
  return lines.length === 0 ? `nobody has to wait; ${failures} recent failures\n` : lines.join('')
}
