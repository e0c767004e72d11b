import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from '../client.ts'
import { startRig, type Rig } from '../rig.ts'

let first: Rig
let second: Rig

before(async () => {
  first = await startRig()
  second = await startRig({ port: 0, dataDir: first.dataDir })
})

after(async () => {
  await second.stop()
  await first.stop()
})

/** Signs alice in at the first process; the token opens the application at both, which share one store. */
async function signedIn(): Promise<Client> {
  const client = new Client()
  const home = await client.signIn(await client.open(`${first.sites.app}/`), 'alice')
  assert.equal(home.status, 200)
  return client
}

const asScript = { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' } }

test('a session started in one process works in the other', async () => {
  const client = await signedIn()
  assert.equal((await client.call(`${second.sites.app}/api/me`, asScript)).status, 200)
})

test('a session ended in one process is refused in the other within 50 ms', { timeout: 60_000 }, async (t) => {
  const delays: number[] = []
  for (let round = 0; round < 15; round++) {
    const client = await signedIn()
    assert.equal((await client.call(`${second.sites.app}/api/me`, asScript)).status, 200)
    assert.equal((await client.call(`${first.sites.login}/logout`, { form: {} })).status, 303)
    const ended = performance.now()
    while ((await client.call(`${second.sites.app}/api/me`, asScript)).status !== 401) {
      assert.ok(performance.now() - ended < 1_000, 'refused within a second at the latest')
      await pause(2)
    }
    delays.push(performance.now() - ended)
  }
  delays.sort((a, b) => a - b)
  const median = delays[Math.floor(delays.length / 2)] ?? Infinity
  t.diagnostic(
    `logout in one process to refusal in the other: median ${median.toFixed(1)} ms, longest ${delays.at(-1)?.toFixed(1)} ms`,
  )
  assert.ok(median <= 50, `median ${median} ms`)
})
