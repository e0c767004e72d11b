import type { z } from 'zod'
import type { AgentProfileConfig } from '../../gateway/agent-profile.schema.ts'
import type { ClientsFile } from '../../federation/oidc-op/clients.schema.ts'
import type { usersFileSchema } from '../../identity/users.schema.ts'
import type { policiesFileSchema } from '../../policy/policies.schema.ts'
import type { GatehouseConfig } from '../gatehouse.schema.ts'
import type { FileAnswer } from '../interpolate.ts'
import type { Path } from '../locator.ts'
import { problemAt, warningAt } from '../problems.ts'
import type { RealmFile } from '../realm.schema.ts'
import type { Parsed } from '../schema-problems.ts'
import type { ConfigProblem } from '../snapshot.ts'
import type { SourceDocument } from '../source-document.ts'

/** One realm's files: `undefined` where a file is absent or was refused. */
export interface RealmSources {
  readonly name: string
  readonly realm: Parsed<RealmFile> | undefined
  readonly users: Parsed<z.output<typeof usersFileSchema>> | undefined
  readonly policies: Parsed<z.output<typeof policiesFileSchema>> | undefined
  readonly clients: Parsed<ClientsFile> | undefined
  /** Some file of the realm was refused, so what is missing here may be there. */
  readonly incomplete: boolean
  /** File names in its `theme/` folder. */
  readonly theme: readonly string[]
}

export type AgentSource = Parsed<AgentProfileConfig>

/** Everything that met its schema. What did not is left out, so a check never complains about its absence. */
export interface CheckInput {
  readonly gatehouse: Parsed<GatehouseConfig> | undefined
  readonly agents: readonly AgentSource[]
  /** Whether there is any agent profile, good or refused. */
  readonly hasAgentFiles: boolean
  readonly realms: readonly RealmSources[]
  readonly referenced: ReadonlyMap<string, FileAnswer>
  /** `STORE_URL` of the environment; `undefined` when not set or empty. */
  readonly storeUrl: string | undefined
  /** `serve`: the process is about to listen. `check`: somebody wants to know. */
  readonly purpose: 'serve' | 'check'
}

/** One concern that no single file's schema can judge. */
export type Check = (input: CheckInput) => readonly ConfigProblem[] | Promise<readonly ConfigProblem[]>

export function errorIn(source: SourceDocument, path: Path, message: string): ConfigProblem {
  return problemAt(source.file, source.locate(path), message)
}

export function warningIn(source: SourceDocument, path: Path, message: string): ConfigProblem {
  return warningAt(source.file, source.locate(path), message)
}

/** A value for a message: as it is written when it was filled in, because what came from outside may be a secret. */
export function quoted(source: SourceDocument, path: Path, value: string): string {
  return `"${source.filled(path)?.written ?? value}"`
}

/** `file:line` of a value that another one clashes with. */
export function placeOf(source: SourceDocument, path: Path): string {
  return `${source.file}:${source.locate(path).line}`
}

export interface Named {
  readonly key: string
  readonly source: SourceDocument
  readonly path: Path
}

/** The entries whose key an earlier entry has, with that entry. */
export function repeated<T extends Named>(entries: readonly T[]): { readonly entry: T; readonly first: T }[] {
  const firsts = new Map<string, T>()
  const found: { entry: T; first: T }[] = []
  for (const entry of entries) {
    const first = firsts.get(entry.key)
    if (first === undefined) firsts.set(entry.key, entry)
    else found.push({ entry, first })
  }
  return found
}
