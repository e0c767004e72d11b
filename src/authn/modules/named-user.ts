import { isAnonymous } from '../../session/anonymous.ts'
import type { User, UserDirectory } from '../../identity/directory.ts'

const LONGEST = 256

/** Whether every reader takes the name for the same one: nothing in it is cut, folded or invisible elsewhere. */
export function isPlainName(name: string): boolean {
  return (
    name !== '' &&
    name.length <= LONGEST &&
    name.isWellFormed() &&
    !/[\p{C}]/u.test(name) &&
    name.trim() === name &&
    name.normalize('NFC') === name
  )
}

/** The one enabled user whose `id`, `username` or attribute is exactly this. */
export async function userNamed(directory: UserDirectory, is: string, value: string): Promise<User | undefined> {
  // Not somebody without proof, whom the directory knows by id.
  if (is === 'id' && isAnonymous({ userId: value })) return undefined
  return is === 'id' ? directory.find(value) : directory.findBy?.(is, value)
}
