import assert from 'node:assert/strict'
import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig, type LoadedConfig } from '../../src/config/load.ts'
import { formatProblem } from '../../src/config/problems.ts'
import { until } from '../until.ts'
import { mutate, splice } from './mutate.ts'
import { fuzzInput, vectors, type Fuzz } from './run.ts'
import type { Choices } from './seed.ts'

const FILES = [
  'agent-config/gatehouse.yaml',
  'agent-config/app.yaml',
  'agent-config/pay.yaml',
  'realms/realm.yaml',
  'realms/employees/realm.yaml',
  'realms/employees/policies.yaml',
  'realms/employees/users.yaml',
]

const PIECES = [
  ...(vectors('config_and_proto') as readonly { readonly yaml?: string }[]).flatMap(({ yaml }) =>
    yaml === undefined ? [] : [yaml],
  ),
  'a: &a [*a]',
  '<<: *x',
  '!!js/function "x"',
  '? [complex]\n: key',
  '--- \n...\n---',
  '%YAML 1.1\n---',
  '{ ',
  '"\\x',
  '- - - - -',
  '&a *a',
  '|9\n x',
]

/** Files as they are in force, by path below the root. */
const originals = new WeakMap<Fuzz, ReadonlyMap<string, string>>()

/** The same configuration beside the gateway's own, to load in this process; made once. */
function copyOf({ rig }: Fuzz): string {
  return join(rig.root, 'copy')
}

function prepare(fuzz: Fuzz): ReadonlyMap<string, string> {
  const known = originals.get(fuzz)
  if (known !== undefined) return known
  const { root } = fuzz.rig
  for (const folder of ['agent-config', 'realms', 'data/master.key'])
    cpSync(join(root, folder), join(copyOf(fuzz), folder), { recursive: true })
  const texts = new Map(FILES.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
  originals.set(fuzz, texts)
  return texts
}

function changed(text: string, other: string, choices: Choices): string {
  if (choices.chance(0.1)) return splice(text, other, choices)
  if (choices.chance(0.25)) {
    const lines = text.split('\n')
    lines.splice(choices.below(lines.length + 1), 0, choices.pick(PIECES))
    return lines.join('\n')
  }
  return mutate(text, choices)
}

/** A hundred times what it takes where nothing else runs; what grows with more than the length of a text takes minutes. */
const BOUND_MS = 10_000

/** What `gatehouse check` reads: it always comes back, soon, with a configuration or with the places of what is wrong. */
async function loadInTime(root: string, about: string): Promise<LoadedConfig> {
  const started = performance.now()
  const loaded = await loadConfig(root)
  assert.ok(performance.now() - started < BOUND_MS, `${about}: loading took ${performance.now() - started} ms`)
  const errors = loaded.problems.filter(({ severity }) => severity === 'error')
  assert.equal(loaded.snapshot === undefined, errors.length > 0, `${about}: no configuration without a reason`)
  for (const problem of loaded.problems)
    assert.match(formatProblem(problem), /^[a-z./-]+:[1-9]\d*:[1-9]\d*: [^\p{Cc}]+$/u, `${about}: told with its place`)
  return loaded
}

/** As editors do: a file that is half written may be a sound one with half of its users. */
function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}~`, text, { encoding: 'latin1', mode: 0o600 })
  renameSync(`${path}~`, path)
}

/** The running gateway is given the broken file: it says so and goes on with what it had. */
async function reload({ rig, bob }: Fuzz, path: string, text: string): Promise<void> {
  const told = (): number => rig.log().split('"event":"ConfigRefused"').length
  const before = told()
  replaceFile(path, text)
  rig.signal('SIGHUP')
  await until(`the refusal of ${JSON.stringify(text)} is told`, () => told() > before)
  const answer = await rig.ask(`GET /me HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}\r\n`)
  assert.equal(answer?.status, 200, `what was in force still is, with ${JSON.stringify(text)}`)
  const refused = await rig.ask(`GET /admin/x HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}\r\n`)
  assert.equal(refused?.status, 403, 'and what was refused, too')
}

fuzzInput('YAML', async (fuzz, choices) => {
  const texts = prepare(fuzz)
  const file = choices.pick(FILES)
  const original = texts.get(file) ?? ''
  const text = changed(original, texts.get(choices.pick(FILES)) ?? '', choices)
  const copy = join(copyOf(fuzz), file)
  writeFileSync(copy, text, 'latin1')
  const { snapshot } = await loadInTime(copyOf(fuzz), JSON.stringify(text))
  writeFileSync(copy, original)
  if (snapshot !== undefined || choices.chance(0.7)) return
  await reload(fuzz, join(fuzz.rig.root, file), text)
  // As it was, so that the next one breaks one file only.
  replaceFile(join(fuzz.rig.root, file), original)
})
