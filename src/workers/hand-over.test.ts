import assert from 'node:assert/strict'
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { createHandOver } from './hand-over.ts'

/** Two listeners, which answer with the pid; told anything, it stops doing anything. */
const PROGRAM = fileURLToPath(new URL('halting-worker.fixture.ts', import.meta.url))

const workers: Worker[] = []
let ports: readonly number[] = []

before(async () => {
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({ exec: PROGRAM, execArgv: [] })
  const handOver = createHandOver()
  for (let i = 0; i < 3; i++) {
    const worker = cluster.fork()
    handOver.watch(worker.process)
    worker.on('error', () => undefined)
    workers.push(worker)
    ports = (await once(worker, 'message'))[0] as readonly number[]
  }
})

after(() => {
  for (const worker of workers) worker.process.kill('SIGKILL')
})

/** The pid of the worker that answered. */
const ask = async (port: number): Promise<number> => Number(await text(connect(port, '127.0.0.1')))

async function halt(worker: Worker | undefined): Promise<number> {
  assert.ok(worker)
  worker.send('halt')
  await once(worker, 'message')
  return worker.process.pid ?? 0
}

test('what was handed to a worker that took none of it before it was killed is answered by another, on every listener', async () => {
  const killed = await halt(workers[0])
  // As many as there are workers, on each listener: the halted one is dealt one of each.
  const asked = ports.flatMap((port) => workers.map(() => ask(port)))
  // All but those that wait for the halted one.
  let left = asked.length - ports.length
  await new Promise<void>((resolve) => {
    for (const one of asked) void one.then(() => --left === 0 && resolve())
  })
  process.kill(killed, 'SIGKILL')
  const pids = await Promise.all(asked)
  assert.ok(pids.every((pid) => pid > 0 && pid !== killed))
})
