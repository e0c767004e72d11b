import { createHash } from 'node:crypto'
import { systemClock } from '../../base/clock.ts'
import { randomName } from '../../base/random-id.ts'
import { openEmbeddedStore } from './open.ts'
import { freshSession, loginToken, recordedLog } from './scratch.fixture.ts'

/*
 * A process of its own for processes.test.ts: creates and ends sessions as fast as it can until it is killed. Says on standard
 * output, in one write a line: `+sid` a create was answered, `?sid` an end is about to be asked for, `-sid` that end was answered.
 */

const [path = ''] = process.argv.slice(2)
const store = await openEmbeddedStore({ path, clock: systemClock, log: recordedLog() })
/** Settles when the line is out of this process: one that waited in it for its reader would die with it. */
const say = (line: string) => new Promise<void>((resolve) => process.stdout.write(`${line}\n`, () => resolve()))

async function churn(): Promise<never> {
  for (let i = 0; ; i++) {
    const sid = randomName()
    const now = systemClock()
    const hash = createHash('sha256').update(sid).digest('base64url')
    await store.sessions.create(freshSession(sid, now), loginToken(sid, hash, now))
    await say(`+${sid}`)
    if (i % 3 === 0) continue
    await say(`?${sid}`)
    await store.sessions.end(sid, 'logout')
    await say(`-${sid}`)
  }
}

await Promise.all(Array.from({ length: 16 }, churn))
