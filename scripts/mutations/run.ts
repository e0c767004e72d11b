/*
 * Breaks security-relevant code one line at a time and sees whether the tests notice.
 * `npm run mutations [-- [--slice N] [--workers N] [--trust-tests] [NAME …]]`.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mutated, readMutations, root, sliceOf, type Mutation } from './list.ts'

/** `stale`: the code has moved on and the mutation names no place of it, or two. */
type Outcome = 'killed' | 'survived' | 'stale'

/** Milliseconds: a mutation that hangs its tests has been noticed, too. */
const TEST_LIMIT = 20_000
const MUTATION_LIMIT = 90_000
const UNBROKEN_LIMIT = 300_000
/** Percent of mutations that have to be killed. */
const LEAST_KILLED = 95

const PARTS = ['src', 'e2e', 'scripts', 'public', 'docs', 'agent-config', 'realms', 'package.json', 'tsconfig.json']

/** A copy of what tests need: breaking code in place would break it for good if this process died. */
function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'gatehouse-mutation-'))
  for (const part of PARTS) cpSync(join(root, part), join(copy, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  mkdirSync(join(copy, 'tmp'))
  return copy
}

async function apply(mutation: Mutation, copy: string): Promise<Outcome> {
  const path = join(copy, mutation.file)
  const original = readFileSync(path, 'utf8')
  const broken = mutated(original, mutation)
  if (broken === undefined) return 'stale'
  writeFileSync(path, broken)
  try {
    return (await testsPass(mutation.tests, copy, MUTATION_LIMIT)) ? 'survived' : 'killed'
  } finally {
    writeFileSync(path, original)
  }
}

const FAILED = /^ *not ok /m

/** Settles at the first test that fails, without waiting for the others. */
function testsPass(tests: readonly string[], cwd: string, limit: number): Promise<boolean> {
  const args = ['--test', `--test-timeout=${TEST_LIMIT}`, '--test-reporter=tap', ...tests]
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, TMPDIR: join(cwd, 'tmp') },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  })
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
  const timer = setTimeout(end, limit)
  let line = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    line += text
    if (FAILED.test(line)) end()
    line = line.slice(line.lastIndexOf('\n') + 1)
  })
  return new Promise((resolve) => {
    child.once('close', (code) => {
      clearTimeout(timer)
      end()
      resolve(code === 0)
    })
  })
}

/** A test that fails on the code as it is would count as having noticed everything. */
async function passUnbroken(chosen: readonly Mutation[]): Promise<boolean> {
  const copy = makeCopy()
  try {
    return await testsPass([...new Set(chosen.flatMap(({ tests }) => tests))], copy, UNBROKEN_LIMIT)
  } finally {
    rmSync(copy, { recursive: true })
  }
}

/** Takes mutations from the common list until it is empty. */
async function work(queue: Mutation[], outcomes: Map<string, Outcome>): Promise<void> {
  const copy = makeCopy()
  try {
    for (let mutation = queue.shift(); mutation !== undefined; mutation = queue.shift()) {
      const started = performance.now()
      const outcome = await apply(mutation, copy)
      outcomes.set(mutation.name, outcome)
      const seconds = ((performance.now() - started) / 1_000).toFixed(1).padStart(5)
      process.stdout.write(`${outcome.padEnd(8)} ${seconds} s  ${mutation.name}: ${mutation.breaks}\n`)
    }
  } finally {
    rmSync(copy, { recursive: true })
  }
}

/** Prints what survived and the sum; whether that is enough. */
function report(outcomes: ReadonlyMap<string, Outcome>): boolean {
  const named = (wanted: Outcome): string[] => [...outcomes].flatMap(([name, is]) => (is === wanted ? [name] : []))
  const killed = named('killed').length
  const percent = outcomes.size === 0 ? 0 : (100 * killed) / outcomes.size
  for (const kind of ['survived', 'stale'] as const) {
    if (named(kind).length > 0) process.stdout.write(`${kind}: ${named(kind).join(', ')}\n`)
  }
  process.stdout.write(`mutations: ${killed} killed of ${outcomes.size} (${percent.toFixed(1)} %)\n`)
  return percent >= LEAST_KILLED && named('stale').length === 0
}

const { values, positionals } = parseArgs({
  options: {
    slice: { type: 'string' },
    workers: { type: 'string', default: '2' },
    'trust-tests': { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const all = readMutations()
const listed = positionals.length === 0 ? all : all.filter(({ name }) => positionals.includes(name))
const chosen = values.slice === undefined ? listed : sliceOf(listed, Number(values.slice))
if (!values['trust-tests'] && !(await passUnbroken(chosen))) {
  process.stdout.write('the tests fail on the code as it is, so nothing can be told from them\n')
  process.exitCode = 1
} else {
  const outcomes = new Map<string, Outcome>()
  const queue = [...chosen]
  await Promise.all(Array.from({ length: Number(values.workers) }, () => work(queue, outcomes)))
  process.exitCode = report(outcomes) ? 0 : 1
}
