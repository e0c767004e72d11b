import { statSync } from 'node:fs'
import { fault } from '../../errors.ts'

const GONE = 'the store file was moved, replaced or deleted: put it back, or restart to use what is there now'

/**
 * Watches that the path still leads to the file that is open. One that was moved, deleted or restored over goes on working for
 * who holds it, while everybody who opens the path later has another store: sessions revoked there would live on here.
 * The check throws GH_STORE_UNAVAILABLE.
 */
export function sameFileCheck(path: string): () => void {
  const opened = identityOf(path)
  return () => {
    if (opened === undefined || identityOf(path) !== opened) {
      throw fault('GH_STORE_UNAVAILABLE', { detail: GONE })
    }
  }
}

function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true })
  return found === undefined ? undefined : `${found.dev}.${found.ino}`
}
