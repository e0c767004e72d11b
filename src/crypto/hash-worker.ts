import { readlinkSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { hashSync, verifySync } from '@node-rs/argon2'
import type { HashJob, HashAnswer } from './hash-threads.ts'

/*
 * One thread that computes password hashes and nothing else. Requests go before logins: where both want the same core, the system gives it to
 * the thread that forwards them (niceness, setpriority(2)), so that a flood of logins is not felt by who is signed in.
 */

/**
 * To the others. A core that both want goes to requests for nine parts in ten; a core that nobody wants is the hash's. With more a flood would
 * cost requests still less, and logins beside other work would take several times as long (docs/performance.md).
 */
const LESS = 10

const port = parentPort
if (port === null) throw new Error('hashes are computed in a worker thread only')

/** Linux gives each thread a priority of its own, by its id; elsewhere there is no such file, and all threads stay alike. */
function giveWay(): void {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), Math.min(19, getPriority() + LESS))
  } catch {
    // Without it hashes are as right as with it.
  }
}

giveWay()
port.on('message', (job: HashJob) => {
  let answer: HashAnswer
  try {
    answer = { value: job.kind === 'hash' ? hashSync(job.bytes, job.cost) : verifySync(job.stored, job.bytes) }
  } catch (error) {
    answer = { error: error instanceof Error ? error : new Error(String(error)) }
  }
  port.postMessage(answer)
})
