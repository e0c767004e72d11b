import { randomUUID } from 'node:crypto'
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Command } from 'commander'
import { carryOver, type CarriedOver, type Remark } from '../api/openam/policies/translate/carry-over.ts'
import { readExport, type Exported } from '../api/openam/policies/translate/export-file.ts'
import { inFewWords } from '../api/openam/policies/translate/policy-from.ts'
import { realmsOf } from '../api/openam/policies/translate/source-realm.ts'
import type { Translation } from '../api/openam/policies/translate/translation.ts'
import type { RealmName } from '../base/brand.ts'
import { policiesText } from '../config/policies-document.ts'
import type { ConfigSnapshot, RealmConfig } from '../config/snapshot.ts'
import { policiesFileSchema, type PoliciesFile } from '../policy/policies.schema.ts'
import { oneLine } from '../telemetry/one-line.ts'
import { configOption } from './config-option.ts'
import { NotThere } from './managed-realm.ts'
import { compareDecisions, comparisonAsText, readRecorded } from './policy-compare.ts'
import type { Terminal } from './terminal.ts'
import { plain } from './text-table.ts'

export interface ImportCommandDeps {
  readonly terminal: Pick<Terminal, 'env' | 'out' | 'err' | 'setExitCode'>
  /** The configuration, when it is asked for. */
  readonly read: (config: string) => Promise<ConfigSnapshot>
  /** Tells what went wrong. */
  readonly guarded: (work: () => Promise<void>) => Promise<void>
}

interface ImportOptions {
  readonly config: string
  readonly realm?: string
  readonly out?: string
  readonly force?: true
  readonly openamRealm?: string
  readonly timeZone?: string
  readonly module?: Readonly<Record<string, string>>
  readonly chain?: Readonly<Record<string, string>>
  readonly replay?: string
}

/** `import`: OpenAM's policies become a `policies.yaml`; what cannot be said there is told, and opens nothing. */
export function createImportCommand({ terminal, read, guarded }: ImportCommandDeps): Command {
  return new Command('import')
    .description(
      "make a policies.yaml of policies, policy sets and resource types that were exported from OpenAM's REST or by frodo",
    )
    .argument('[files...]', 'exports, as JSON; none to replay against the policies in force')
    .addOption(configOption())
    .option(
      '--realm <path>',
      'whose policies they become: its modules and chains are known, and --replay knows its people',
    )
    .option('--out <file>', 'where to write; standard output where absent')
    .option('--force', 'write over a file that is there')
    .option('--openam-realm <path>', 'the realm in OpenAM; what the exports say where absent')
    .option('--time-zone <zone>', 'the time zone of the OpenAM server, for times that name none')
    .option('--module <name=ours>', 'what a module of OpenAM is called here; may be said several times', collectName)
    .option(
      '--chain <name=ours>',
      'what a chain or tree of OpenAM is called here; may be said several times',
      collectName,
    )
    .option('--replay <file>', 'requests with the decisions of OpenAM, as lines of JSON; differences are printed')
    .addHelpText(
      'after',
      '\nExit code 3: something was not carried over as it was, a decision is another one, or none could be compared.',
    )
    .action((files: readonly string[], options: ImportOptions) =>
      guarded(() => run(files, options, { terminal, read })),
    )
}

type Deps = Pick<ImportCommandDeps, 'terminal' | 'read'>

async function run(files: readonly string[], options: ImportOptions, { terminal, read }: Deps): Promise<void> {
  const realm = options.realm === undefined ? undefined : realmNamed(await read(options.config), options.realm)
  if (files.length === 0 && (options.replay === undefined || realm === undefined))
    throw new NotThere('name the files to import, or --realm and --replay for the policies in force')
  const imported = files.length === 0 ? undefined : await importFiles(files, { options, realm, terminal })
  const policies = imported?.file ?? realm
  if (options.replay === undefined || policies === undefined) return
  const recorded = readRecorded(await readText(options.replay))
  const compared = await compareDecisions(recorded, { policies, realm, config: options.config, terminal })
  // Where the file itself goes to standard output, the report must not be in it.
  const write = imported !== undefined && options.out === undefined ? terminal.err : terminal.out
  write(comparisonAsText(compared))
  if (compared.differences.length > 0 || compared.compared === 0) terminal.setExitCode(3)
}

function realmNamed({ realms }: ConfigSnapshot, name: string): RealmConfig {
  const realm = realms.get(name as RealmName)
  if (realm === undefined) throw new NotThere(`there is no realm ${JSON.stringify(name)}`)
  return realm
}

