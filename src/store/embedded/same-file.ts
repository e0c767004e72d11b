import { statSync } from 'node:fs'
import { fault } from '../../errors.ts'

const GONE = 'the store file was moved, replaced or deleted: put it back, or restart to use what is there now'

/** Whether the path still leads to the file that is open. Both throw GH_STORE_UNAVAILABLE where it does not. */
export interface SameFile {
  /** Asks the file system. */
  readonly look: () => void
  /** What the last look said. */
  readonly check: () => void
}

/**
 * A file that was moved, deleted or restored over goes on working for who holds it, while everybody who opens the path later has
 * another store: sessions revoked there would live on here.
 */
export function watchFile(path: string): SameFile {
  const opened = identityOf(path)
  let isSame = true
  const check = (): void => {
    if (!isSame) throw fault('GH_STORE_UNAVAILABLE', { detail: GONE })
  }
  const look = (): void => {
    isSame = opened !== undefined && identityOf(path) === opened
    check()
  }
  return { look, check }
}

function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true })
  return found === undefined ? undefined : `${found.dev}.${found.ino}`
}
