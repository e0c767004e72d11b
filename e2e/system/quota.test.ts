import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { RealmName } from '../../src/base/brand.ts'
import { systemClock } from '../../src/base/clock.ts'
import { bucketOf } from '../../src/session/bucket.ts'
import { openEmbeddedStore } from '../../src/store/embedded/open.ts'
import type { QuotaAction, Store } from '../../src/store/store.ts'
import { Client, type Answer } from '../client.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from '../own-rig.ts'

const PROCESSES = 4
const LOGINS_EACH = 60
const LIMIT = 5
const REALM = '/staff' as RealmName

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-quota-'))
const path = join(directory, 'cts.db')
const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

let rigs: readonly OwnRig[]
let store: Store

/** Erin is limited by her group, far below the value of the realm. */
function realmYaml(action: QuotaAction): string {
  return JSON.stringify({
    session: { quota: { limit: 50, action }, quotas: [{ group: 'limited', limit: LIMIT }] },
    authentication: {
      modules: { password: { type: 'password' } },
      chains: { default: [{ module: 'password', criteria: 'REQUIRED' }] },
      // All tries of a moment count until they are judged; here they are all right.
      throttle: { freeFailures: 1_000, networkFailures: 10_000 },
    },
  })
}

before(async () => {
  const users = [{ username: 'erin', hash: await hashOf('erin-password'), groups: ['limited'] }]
  const files = {
    'agent-config/gatehouse.yaml': gatehouseYaml().replace('.gatehouse/cts.db', path),
    'agent-config/app.yaml': agentYaml('app', 'http://127.0.0.1:1'),
    'agent-config/door.yaml': agentYaml('door', 'http://127.0.0.1:1').replace('/staff', '/guests'),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': realmYaml('DESTROY_OLDEST_SESSION'),
    'realms/staff/users.yaml': usersYaml(users),
    'realms/guests/realm.yaml': realmYaml('DENY_ACCESS'),
    'realms/guests/users.yaml': usersYaml(users),
  }
  const env = { MASTER_KEY: randomBytes(32).toString('base64url') }
  rigs = await Promise.all(Array.from({ length: PROCESSES }, () => startOwnRig({ files, env })))
  store = await openEmbeddedStore({ path, clock: systemClock, log: silent })
})

after(async () => {
  for (const rig of rigs) assert.equal(await rig.stop(), 0)
  await store.close()
  rmSync(directory, { recursive: true })
})

const loginHost = (rig: OwnRig) => `http://login.acme.test:${rig.port}`

async function running(realm: string): Promise<number> {
  const name = realm as RealmName
  return (await store.sessions.ofUser({ bucket: bucketOf(name, 'erin'), realm: name, userId: 'erin' })).length
}

interface Rush {
  readonly answers: readonly { readonly client: Client; readonly rig: OwnRig; readonly answer: Answer }[]
  /** The most sessions that were ever seen meanwhile. */
  readonly most: number
}

/** The throttle lets only so many tries of one account be judged at a moment; whoever is told to wait comes again. */
async function signInPatiently(client: Client, page: Answer): Promise<Answer> {
  for (;;) {
    const answer = await client.signIn(page, 'erin', 'erin-password')
    if (answer.status !== 429) return answer
    await pause(20)
  }
}

/** Every login page first, then all of them sent at once. */
async function rush(realm: string): Promise<Rush> {
  const open = async (rig: OwnRig) => {
    const client = new Client()
    return { client, rig, page: await client.call(`${loginHost(rig)}/login${realm}`) }
  }
  const pages = await Promise.all(rigs.flatMap((rig) => Array.from({ length: LOGINS_EACH }, () => open(rig))))
  let [most, done] = [0, false]
  const watching = (async () => {
    while (!done) {
      most = Math.max(most, await running(realm))
      await pause(1)
    }
  })()
  const answers = await Promise.all(
    pages.map(async ({ client, rig, page }) => ({
      ...{ client, rig },
      answer: await signInPatiently(client, page),
    })),
  )
  done = true
  await watching
  return { answers, most }
}

function statusesOf({ answers }: Rush): Readonly<Record<number, number>> {
  const counts: Record<number, number> = {}
  for (const { answer } of answers) counts[answer.status] = (counts[answer.status] ?? 0) + 1
  return counts
}

/** How many of these browsers are signed in at their login host. */
async function signedIn({ answers }: Rush): Promise<number> {
  const homes = await Promise.all(answers.map(({ client, rig }) => client.call(`${loginHost(rig)}/`)))
  return homes.filter(({ body }) => body.includes('You are signed in as erin')).length
}

test(
  `${PROCESSES * LOGINS_EACH} parallel logins of one person on ${PROCESSES} processes never leave more than ${LIMIT}`,
  { timeout: 120_000 },
  async (t) => {
    const result = await rush(REALM)
    assert.deepEqual(statusesOf(result), { 200: PROCESSES * LOGINS_EACH })
    assert.ok(result.most <= LIMIT, `${result.most} sessions were seen at once`)
    assert.equal(await running(REALM), LIMIT)
    assert.equal(await signedIn(result), LIMIT)
    t.diagnostic(`the most sessions seen at once: ${result.most}`)
  },
)

test(
  `of ${PROCESSES * LOGINS_EACH} parallel logins DENY_ACCESS lets ${LIMIT} in and tells the others`,
  { timeout: 120_000 },
  async () => {
    const result = await rush('/guests')
    assert.deepEqual(statusesOf(result), { 200: LIMIT, 409: PROCESSES * LOGINS_EACH - LIMIT })
    assert.ok(result.most <= LIMIT, `${result.most} sessions were seen at once`)
    assert.equal(await signedIn(result), LIMIT)
  },
)
