import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { FileAnswer } from './interpolate.ts'

const MAX_BYTES = 1_048_576
const OTHERS_MAY_READ = 0o004
/** Without waiting for a writer where the path is a named pipe. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK

/** Reads the files that `${file:PATH}` names, each once; paths are relative to the configuration root. */
export async function readReferencedFiles(
  root: string,
  paths: Iterable<string>,
): Promise<ReadonlyMap<string, FileAnswer>> {
  const distinct = [...new Set(paths)]
  return new Map(await Promise.all(distinct.map(async (path) => [path, await readOne(resolve(root, path))] as const)))
}

async function readOne(path: string): Promise<FileAnswer> {
  try {
    await using file = await open(path, READ)
    const stat = await file.stat()
    if (!stat.isFile()) return { kind: 'failed', why: 'is not a file; name one' }
    if (stat.size > MAX_BYTES) return { kind: 'failed', why: 'is larger than 1 MiB; name the right file' }
    return readText(await file.readFile(), (stat.mode & OTHERS_MAY_READ) !== 0)
  } catch (error) {
    return { kind: 'failed', why: whyUnreadable(error) }
  }
}

function readText(bytes: Uint8Array, worldReadable: boolean): FileAnswer {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '')
    if (text === '') return { kind: 'failed', why: 'is empty; write the value into it' }
    return { kind: 'read', text, worldReadable }
  } catch {
    return { kind: 'failed', why: 'is not UTF-8 text' }
  }
}

function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  if (code === 'ENOENT')
    return 'does not exist; create it or correct the path (`gatehouse init` makes a missing master key)'
  if (code === 'EACCES') return 'may not be read by this user; correct its owner or mode'
  return `cannot be read (${code})`
}
