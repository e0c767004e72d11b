import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { Client } from '../client.ts'
import { startRig, type Rig } from '../rig.ts'
import { until } from '../until.ts'

interface Record {
  readonly client: Client
  /** What the person was told last; `undefined` while an answer is outstanding. */
  state: 'signed-in' | 'signed-out' | undefined
}

/** Signs in without pause, and out of the session before, until the gateway is gone: few enough at once for the realm's quota. */
async function busyPerson(rig: Rig, user: string, records: Record[]): Promise<void> {
  let before: Record | undefined
  for (;;) {
    const record: Record = { client: new Client(), state: undefined }
    records.push(record)
    try {
      const page = await record.client.open(`${rig.sites.app}/`)
      const home = await record.client.signIn(page, user)
      assert.equal(home.status, 200)
      record.state = 'signed-in'
      const last = before
      before = record
      if (last !== undefined) await signOut(rig, last)
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
      return
    }
  }
}

async function signOut(rig: Rig, record: Record): Promise<void> {
  record.state = undefined
  const out = await record.client.call(`${rig.sites.login}/logout`, { form: {} })
  assert.equal(out.status, 303)
  record.state = 'signed-out'
}

async function isSignedIn(rig: Rig, client: Client): Promise<boolean> {
  const answer = await client.open(`${rig.sites.app}/api/me`)
  return answer.status === 200 && answer.url.startsWith(rig.sites.app)
}

test('kill -9 in the middle of logins: what was answered holds after a restart', { timeout: 110_000 }, async (t) => {
  let rig = await startRig()
  let [kept, ended] = [0, 0]
  for (let round = 0; round < 3; round++) {
    const records: Record[] = []
    const people = ['alice', 'bob', 'carol', 'alice'].map((user) => busyPerson(rig, user, records))
    await after(500 + round * 700)
    // However slow it is, there is something to lose.
    const isOf = (state: Record['state']): number => records.filter((record) => record.state === state).length
    await until('people signed in and out', () => isOf('signed-in') > 3 && isOf('signed-out') > 1)
    await rig.killHard()
    await Promise.all(people)
    rig = await startRig(rig)
    for (const record of records.filter(({ state }) => state !== undefined)) {
      const { client, state } = record
      assert.equal(
        await isSignedIn(rig, client),
        state === 'signed-in',
        `a session that was answered "${String(state)}"`,
      )
      if (state === 'signed-in') kept++
      else ended++
      if (state === 'signed-in') await signOut(rig, record)
    }
  }
  await rig.stop()
  t.diagnostic(`${kept} answered logins survived, ${ended} answered logouts stayed`)
  assert.ok(kept > 5 && ended > 1, 'the rounds were long enough to mean something')
})
