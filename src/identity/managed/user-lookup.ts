import { hasValue } from '../directory.ts'
import type { UserRecord, UserRecords } from './user-records.ts'

type Listed = Pick<UserRecord, 'id' | 'username' | 'attributes'>

/** Who has a value of an attribute. Records are sealed, so that only reading all of them tells. */
export interface UserLookup {
  /**
   * Ids of the enabled users with exactly this value. Everybody is read at the first question, and again at the first one after `forget`;
   * who asks meanwhile waits for the same reading.
   */
  idsWith(attribute: string, value: string): Promise<readonly string[]>
  /** Somebody has changed. */
  forget(): void
}

export function createUserLookup({ list }: Pick<UserRecords, 'list'>): UserLookup {
  let all: Promise<readonly Listed[]> | undefined

  const read = async (): Promise<readonly Listed[]> => {
    const users = await list()
    // Of what is kept for longer, nothing is a secret.
    return users
      .filter(({ disabled }) => !disabled)
      .map(({ id, username, attributes }) => ({ id, username, attributes }))
  }
  const everybody = (): Promise<readonly Listed[]> => {
    if (all !== undefined) return all
    const reading = read()
    all = reading
    reading.catch(() => {
      if (all === reading) all = undefined
    })
    return reading
  }
  return {
    async idsWith(attribute, value) {
      return (await everybody()).filter((user) => hasValue(user, attribute, value)).map(({ id }) => id)
    },
    forget: () => (all = undefined),
  }
}
