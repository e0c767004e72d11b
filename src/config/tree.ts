import { readdir, readFile, stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { FILE_START, problemAt, warningAt } from './problems.ts'
import type { ConfigProblem } from './snapshot.ts'
import { didYouMean } from './suggest.ts'

export interface TreeFile {
  /** Relative to the configuration root, with `/`. */
  readonly file: string
  readonly bytes: Uint8Array
}

export interface RealmFolder {
  /** The realm's name as its folder gives it. */
  readonly name: string
  readonly realm: TreeFile | undefined
  readonly users: TreeFile | undefined
  readonly policies: TreeFile | undefined
  readonly clients: TreeFile | undefined
  /** Relative to the configuration root. */
  readonly themeDir: string
  readonly theme: readonly TreeFile[]
}

/** Everything below the configuration root that is read, before anybody looks into it. */
export interface ConfigTree {
  readonly gatehouse: TreeFile | undefined
  readonly agents: readonly TreeFile[]
  readonly realms: readonly RealmFolder[]
  readonly problems: readonly ConfigProblem[]
  /** Folders that were listed, relative to the root: what a watcher has to watch. */
  readonly folders: readonly string[]
}

const MAX_FILE_BYTES = 33_554_432
const MAX_REALM_DEPTH = 16
const FOLDER_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
const REALM_FILES = ['realm.yaml', 'users.yaml', 'policies.yaml', 'clients.yaml'] as const

/** Texts in the place of those of files, by path relative to the root: what the configuration would be with them. */
export type Instead = ReadonlyMap<string, Uint8Array>

/** Lists and reads the tree. What cannot be read or has a name that nobody reads is a problem, not a rejection. */
export async function readTree(root: string, instead: Instead = new Map()): Promise<ConfigTree> {
  const reader = new TreeReader(root, instead)
  const [agentFiles] = await Promise.all([reader.agentConfig(), reader.realm('realms', '/')])
  const gatehouse = agentFiles.find(({ file }) => file === 'agent-config/gatehouse.yaml')
  const agents = agentFiles.filter((file) => file !== gatehouse)
  const realms = reader.realms.sort((a, b) => (a.name < b.name ? -1 : 1))
  return { gatehouse, agents, realms, problems: reader.problems, folders: reader.folders }
}

interface Entry {
  readonly name: string
  readonly isFolder: boolean
}

class TreeReader {
  readonly problems: ConfigProblem[] = []
  readonly folders: string[] = []
  readonly realms: RealmFolder[] = []
  readonly #root: string
  readonly #instead: Instead

  constructor(root: string, instead: Instead) {
    this.#root = root
    this.#instead = instead
  }

  async agentConfig(): Promise<TreeFile[]> {
    const folder = 'agent-config'
    const entries = await this.#list(folder)
    if (entries !== undefined && !entries.some(({ name }) => name === 'gatehouse.yaml')) {
      this.#error(
        `${folder}/gatehouse.yaml`,
        'this file is missing; `gatehouse init` writes one into an empty directory',
      )
    }
    const read = (entries ?? []).map(async ({ name, isFolder }) => {
      const file = posix.join(folder, name)
      if (!isFolder && name.endsWith('.yaml')) return this.#read(file)
      if (isFolder) this.#warn(file, 'folders are not read here; put each agent profile into agent-config/ itself')
      else this.#strange(file, name, [])
      return undefined
    })
    return (await Promise.all(read)).filter((file) => file !== undefined)
  }

  async realm(folder: string, name: string): Promise<void> {
    const entries = await this.#list(folder)
    if (entries === undefined) return
    const names = new Set(entries.filter((entry) => !entry.isFolder).map((entry) => entry.name))
    if (!names.has('realm.yaml')) {
      this.#error(
        posix.join(folder, 'realm.yaml'),
        'this file is missing; a realm folder needs one, and it may be empty',
      )
    }
    const has = async (file: string): Promise<TreeFile | undefined> =>
      names.has(file) || this.#instead.has(posix.join(folder, file))
        ? await this.#read(posix.join(folder, file))
        : undefined
    const [realm, users, policies, clients] = await Promise.all(REALM_FILES.map(has))
    const themeDir = posix.join(folder, 'theme')
    const theme = entries.some((entry) => entry.isFolder && entry.name === 'theme') ? await this.#theme(themeDir) : []
    this.realms.push({ name, realm, users, policies, clients, themeDir, theme })
    await Promise.all(entries.map((entry) => this.#besides(folder, name, entry)))
  }

  async #besides(folder: string, realm: string, entry: Entry): Promise<void> {
    const file = posix.join(folder, entry.name)
    if (!entry.isFolder) {
      if (!(REALM_FILES as readonly string[]).includes(entry.name)) this.#strange(file, entry.name, REALM_FILES)
    } else if (entry.name !== 'theme') {
      if (!FOLDER_NAME.test(entry.name)) {
        this.#error(file, 'a realm is named with lower-case letters, digits and hyphens; rename the folder')
      } else if (realm.split('/').length > MAX_REALM_DEPTH) this.#error(file, 'realms are nested too deeply')
      else await this.realm(file, posix.join(realm, entry.name))
    }
  }

  async #theme(folder: string): Promise<TreeFile[]> {
    const entries = (await this.#list(folder)) ?? []
    const files = await Promise.all(
      entries.filter((entry) => !entry.isFolder).map(({ name }) => this.#read(posix.join(folder, name))),
    )
    return files.filter((file) => file !== undefined)
  }

  /** A YAML file that nobody reads is most probably a misspelt one, and what it says is not in force. */
  #strange(file: string, name: string, known: readonly string[]): void {
    if (/\.ya?ml$/i.test(name)) {
      const yaml = name.replace(/\.ya?ml$/i, '.yaml')
      const hint = known.length === 0 ? `; rename it to ${yaml}` : didYouMean(yaml, known)
      this.#error(file, `no such file is read${hint}`)
    } else if (!/^readme|\.md$|~$/i.test(name)) this.#warn(file, 'this file is not read; remove it')
  }

  /** Without what starts with a dot: editors' and mounts' own business. Symbolic links are followed. */
  async #list(folder: string): Promise<Entry[] | undefined> {
    try {
      const names = (await readdir(join(this.#root, folder))).filter((name) => !name.startsWith('.')).sort()
      this.folders.push(folder)
      return await Promise.all(
        names.map(async (name) => {
          const found = await stat(join(this.#root, folder, name)).catch(() => undefined)
          return { name, isFolder: found?.isDirectory() ?? false }
        }),
      )
    } catch (error) {
      this.#error(folder, `this folder ${unreadable(error)}`)
      return undefined
    }
  }

  async #read(file: string): Promise<TreeFile | undefined> {
    const bytes = this.#instead.get(file)
    if (bytes !== undefined && bytes.length <= MAX_FILE_BYTES) return { file, bytes }
    const path = join(this.#root, file)
    try {
      const found = await stat(path)
      if (!found.isFile()) this.#error(file, 'this is not a regular file')
      else if ((bytes?.length ?? found.size) > MAX_FILE_BYTES) this.#error(file, 'this file is larger than 32 MiB')
      else return { file, bytes: await readFile(path) }
    } catch (error) {
      this.#error(file, `this file ${unreadable(error)}`)
    }
    return undefined
  }

  #error(file: string, message: string): void {
    this.problems.push(problemAt(file, FILE_START, message))
  }

  #warn(file: string, message: string): void {
    this.problems.push(warningAt(file, FILE_START, message))
  }
}

function unreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return code === 'ENOENT' ? 'is missing; create it' : `cannot be read (${code})`
}
