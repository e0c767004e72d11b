import { randomUUID } from 'node:crypto'
import { open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

export type Replaced =
  | 'replaced'
  /** It is not what it was: somebody else has written it. */
  | 'changed'
  /** Nobody may write there. */
  | 'read-only'

const NOT_WRITABLE: ReadonlySet<unknown> = new Set(['EROFS', 'EACCES', 'EPERM', 'EBUSY'])
const NEW_FILE_MODE = 0o644

/**
 * Puts other bytes in the place of a file, whole or not at all, and on disk when it settles. `before`: what is there now, `undefined` for no file.
 * Where a link leads to the file, it goes on doing so.
 */
export async function replaceFile(
  file: string,
  { before, after }: { readonly before: Uint8Array | undefined; readonly after: Uint8Array },
): Promise<Replaced> {
  const path = await realpath(file).catch(() => file)
  // A name that readers of the configuration pass over.
  const beside = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`)
  try {
    await writeLike(path, beside, after)
    if (!isSame(await bytesOf(path), before)) return 'changed'
    await rename(beside, path)
    await using folder = await open(dirname(path))
    await folder.sync()
    return 'replaced'
  } catch (error) {
    if (error instanceof Error && 'code' in error && NOT_WRITABLE.has(error.code)) return 'read-only'
    throw error
  } finally {
    await unlink(beside).catch(() => undefined)
  }
}

/** With the permissions of the file whose place it takes, and its owner where we may give it away. */
async function writeLike(path: string, beside: string, bytes: Uint8Array): Promise<void> {
  const like = await stat(path).catch(() => undefined)
  await using file = await open(beside, 'wx', 0o600)
  await file.writeFile(bytes)
  if (like !== undefined) await file.chown(like.uid, like.gid).catch(() => undefined)
  await file.chmod(like === undefined ? NEW_FILE_MODE : like.mode & 0o777)
  await file.sync()
}

/** `undefined` where there is no file. */
export async function bytesOf(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one === undefined || other === undefined ? one === other : Buffer.compare(one, other) === 0
}
