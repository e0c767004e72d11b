import { readFile } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import type { ChangedDecision } from '../api/ports.ts'
import type { EpochMs } from '../base/brand.ts'
import { systemClock } from '../base/clock.ts'
import { loadConfig } from '../config/load.ts'
import { formatProblem } from '../config/problems.ts'
import { parseWith } from '../config/schema-problems.ts'
import type { ConfigSnapshot, RealmConfig } from '../config/snapshot.ts'
import { parseSource, readSource } from '../config/source-document.ts'
import { fault } from '../errors.ts'
import { unasked } from '../gateway/asked-request.ts'
import { explainAccess, type Asker } from '../gateway/policy-query.ts'
import { compilePolicies } from '../policy/compile.ts'
import type { PolicyDecisionPoint } from '../policy/decision.ts'
import { policiesFileSchema } from '../policy/policies.schema.ts'
import { configOption } from './config-option.ts'
import { explanationAsJson, explanationAsText, questionOf } from './explanation-text.ts'
import { NotThere } from './managed-realm.ts'
import { changesUnder, readLog } from './policy-diff.ts'
import { createImportCommand } from './policy-import.ts'
import { partnerQuestion, realmOfPartner } from './policy-partner.ts'
import { personOf } from './policy-person.ts'
import { askerOf, requestTo, sessionNamed, siteOf, type SaidSession } from './policy-question.ts'
import { createReplay } from './policy-replay.ts'
import { tellFault } from './tell-fault.ts'
import type { Terminal } from './terminal.ts'
import { plain } from './text-table.ts'

export interface PolicyCommandDeps {
  readonly terminal: Pick<Terminal, 'env' | 'out' | 'err' | 'setExitCode'>
}

interface ExplainOptions extends SaidSession {
  readonly config: string
  readonly user?: string
  readonly session?: string
  readonly url?: string
  readonly partner?: string
  readonly realm?: string
  readonly method: string
  readonly ip: string
  readonly at?: EpochMs
  readonly group?: readonly string[]
  readonly attribute?: Readonly<Record<string, readonly string[]>>
  readonly environment?: Readonly<Record<string, readonly string[]>>
  readonly approved?: true
  readonly json?: true
}

interface DiffOptions {
  readonly config: string
  readonly realm: string
  readonly policies: string
  readonly log: readonly string[]
  readonly json?: true
}

/** What policies decide, and why, and what a draft would change: by the engine that enforces them. Writes nothing. */
export function createPolicyCommand({ terminal }: PolicyCommandDeps): Command {
  const guarded = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (caught) {
      if (!(caught instanceof NotThere)) tellFault(terminal, caught)
      else {
        terminal.err(`gatehouse: ${caught.message}\n`)
        terminal.setExitCode(1)
      }
    }
  }
  return new Command('policy')
    .description('say what policies decide and why, and what a draft of them would change')
    .addCommand(explainCommand(terminal, guarded))
    .addCommand(diffCommand(terminal, guarded))
    .addCommand(createImportCommand({ terminal, guarded, read: (config) => read(config, terminal) }))
}

type Guarded = (work: () => Promise<void>) => Promise<void>

function explainCommand(terminal: PolicyCommandDeps['terminal'], guarded: Guarded): Command {
  return new Command('explain')
    .description('what is decided about a request of somebody, which policies said what, and on what value')
    .addOption(configOption())
    .option('--user <name>', 'who asks')
    .option('--session <session>', 'or the running session that asks, by its id or handle (`gatehouse sessions list`)')
    .option('--url <url>', 'what is asked for, at a protected site')
    .option('--partner <id>', 'or the OpenID client or SAML partner that the person would be signed in at')
    .option('--realm <path>', 'whose partner, where several realms have one of that id')
    .option('--method <method>', 'HTTP method', 'GET')
    .option('--ip <address>', 'where the request comes from', '127.0.0.1')
    .option('--at <time>', 'when, such as 2026-03-29T02:30:00Z; now where absent', readTime)
    .option('--level <n>', 'authLevel of the session; what the default chain brings where absent', readLevel)
    .option('--module <name>', 'a module that the session has passed; may be said several times', collect)
    .option('--age <time>', 'how long ago the person has proved who they are, such as 10m', undefined)
    .option('--session-age <time>', 'how long ago the session began')
    .option('--property <name=value>', 'a property of the session; may be said several times', collectProperty)
    .option('--group <name>', 'as if the person had these groups, and attributes, and no others', collect)
    .option('--attribute <name=value>', 'as if the person had these attributes, and groups', collectValues)
    .option(
      '--environment <name=value>',
      'what the request says of its environment, by the name that the profile of the site gives it; may be said several times',
      collectValues,
    )
    .option('--approved', 'as if the person had approved exactly this request')
    .option('--json', 'print one JSON document')
    .action((options: ExplainOptions) => guarded(() => explain(options, terminal)))
}

async function explain(options: ExplainOptions, terminal: PolicyCommandDeps['terminal']): Promise<void> {
  const { url, partner } = options
  if ((url === undefined) === (partner === undefined)) throw new NotThere('say --url or --partner, one of them')
  refuseIdle(options)
  const snapshot = await read(options.config, terminal)
  const explainedBy = options.json ? explanationAsJson : explanationAsText
  if (url === undefined) {
    const realm = realmOfPartner(snapshot, partner ?? '', options.realm)
    const asker = await askedBy(realm, options, terminal)
    const { question, explained } = partnerQuestion(realm, asker, { partner: partner ?? '', ip: options.ip })
    terminal.out(explainedBy(question, asker, explained))
    return
  }
  const site = siteOf(snapshot, url)
  const { realm } = site
  const request = requestTo(site, compilePolicies(realm.policies, realm.policySets), { ...options, url })
  const open = unasked(request)
  if (open !== undefined) {
    terminal.out(options.json ? `${JSON.stringify({ unasked: open })}\n` : `No policy is asked. ${open}\n`)
    return
  }
  const asker = await askedBy(realm, options, terminal)
  terminal.out(explainedBy(questionOf(request), asker, explainAccess(request, asker)))
}

