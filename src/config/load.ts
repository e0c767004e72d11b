import { resolve } from 'node:path'
import type { z } from 'zod'
import type { AgentId } from '../base/brand.ts'
import { agentProfileSchema } from '../gateway/agent-profile.schema.ts'
import { clientsFileSchema } from '../federation/oidc-op/clients.schema.ts'
import { usersFileSchema } from '../identity/users.schema.ts'
import { policiesFileSchema } from '../policy/policies.schema.ts'
import type { AgentSource, CheckInput, RealmSources } from './checks/check.ts'
import { crossCheck } from './cross-check.ts'
import { digestOf, type DigestPart } from './digest.ts'
import { gatehouseSchema } from './gatehouse.schema.ts'
import type { FileAnswer, ReferenceSources } from './interpolate.ts'
import { hasErrors, FILE_START, orderProblems, problemAt } from './problems.ts'
import { realmSchema } from './realm.schema.ts'
import { readReferencedFiles } from './referenced-files.ts'
import { parseWith, type Parsed } from './schema-problems.ts'
import { buildSnapshot } from './build-snapshot.ts'
import type { ConfigProblem, ConfigSnapshot } from './snapshot.ts'
import { parseSource, readSource, type ParsedSource } from './source-document.ts'
import { readTree, type ConfigTree, type Instead, type TreeFile } from './tree.ts'

export interface LoadOptions {
  /** Where `${env:NAME}` looks, and STORE_URL; the process's environment by default. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** `serve` (the default) refuses what must not be listened with; `check` only names it. */
  readonly purpose?: 'serve' | 'check'
  /** What these options gave before: given back as it is where no byte of what it was read from is another now. */
  readonly known?: LoadedConfig
  /** What the configuration would be with these files; without `known`. */
  readonly instead?: Instead
}

export interface LoadedConfig {
  /** `undefined` when there is any error; warnings do not prevent it. */
  readonly snapshot: ConfigSnapshot | undefined
  /** Errors and warnings, by file and place. */
  readonly problems: readonly ConfigProblem[]
  /** As in the snapshot, but there with errors, too. */
  readonly digest: string
  /** Absolute paths of what was looked at, folders included, whether or not it exists. */
  readonly watched: readonly string[]
  /** What `${file:…}` names, as it is written. */
  readonly referenced: readonly string[]
}

/**
 * Reads the whole configuration below `root`: `agent-config/` and `realms/`. Never rejects for what the files say or lack:
 * every problem of every file is reported at once, at its line and column, and no value that came from outside is quoted.
 */
export async function loadConfig(root: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  const base = resolve(root)
  const tree = await readTree(base, options.instead)
  const { known } = options
  if (known !== undefined) {
    // The same files name the same others.
    const digest = digestOf(partsOf(tree, await readReferencedFiles(base, known.referenced)))
    if (digest === known.digest) return known
  }
  const env = options.env ?? process.env
  const sources = filesOf(tree).map(({ file, bytes }) => parseSource(file, bytes))
  const referenced = await readReferencedFiles(base, namedFiles(sources, env))
  const read = new FileReader(sources, { env, file: (path) => referenced.get(path) ?? NOT_READ })
  const storeUrl = env['STORE_URL'] === '' ? undefined : env['STORE_URL']
  const input: CheckInput = { ...readAll(tree, read), referenced, storeUrl, purpose: options.purpose ?? 'serve' }
  const problems = orderProblems([...tree.problems, ...read.problems, ...(await crossCheck(input))])
  const digest = digestOf(partsOf(tree, referenced))
  const files = [...filesOf(tree), ...tree.realms.flatMap(({ theme }) => theme)].map(({ file }) => file).sort()
  const snapshot = hasErrors(problems) ? undefined : buildSnapshot(input, { root: base, digest, files })
  const watched = [...files, ...tree.folders, ...tree.problems.map(({ file }) => file), ...referenced.keys()]
  return {
    snapshot,
    problems,
    digest,
    watched: [...new Set(watched)].map((path) => resolve(base, path)),
    referenced: [...referenced.keys()],
  }
}

