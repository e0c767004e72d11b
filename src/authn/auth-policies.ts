import type { User } from '../identity/directory.ts'
import type { AuthPolicy } from './policies.schema.ts'

/** The policy that says which factors a user may begin with and which they need besides: one for the user, a group, or everybody. */
export function policyFor(
  policies: readonly AuthPolicy[],
  { username, groups }: Pick<User, 'username' | 'groups'>,
): AuthPolicy | undefined {
  return (
    policies.find(({ users }) => users?.includes(username)) ??
    policies.find((policy) => policy.groups?.some((group) => groups.has(group))) ??
    policies.find((policy) => policy.users === undefined && policy.groups === undefined)
  )
}
