// Runs the steps of a test command in order, each with a time limit, and tells at the end what passed.
import { spawn } from 'node:child_process'
import { root } from './runtime.mjs'

/** Runs one step; resolves to whether it passed. The whole process group is ended when the time is over. */
function runStep({ name, command, args, minutes, env }) {
  return new Promise((resolve) => {
    process.stdout.write(`\n── ${name}\n`)
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'], detached: true })
    const timer = setTimeout(() => {
      process.stderr.write(`${name}: not finished after ${minutes} minutes, ended\n`)
      endGroup(child.pid)
    }, minutes * 60_000)
    const done = (passed) => {
      clearTimeout(timer)
      endGroup(child.pid)
      resolve(passed)
    }
    child.on('error', (error) => {
      process.stderr.write(`${name}: ${error.message}\n`)
      done(false)
    })
    child.on('exit', (code) => done(code === 0))
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

/**
 * Runs all steps even after one failed, so that one run shows everything.
 * @returns the process's exit code
 */
export async function runSteps(steps) {
  const failed = []
  const start = Date.now()
  for (const step of steps) {
    const began = Date.now()
    const passed = await runStep(step)
    process.stdout.write(
      `   ${passed ? 'passed' : 'FAILED'}: ${step.name} (${((Date.now() - began) / 1000).toFixed(1)} s)\n`,
    )
    if (!passed) failed.push(step.name)
  }
  process.stdout.write(`\n${failed.length > 0 ? `Failed: ${failed.join('; ')}\n` : ''}`)
  process.stdout.write(`Took ${((Date.now() - start) / 1000).toFixed(0)} s\n`)
  process.stdout.write(`steps: ${steps.length - failed.length} passed, ${failed.length} failed\n`)
  return failed.length === 0 ? 0 : 1
}
