import type { RealmName } from '../base/brand.ts'
import { sha256 } from '../crypto/sha256.ts'
import type { NamedDirectory } from './directory.ts'
import type { RealmUsers } from './directories.ts'

export interface FactorOwner {
  readonly realm: RealmName
  readonly userId: string
}

/** `gone`: for good, says who keeps them. `missing`: they are not where they were, as somebody who is moved or restored may be. */
export type OwnerStanding = 'there' | 'gone' | 'missing' | 'unknown'

/** What one configuration knows of those whom factors belong to. */
export interface FactorOwners {
  /** Another one for other users. */
  readonly version: string
  /** `unknown` for users of directories outside, which are not asked. */
  configured(owner: FactorOwner): Promise<OwnerStanding>
  /** Rejects when a directory cannot say. */
  anywhere(owner: FactorOwner): Promise<OwnerStanding>
}

export function createFactorOwners(
  realms: Iterable<Pick<RealmUsers, 'name' | 'directory' | 'users'>>,
  directories: ReadonlyMap<RealmName, NamedDirectory>,
): FactorOwners {
  const anywhere = async ({ realm, userId }: FactorOwner): Promise<OwnerStanding> => {
    const directory = directories.get(realm)
    // A realm that is gone may come back, with its users.
    if (directory === undefined) return 'unknown'
    if (directory.exists !== undefined) return (await directory.exists(userId)) ? 'there' : 'missing'
    const isThere = (await directory.find(userId)) !== undefined || directory.absence(userId) === 'disabled'
    return isThere ? 'there' : 'gone'
  }
  return {
    version: sha256(
      JSON.stringify([...realms].map(({ name, directory, users }) => [name, directory.type, users.map(idOf)])),
    ),
    anywhere,
    configured: async (owner) =>
      directories.get(owner.realm)?.exists === undefined ? anywhere(owner) : Promise.resolve('unknown'),
  }
}

const idOf = ({ id, username }: RealmUsers['users'][number]): string => id ?? username
