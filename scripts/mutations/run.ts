// Breaks security-relevant code one line at a time and sees whether the tests notice. `npm run mutations [-- NAME …]`.
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { z } from 'zod'

const root = fileURLToPath(new URL('../..', import.meta.url))

const mutationSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  /** What the product would do wrong. */
  breaks: z.string(),
  file: z.string(),
  /** Exactly one place of the file. */
  find: z.string(),
  replace: z.string(),
  /** The tests that should notice: files or globs. */
  tests: z.array(z.string()).min(1),
})

type Mutation = z.infer<typeof mutationSchema>

/** `stale`: the code has moved on and the mutation names no place of it, or two. */
type Outcome = 'killed' | 'survived' | 'stale'

const MINUTES = 3

/** A copy of what tests need: breaking code in place would break it for good if this process died. */
function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'gatehouse-mutation-'))
  for (const part of [
    'src',
    'e2e',
    'scripts',
    'public',
    'docs',
    'agent-config',
    'realms',
    'package.json',
    'tsconfig.json',
  ]) {
    cpSync(join(root, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

async function apply(mutation: Mutation, copy: string): Promise<Outcome> {
  const path = join(copy, mutation.file)
  const original = readFileSync(path, 'utf8')
  if (original.split(mutation.find).length !== 2) return 'stale'
  writeFileSync(
    path,
    original.replace(mutation.find, () => mutation.replace),
  )
  try {
    return (await testsPass(mutation.tests, copy)) ? 'survived' : 'killed'
  } finally {
    writeFileSync(path, original)
  }
}

function testsPass(tests: readonly string[], cwd: string): Promise<boolean> {
  const child = spawn(process.execPath, ['--test', '--test-timeout=60000', ...tests], {
    cwd,
    stdio: 'ignore',
    detached: true,
  })
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
  const timer = setTimeout(end, MINUTES * 60_000)
  return new Promise((resolve) => {
    child.once('exit', (code) => {
      clearTimeout(timer)
      end()
      resolve(code === 0)
    })
  })
}

/** Takes mutations from the common list until it is empty. */
async function work(queue: Mutation[], outcomes: Map<string, Outcome>): Promise<void> {
  const copy = makeCopy()
  try {
    for (let mutation = queue.shift(); mutation !== undefined; mutation = queue.shift()) {
      const outcome = await apply(mutation, copy)
      outcomes.set(mutation.name, outcome)
      process.stdout.write(`${outcome.padEnd(8)}  ${mutation.name}: ${mutation.breaks}\n`)
    }
  } finally {
    rmSync(copy, { recursive: true })
  }
}

const list = fileURLToPath(new URL('mutations.yaml', import.meta.url))
const all = z.array(mutationSchema).parse(parse(readFileSync(list, 'utf8')))
const names = process.argv.slice(2)
const chosen = names.length === 0 ? all : all.filter(({ name }) => names.includes(name))
const outcomes = new Map<string, Outcome>()
const queue = [...chosen]
await Promise.all([work(queue, outcomes), work(queue, outcomes)])
const killed = [...outcomes.values()].filter((outcome) => outcome === 'killed').length
process.stdout.write(`mutations: ${killed} killed of ${chosen.length}\n`)
process.exitCode = killed === chosen.length && killed > 0 ? 0 : 1