const NOT_READ: FileAnswer = { kind: 'failed', why: 'was not read' }

function filesOf({ gatehouse, agents, realms }: ConfigTree): TreeFile[] {
  const inRealms = realms.flatMap(({ realm, users, policies, clients }) => [realm, users, policies, clients])
  return [gatehouse, ...agents, ...inRealms].filter((file) => file !== undefined)
}

/** A first pass over all values only to learn which files they name. */
function namedFiles(sources: readonly ParsedSource[], env: ReferenceSources['env']): Set<string> {
  const named = new Set<string>()
  const file = (path: string): FileAnswer => {
    named.add(path)
    return NOT_READ
  }
  for (const source of sources) readSource(source, { env, file })
  return named
}

/** Reads values and applies schemas, collecting every problem on the way. */
class FileReader {
  readonly problems: ConfigProblem[] = []
  readonly #sources: ReadonlyMap<string, ParsedSource>
  readonly #references: ReferenceSources

  constructor(sources: readonly ParsedSource[], references: ReferenceSources) {
    this.#sources = new Map(sources.map((source) => [source.file, source]))
    this.#references = references
  }

  parse<S extends z.ZodType>(file: TreeFile | undefined, schema: S): Parsed<z.output<S>> | undefined {
    const parsed = file === undefined ? undefined : this.#sources.get(file.file)
    if (parsed === undefined) return undefined
    const source = readSource(parsed, this.#references)
    this.problems.push(...source.problems)
    if (source.value === undefined) return undefined
    const outcome = parseWith(schema, source)
    if (outcome.kind === 'parsed') return outcome.parsed
    this.problems.push(...outcome.problems)
    return undefined
  }

  agent(file: TreeFile): AgentSource[] {
    const parsed = this.parse(file, agentProfileSchema)
    if (parsed === undefined) return []
    const id = parsed.value.id ?? (file.file.replace(/^.*\/|\.yaml$/g, '') as AgentId)
    if (!AGENT_ID.test(id)) {
      const message =
        'the file name cannot be the agent id: rename it with lower-case letters, digits and hyphens, or set id'
      this.problems.push(problemAt(file.file, FILE_START, message))
    }
    return [{ source: parsed.source, value: { ...parsed.value, id } }]
  }
}

const AGENT_ID = /^[a-z0-9][a-z0-9-]{0,62}$/

function readAll(tree: ConfigTree, read: FileReader): Omit<CheckInput, 'referenced' | 'storeUrl' | 'purpose'> {
  const realms = tree.realms.map((folder): RealmSources => {
    const users = read.parse(folder.users, usersFileSchema)
    const policies = read.parse(folder.policies, policiesFileSchema)
    const clients = read.parse(folder.clients, clientsFileSchema)
    const incomplete = folder.policies !== undefined && policies === undefined
    const theme = folder.theme.map(({ file }) => file.slice(folder.themeDir.length + 1))
    const realm = read.parse(folder.realm, realmSchema)
    return { name: folder.name, realm, users, policies, clients, incomplete, theme }
  })
  const agents = tree.agents.flatMap((file) => read.agent(file))
  return {
    gatehouse: read.parse(tree.gatehouse, gatehouseSchema),
    agents,
    hasAgentFiles: tree.agents.length > 0,
    realms,
  }
}

function partsOf(tree: ConfigTree, referenced: ReadonlyMap<string, FileAnswer>): DigestPart[] {
  const files = [...filesOf(tree), ...tree.realms.flatMap(({ theme }) => theme)]
  return [
    ...files.map(({ file, bytes }) => ({ kind: 'file' as const, name: file, content: bytes })),
    ...tree.problems.map(({ file, message }) => ({ kind: 'missing' as const, name: file, content: message })),
    ...[...referenced].map(([name, answer]) => ({
      kind: 'referenced' as const,
      name,
      content: JSON.stringify(answer),
    })),
  ]
}