interface Import {
  readonly options: ImportOptions
  readonly realm: RealmConfig | undefined
  readonly terminal: Pick<Terminal, 'out' | 'err' | 'setExitCode'>
}

async function importFiles(
  files: readonly string[],
  { options, realm, terminal }: Import,
): Promise<{ readonly file: PoliciesFile }> {
  const found = readExport(await Promise.all(files.map(async (file) => ({ file, text: await readText(file) }))))
  if (found.kind === 'problem') throw new NotThere(found.message)
  const carried = carry(found.exported, translationOf(found.exported, { options, realm }))
  const parsed = policiesFileSchema.safeParse(carried.file)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new NotThere(`nothing was written, because it would not be valid: ${problems.join('; ')}`)
  }
  const text = policiesText(
    { ...carried.file, policies: carried.file.policies.map(inFewWords) },
    { heading: HEADING, looks: carried.looks },
  )
  if (options.out === undefined) terminal.out(text)
  else await put(options.out, text, options.force === true)
  const { policies } = carried.file
  terminal.err(reportAsText(carried.remarks, { policies: found.exported.policies.length, written: policies.length }))
  if (carried.remarks.some(({ kind }) => kind === 'lost')) terminal.setExitCode(3)
  return { file: parsed.data }
}

const HEADING = 'Imported from OpenAM. Above each policy that is not what it was there stands why.'

function carry(exported: Exported, translation: Translation): CarriedOver {
  if (exported.policies.length + exported.policySets.length + exported.resourceTypes.length === 0)
    throw new NotThere('there is no policy, policy set or resource type in these files')
  try {
    return carryOver(exported, translation)
  } catch (caught) {
    if (caught instanceof RangeError) throw new NotThere(`nothing was written: ${caught.message}`)
    throw caught
  }
}

/** Where the realm is known, so is what it has; else `gatehouse check` will say what is missing. */
function translationOf(exported: Exported, { options, realm }: Pick<Import, 'options' | 'realm'>): Translation {
  const { module = {}, chain = {} } = options
  const known = (
    name: string,
    names: Readonly<Record<string, string>>,
    ours: object | undefined,
  ): string | undefined => {
    const called = Object.hasOwn(names, name) ? names[name] : name
    return called === undefined || (ours !== undefined && !Object.hasOwn(ours, called)) ? undefined : called
  }
  const [named, ...others] = options.openamRealm === undefined ? realmsOf(exported) : [options.openamRealm]
  // A deny for people of the other one would be for nobody.
  if (named !== undefined && others.length > 0)
    throw new NotThere(
      `nothing was written: these files name people of several realms (${[named, ...others].map(plain).join(', ')}); say --openam-realm`,
    )
  return {
    realm: named ?? options.realm ?? '/',
    moduleOf: (name) => known(name, module, realm?.authentication.modules),
    chainOf: (name) => known(name, chain, realm?.authentication.chains),
    timeZone: options.timeZone,
    isOurs: false,
  }
}

/** Whole or not at all. @throws NotThere for a file that is there, unless it is to be replaced */
async function put(file: string, text: string, isForced: boolean): Promise<void> {
  const beside = join(dirname(file), `.${randomUUID()}.tmp`)
  try {
    await writeFile(beside, text, { flag: 'wx', flush: true })
    if (isForced) await rename(beside, file)
    else await link(beside, file)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')
      throw new NotThere(
        `${file} is there already, and nothing was written; say another --out, or --force to replace it`,
      )
    throw new NotThere(`${file} cannot be written: ${cause instanceof Error ? cause.message : ''}`)
  } finally {
    await unlink(beside).catch(() => undefined)
  }
}

function reportAsText(
  remarks: readonly Remark[],
  { policies, written }: { readonly policies: number; readonly written: number },
): string {
  const lines = remarks.map(({ about, kind, message }) =>
    oneLine(`${kind === 'lost' ? 'LOST' : 'note'} ${about}: ${message}`.replaceAll(/\p{Cc}+/gu, ' ')),
  )
  const lost = remarks.filter(({ kind }) => kind === 'lost').length
  const summary = `${policies} policies read, ${written} written, ${lost} things lost${lost === 0 ? '' : '; none of that opens anything'}.`
  return `${[...lines, summary].join('\n')}\n`
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new NotThere(`${file} cannot be read: ${cause instanceof Error ? cause.message : ''}`)
  }
}

function collectName(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const sign = text.indexOf('=')
  return { ...before, [sign === -1 ? text : text.slice(0, sign)]: text.slice(sign + 1) }
}