/** What would change nothing, and whoever says it believes that it does. @throws NotThere */
function refuseIdle({ url, realm, environment, approved, method }: ExplainOptions): void {
  if (url !== undefined && realm !== undefined) throw new NotThere('--realm is for --partner: an address has one realm')
  const isOfRequest = environment !== undefined || approved !== undefined || method !== 'GET'
  if (url === undefined && isOfRequest)
    throw new NotThere(
      '--method, --environment and --approved are of a request, which a login at a partner has none of',
    )
}

async function askedBy(
  realm: RealmConfig,
  options: ExplainOptions,
  terminal: PolicyCommandDeps['terminal'],
): Promise<Asker> {
  const { user, session: name, config } = options
  const now = options.at ?? systemClock()
  if ((user === undefined) === (name === undefined)) throw new NotThere('say --user or --session, one of them')
  const session = name === undefined ? undefined : await sessionNamed(realm, name, { said: options, config, terminal })
  const person = await personOf(realm, user ?? session?.username ?? '', { said: options, config, terminal })
  return session === undefined ? askerOf(realm, person, { said: options, now }) : { session, facts: person.facts, now }
}

function diffCommand(terminal: PolicyCommandDeps['terminal'], guarded: Guarded): Command {
  return new Command('diff')
    .description('replay requests of logs against a draft of policies, and list every decision that would be another')
    .addOption(configOption())
    .requiredOption('--realm <path>', 'whose policies the draft would be')
    .requiredOption('--policies <file>', 'the draft, in the form of policies.yaml')
    .requiredOption(
      '--log <file>',
      'audit log, access log, or requests as lines of JSON; may be said several times',
      collect,
    )
    .option('--json', 'print one JSON document')
    .action((options: DiffOptions) => guarded(() => diff(options, terminal)))
}

async function diff(options: DiffOptions, terminal: PolicyCommandDeps['terminal']): Promise<void> {
  const snapshot = await read(options.config, terminal)
  const draft = await readDraft(options.policies, terminal)
  const { requests, skipped } = readLog(await Promise.all(options.log.map((file) => readText(file))))
  const replay = createReplay(snapshot, { ...options, terminal })
  const replayed = await Promise.all(requests.map(replay))
  const asked = replayed.filter((each) => each !== undefined)
  const left = skipped + requests.length - asked.length
  const changes = changesUnder(draft, asked)
  const counts = { compared: asked.length, skipped: left }
  terminal.out(
    options.json ? `${JSON.stringify({ ...counts, changes }, undefined, 2)}\n` : changesAsText(changes, counts),
  )
}

function changesAsText(
  changes: readonly ChangedDecision[],
  { compared, skipped }: { readonly compared: number; readonly skipped: number },
): string {
  const lines = changes.flatMap(({ user, method, url, before, after, count }) => [
    `${plain(user)} ${method} ${plain(url)}${count === 1 ? '' : ` (${count} times)`}`,
    `  now   ${before}`,
    `  draft ${after}`,
  ])
  const summary = `${compared} requests compared, ${skipped} lines left out, ${changes.length} decisions would be others.`
  return `${[...lines, summary].join('\n')}\n`
}

async function read(config: string, terminal: Pick<Terminal, 'env' | 'err'>): Promise<ConfigSnapshot> {
  const { snapshot, problems } = await loadConfig(config, { env: terminal.env, purpose: 'check' })
  if (snapshot !== undefined) return snapshot
  for (const problem of problems) terminal.err(`${formatProblem(problem)}\n`)
  throw fault('GH_CONFIG_INVALID', { detail: 'nothing was asked' })
}

async function readDraft(file: string, terminal: Pick<Terminal, 'env' | 'err'>): Promise<PolicyDecisionPoint> {
  const bytes = Buffer.from(await readText(file))
  const source = readSource(parseSource(file, bytes), {
    env: terminal.env,
    file: () => ({ kind: 'failed', why: 'is not read here; write the value' }),
  })
  const outcome = parseWith(policiesFileSchema, source)
  const found = outcome.kind === 'refused' ? outcome.problems : []
  if (outcome.kind === 'refused' || source.problems.length > 0) {
    for (const problem of [...source.problems, ...found]) terminal.err(`${formatProblem(problem)}\n`)
    throw new NotThere(`${file} is no file of policies`)
  }
  const { policies, policySets } = outcome.parsed.value
  return compilePolicies(policies, policySets)
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new NotThere(`${file} cannot be read: ${cause instanceof Error ? cause.message : ''}`)
  }
}

function readTime(text: string): EpochMs {
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw new InvalidArgumentError('write a time such as 2026-03-29T02:30:00Z')
  return at as EpochMs
}

function readLevel(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('write a number')
  return Number(text)
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

function pairOf(text: string): readonly [name: string, value: string] {
  const sign = text.indexOf('=')
  if (sign < 1) throw new InvalidArgumentError('write name=value')
  return [text.slice(0, sign), text.slice(sign + 1)]
}

function collectProperty(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [name, value] = pairOf(text)
  return { ...before, [name]: value }
}

function collectValues(
  text: string,
  before: Readonly<Record<string, readonly string[]>> = {},
): Readonly<Record<string, readonly string[]>> {
  const [name, value] = pairOf(text)
  const known = Object.hasOwn(before, name) ? (before[name] ?? []) : []
  return { ...before, [name]: [...known, value] }
}
