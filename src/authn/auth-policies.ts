import type { User } from '../identity/directory.ts'
import type { AuthModule } from './modules/module.ts'
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

type Named = Pick<User, 'username' | 'groups'>

/**
 * The level that everybody reaches, whatever the chain, by the second factors that policies want: the lowest that any of these has. For
 * `user` where it is known whose login it is, else for whoever it may turn out to be.
 */
export function policyLevel(
  {
    policies,
    modules,
  }: { readonly policies: readonly AuthPolicy[]; readonly modules: ReadonlyMap<string, AuthModule> },
  user: Named | undefined,
): number {
  const isForAll = ({ users, groups }: AuthPolicy): boolean => users === undefined && groups === undefined
  const possible = user === undefined ? policies : [policyFor(policies, user)].filter((found) => found !== undefined)
  if (user === undefined && !policies.some(isForAll)) return 0
  const levels = possible.map(({ secondFactors = [] }) =>
    secondFactors.length === 0 ? 0 : Math.min(...secondFactors.map((name) => modules.get(name)?.authLevel ?? 0)),
  )
  return levels.length === 0 ? 0 : Math.min(...levels)
}
