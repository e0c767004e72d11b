// Runs the steps of a test command, each with a time limit, and tells at the end what passed.
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failedTests, failuresIn, passedTests } from './failed-tests.mjs'
import { root } from './runtime.mjs'

/**
 * Runs one step; resolves to whether it passed and what it wrote. Its whole process group is ended when it is done or the time is over,
 * and what it left in its folder for temporary files goes with it: a test that is killed tidies up nothing.
 */
function runStep({ name, command, args, minutes, env }) {
  const began = Date.now()
  process.stdout.write(`   started: ${name}\n`)
  const temporary = mkdtempSync(join(tmpdir(), 'gatehouse-'))
  // Servers of others give up root, and have to get through to what is theirs in it.
  chmodSync(temporary, 0o711)
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...(env ?? process.env), TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    // Kept until the step is over: steps run side by side, and lines of two of them in turn would be read by nobody.
    const output = []
    child.stdout?.on('data', (chunk) => output.push(chunk))
    child.stderr?.on('data', (chunk) => output.push(chunk))
    const timer = setTimeout(() => {
      output.push(Buffer.from(`${name}: not finished after ${minutes} minutes, ended\n`))
      endGroup(child.pid)
    }, minutes * 60_000)
    const done = (passed, note) => {
      clearTimeout(timer)
      endGroup(child.pid)
      rmSync(temporary, { recursive: true, force: true, maxRetries: 5 })
      process.stdout.write(`\n── ${name}\n`)
      const written = `${Buffer.concat(output)}${note}`
      process.stdout.write(written)
      const seconds = ((Date.now() - began) / 1000).toFixed(1)
      process.stdout.write(`   ${passed ? 'passed' : 'FAILED'}: ${name} (${seconds} s)\n`)
      resolve({ passed, written })
    }
    child.on('error', (error) => done(false, `${name}: ${error.message}\n`))
    child.on('exit', (code) => setImmediate(() => done(code === 0, '')))
  })
}

/** Ends what a step left running, itself included: by its own process group, never by name. */
function endGroup(pid) {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // The group has ended already, which is what we wanted.
  }
}

/** More files than so many did not fail by chance. */
const MOST_FILES_AGAIN = 2

/**
 * What only the load of the others brought to fail passes alone. It is told, since such a test is to be mended; a defect fails twice.
 * @param {{ step: { name: string, again?: readonly string[] }, output: string }[]} failed steps with what they wrote; `again` are the
 *   arguments that a step's command takes before the files that failed
 * @returns those that failed alone, too, and those that cannot be run again
 */
async function runAgain(failed) {
  const left = []
  for (const { step, output } of failed) {
    const failures = failuresIn(output)
    if (step.again === undefined || failures === undefined || failures.files.length > MOST_FILES_AGAIN) {
      left.push({ step, output })
      continue
    }
    const args = [...step.again, ...failures.files]
    const second = await runStep({ ...step, name: `${step.name}, again and alone`, args })
    const passed = passedTests(second.written)
    if (second.passed && failures.names.every((name) => passed.includes(name)))
      process.stdout.write(`\nBY CHANCE: ${step.name}: failed once, passed alone:\n${failedTests(output).join('\n')}\n`)
    else left.push({ step, output: second.passed ? output : second.written })
  }
  return left
}

/**
 * Runs steps in order, all of them even after one failed, so that one run shows everything.
 * @param {number} atOnce how many run side by side: whenever one has ended the next begins
 * @param last what looks at what the others left, once they have all ended
 * @returns the process's exit code
 */
export async function runSteps(steps, atOnce = 1, last = []) {
  const first = []
  const start = Date.now()
  const left = [...steps]
  const lane = async () => {
    for (let step = left.shift(); step !== undefined; step = left.shift()) {
      const { passed, written } = await runStep(step)
      if (!passed) first.push({ step, output: written })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  left.push(...last)
  await lane()
  const failed = await runAgain(first)
  // Some show of a long log only the end.
  for (const { step, output } of failed)
    process.stdout.write(`\n── failed: ${step.name}\n${failedTests(output).join('\n')}\n`)
  const names = failed.map(({ step }) => step.name).join('; ')
  process.stdout.write(`\n${failed.length > 0 ? `Failed: ${names}\n` : ''}`)
  process.stdout.write(`Took ${((Date.now() - start) / 1000).toFixed(0)} s\n`)
  process.stdout.write(`steps: ${steps.length + last.length - failed.length} passed, ${failed.length} failed\n`)
  return failed.length === 0 ? 0 : 1
}
