import { createInterface } from 'node:readline'
import { systemClock } from '../../base/clock.ts'
import { openEmbeddedStore } from './open.ts'
import { recordedLog } from './scratch.fixture.ts'

/*
 * A process of its own for processes.test.ts: ends each session whose sid it reads on standard input, and says when the call
 * began and when it settled. Ends with its input.
 */

const [path = ''] = process.argv.slice(2)
const store = await openEmbeddedStore({ path, clock: systemClock, log: recordedLog() })
const wallClock = () => performance.timeOrigin + performance.now()

process.stdout.write('ready\n')
for await (const sid of createInterface({ input: process.stdin })) {
  const asked = wallClock()
  await store.sessions.end(sid, 'admin')
  process.stdout.write(`${asked} ${wallClock()}\n`)
}
await store.close()
