import { statSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { fingerprintOf } from './fingerprint.ts'
import type { LoadedConfig } from './load.ts'

export interface ConfigWatcherDeps {
  /** Loads the configuration; called again after every change. */
  readonly load: () => Promise<LoadedConfig>
  /** Called when the content differs from what was last seen, good or bad: with a bad one keep what is running. */
  readonly onChange: (loaded: LoadedConfig) => void
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

/** Calls `changed` when an entry of the folder changes; throws or calls `failed` where it cannot watch. */
export type WatchFolder = (folder: string, changed: () => void, failed: () => void) => { close(): void }

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

interface Watched {
  readonly inode: string
  readonly handle: { close(): void }
}

class FolderWatcher implements ConfigWatcher {
  readonly #deps: ConfigWatcherDeps
  readonly #watched = new Map<string, Watched>()
  readonly #poll: NodeJS.Timeout
  #seen: LoadedConfig
  #fingerprint: Promise<string>
  #debounce: NodeJS.Timeout | undefined
  /** Looks follow each other, never overlap: an older one could not overwrite what a newer one saw. */
  #last: Promise<void> = Promise.resolve()
  #closed = false

  constructor(deps: ConfigWatcherDeps) {
    this.#deps = deps
    this.#seen = deps.current
    this.#fingerprint = fingerprintOf(deps.current.watched)
    this.#watchFolders()
    this.#poll = setInterval(() => void this.#compareFingerprint(), deps.pollMs ?? 5_000).unref()
    // What changed between loading and watching nobody reported.
    this.#soon()
  }

  check(): Promise<void> {
    this.#last = this.#last.then(() => this.#look()).catch(this.#deps.onError)
    return this.#last
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#poll)
    clearTimeout(this.#debounce)
    for (const { handle } of this.#watched.values()) handle.close()
    this.#watched.clear()
    await this.#last
  }

  #soon(): void {
    if (this.#closed) return
    clearTimeout(this.#debounce)
    this.#debounce = setTimeout(() => void this.check(), this.#deps.debounceMs ?? 100).unref()
  }

  async #look(): Promise<void> {
    if (this.#closed) return
    // Taken before reading: what changes meanwhile makes the next poll differ.
    const fingerprint = fingerprintOf(this.#seen.watched)
    const loaded = await this.#deps.load()
    if (this.#isClosed()) return
    const isNew = loaded.digest !== this.#seen.digest
    const samePaths = loaded.watched.join('\0') === this.#seen.watched.join('\0')
    this.#fingerprint = samePaths ? fingerprint : fingerprintOf(loaded.watched)
    this.#seen = loaded
    this.#watchFolders()
    if (isNew) this.#deps.onChange(loaded)
  }

  #isClosed(): boolean {
    return this.#closed
  }

  async #compareFingerprint(): Promise<void> {
    const [before, now] = await Promise.all([this.#fingerprint, fingerprintOf(this.#seen.watched)])
    if (before !== now) await this.check()
  }

  /** Watches the folders as they are now: one that was replaced by another of its name is watched anew. */
  #watchFolders(): void {
    const wanted = new Map<string, string>()
    for (const path of this.#seen.watched) {
      for (const folder of [path, dirname(path)]) {
        const inode = folderInode(folder)
        if (inode !== undefined) wanted.set(folder, inode)
      }
    }
    for (const [folder, { inode, handle }] of this.#watched) {
      if (wanted.get(folder) === inode) continue
      handle.close()
      this.#watched.delete(folder)
    }
    for (const [folder, inode] of wanted) if (!this.#watched.has(folder)) this.#watch(folder, inode)
  }

  #watch(folder: string, inode: string): void {
    const forget = (): void => {
      this.#watched.get(folder)?.handle.close()
      this.#watched.delete(folder)
      this.#soon()
    }
    try {
      const handle = (this.#deps.watchFolder ?? watchFolder)(folder, () => this.#soon(), forget)
      this.#watched.set(folder, { inode, handle })
    } catch (error) {
      // No more watches to be had, for example: the poll goes on.
      this.#deps.onError(error)
    }
  }
}

function folderInode(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found?.isDirectory() === true ? `${found.dev}.${found.ino}` : undefined
}

function watchFolder(folder: string, changed: () => void, failed: () => void): { close(): void } {
  return watch(folder, { persistent: false }, changed).on('error', failed)
}
