import { statSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { fingerprintOf } from './fingerprint.ts'
import type { LoadedConfig } from './load.ts'

export interface ConfigWatcherDeps {
  /** Loads the configuration; called again after every change, with what was seen last. */
  readonly load: (seen: LoadedConfig) => Promise<LoadedConfig>
  /**
   * Called when the content differs from what was last seen, good or bad: with a bad one keep what is running. The next look
   * waits for it, so two swaps never overlap; it must not wait for `close`.
   */
  readonly onChange: (loaded: LoadedConfig) => void | Promise<void>
  /** Looking failed in a way that is no problem of the configuration; the watcher goes on. */
  readonly onError: (error: unknown) => void
  /** What is running already. */
  readonly current: LoadedConfig
  /** Quiet time before a change is looked at. 100 ms by default. */
  readonly debounceMs?: number
  /** Between looks at sizes and times, for file systems that report nothing. 5 s by default. */
  readonly pollMs?: number
  readonly watchFolder?: WatchFolder
}

/** Calls `changed` with the name of an entry that changed; throws or calls `failed` where it cannot watch. */
export type WatchFolder = (
  folder: string,
  changed: (name: string | null) => void,
  failed: () => void,
) => { close(): void }

export interface ConfigWatcher {
  /** Looks now, whatever the system reported, and settles when everything seen is dealt with (a signal asked for it). */
  check(): Promise<void>
  /** Settles when no further call can come. */
  close(): Promise<void>
}

/**
 * Watches everything the configuration was read from: folders, because editors and mounts replace files by renaming and by
 * swapping symbolic links. Content decides: a touch without a change calls nobody, a change calls once.
 */
export function watchConfig(deps: ConfigWatcherDeps): ConfigWatcher {
  return new FolderWatcher(deps)
}

/** In quiet times: files that never come to rest are looked at anyway. */
const LONGEST_WAIT = 10

interface Watched {
  readonly inode: string
  readonly handle: { close(): void }
}

interface Wanted {
  readonly inode: string
  /** Entries that matter; all of them where `undefined`. A folder of one secret may be full of other files' changes. */
  names: Set<string> | undefined
}

class FolderWatcher implements ConfigWatcher {
  readonly #deps: ConfigWatcherDeps
  readonly #watched = new Map<string, Watched>()
  readonly #poll: NodeJS.Timeout
  #seen: LoadedConfig
  /** Taken before what was seen was read; empty when it has to be read once more to be sure. */
  #fingerprint = ''
  #debounce: NodeJS.Timeout | undefined
  #deadline: NodeJS.Timeout | undefined
  #wanted: ReadonlyMap<string, Wanted> = new Map()
  /** Looks follow each other, never overlap: an older one could not overwrite what a newer one saw. */
  #last: Promise<void> = Promise.resolve()
  #closed = false

  constructor(deps: ConfigWatcherDeps) {
    this.#deps = deps
    this.#seen = deps.current
    this.#watchFolders()
    this.#poll = setInterval(() => void this.#compareFingerprint(), deps.pollMs ?? 5_000).unref()
    // What changed between loading and watching nobody reported.
    this.#soon()
  }

  check(): Promise<void> {
    this.#stopTimers()
    this.#last = this.#last.then(() => this.#look()).catch(this.#deps.onError)
    return this.#last
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#poll)
    this.#stopTimers()
    for (const { handle } of this.#watched.values()) handle.close()
    this.#watched.clear()
    await this.#last
  }

  #soon(): void {
    if (this.#closed) return
    const quiet = this.#deps.debounceMs ?? 100
    clearTimeout(this.#debounce)
    this.#debounce = setTimeout(() => void this.check(), quiet).unref()
    this.#deadline ??= setTimeout(() => void this.check(), quiet * LONGEST_WAIT).unref()
  }

  #stopTimers(): void {
    clearTimeout(this.#debounce)
    clearTimeout(this.#deadline)
    this.#deadline = undefined
  }

  async #look(): Promise<void> {
    if (this.#closed) return
    // Before reading: what changes meanwhile makes the next poll differ.
    const fingerprint = await fingerprintOf(this.#seen.watched)
    const loaded = await this.#deps.load(this.#seen)
    if (this.#isClosed()) return
    const isNew = loaded.digest !== this.#seen.digest
    const samePaths = loaded.watched.join('\0') === this.#seen.watched.join('\0')
    this.#fingerprint = samePaths ? fingerprint : ''
    this.#seen = loaded
    this.#watchFolders()
    if (isNew) await this.#deps.onChange(loaded)
  }

  #isClosed(): boolean {
    return this.#closed
  }

  async #compareFingerprint(): Promise<void> {
    const before = this.#fingerprint
    if ((await fingerprintOf(this.#seen.watched)) !== before) await this.check()
  }

  /** Watches the folders as they are now: one that was replaced by another of its name is watched anew. */
  #watchFolders(): void {
    const wanted = foldersOf(this.#seen.watched)
    this.#wanted = wanted
    for (const [folder, { inode, handle }] of this.#watched) {
      if (wanted.get(folder)?.inode === inode) continue
      handle.close()
      this.#watched.delete(folder)
    }
    for (const [folder, { inode }] of wanted) if (!this.#watched.has(folder)) this.#watch(folder, inode)
  }

  #entryChanged(folder: string, name: string | null): void {
    const names = this.#wanted.get(folder)?.names
    // Mounted secrets are swapped through a link called `..data`.
    if (name === null || names === undefined || names.has(name) || name.startsWith('..')) this.#soon()
  }

  #watch(folder: string, inode: string): void {
    const forget = (): void => {
      this.#watched.get(folder)?.handle.close()
      this.#watched.delete(folder)
      this.#soon()
    }
    try {
      const handle = (this.#deps.watchFolder ?? watchFolder)(folder, (name) => this.#entryChanged(folder, name), forget)
      this.#watched.set(folder, { inode, handle })
    } catch (error) {
      // No more watches to be had, for example: the poll goes on.
      this.#deps.onError(error)
    }
  }
}

/** Each folder's own entries, and each path as an entry of the folder it lies in. */
function foldersOf(paths: readonly string[]): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>()
  for (const path of paths) {
    const inode = folderInode(path)
    if (inode !== undefined) wanted.set(path, { inode, names: undefined })
    const parent = dirname(path)
    const parentInode = wanted.get(parent)?.inode ?? folderInode(parent)
    if (parentInode === undefined) continue
    if (!wanted.has(parent)) wanted.set(parent, { inode: parentInode, names: new Set() })
    wanted.get(parent)?.names?.add(basename(path))
  }
  return wanted
}

function folderInode(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found?.isDirectory() === true ? `${found.dev}.${found.ino}` : undefined
}

function watchFolder(folder: string, changed: (name: string | null) => void, failed: () => void): { close(): void } {
  return watch(folder, { persistent: false }, (_event, name) => changed(name)).on('error', failed)
}
