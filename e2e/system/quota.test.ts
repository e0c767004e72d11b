import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { RealmName } from '../../src/base/brand.ts'
import { systemClock } from '../../src/base/clock.ts'
import { bucketOf } from '../../src/session/bucket.ts'
import { openStore } from '../../src/store/open.ts'
import { storeSchema } from '../../src/store/store.schema.ts'
import type { QuotaAction, Store } from '../../src/store/store.ts'
import { Client, type Answer } from '../client.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from '../own-rig.ts'
import { startStoreData, type StoreData, type StoreDriver } from '../store-data.ts'

const WHOLE = process.env['SYSTEM'] === 'all'
const PROCESSES = WHOLE ? 4 : 2
/** Many times what runs at once, so that every order comes about; more in `npm run verify`. */
const LOGINS = WHOLE ? 500 : 120
const DENIED_LOGINS = WHOLE ? 120 : 60
/** Browsers that wait for an answer at a moment: few enough that none waits longer for its turn than the gateway lets it, where nothing else runs. */
const AT_ONCE = 16
const LIMIT = 5

const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

/** Erin is limited by her group, far below the value of the realm. Throttling is as it is by default. */
function realmYaml(action: QuotaAction): string {
  return JSON.stringify({ session: { quota: { limit: 50, action }, quotas: [{ group: 'limited', limit: LIMIT }] } })
}

interface Scene {
  readonly rigs: readonly OwnRig[]
  readonly store: Store
  close(): Promise<void>
}

async function startScene(driver: StoreDriver): Promise<Scene> {
  const data: StoreData = await startStoreData(driver)
  const rigs: OwnRig[] = []
  const close = async (): Promise<void> => {
    for (const rig of rigs.splice(0)) assert.equal(await rig.stop(), 0)
    await data.dispose()
  }
  try {
    return await assemble(data, rigs, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function assemble(data: StoreData, rigs: OwnRig[], close: () => Promise<void>): Promise<Scene> {
  const users = [{ username: 'erin', hash: await hashOf('erin-password'), groups: ['limited'] }]
  const files = {
    'agent-config/gatehouse.yaml': gatehouseYaml().replace('{ path: .gatehouse/cts.db }', data.yaml),
    'agent-config/app.yaml': agentYaml('app', 'http://127.0.0.1:1'),
    'agent-config/door.yaml': agentYaml('door', 'http://127.0.0.1:1').replace('/staff', '/guests'),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': realmYaml('DESTROY_OLDEST_SESSION'),
    'realms/staff/users.yaml': usersYaml(users),
    'realms/guests/realm.yaml': realmYaml('DENY_ACCESS'),
    'realms/guests/users.yaml': usersYaml(users),
  }
  const env = { MASTER_KEY: randomBytes(32).toString('base64url') }
  const started = await Promise.allSettled(Array.from({ length: PROCESSES }, () => startOwnRig({ files, env })))
  for (const one of started) if (one.status === 'fulfilled') rigs.push(one.value)
  for (const one of started) if (one.status === 'rejected') throw one.reason
  const config = storeSchema.parse(JSON.parse(data.yaml))
  const { store } = await openStore({ config, clock: systemClock, log: silent })
  return {
    rigs,
    store,
    async close() {
      await store.close()
      await close()
    },
  }
}

const loginHost = (rig: OwnRig): string => `http://login.acme.test:${rig.port}`

async function running({ store }: Scene, realm: string): Promise<number> {
  const name = realm as RealmName
  return (await store.sessions.ofUser({ bucket: bucketOf(name, 'erin'), realm: name, userId: 'erin' })).length
}

interface Visitor {
  readonly client: Client
  readonly rig: OwnRig
}

interface Rush {
  readonly answers: readonly (Visitor & { readonly answer: Answer })[]
  /** The most sessions that were ever seen meanwhile. */
  readonly most: number
}

/** So many of them at a time. */
async function forAll<T, R>(all: readonly T[], each: (one: T) => Promise<R>): Promise<readonly R[]> {
  const rest = all.entries()
  const results: R[] = []
  const worker = async (): Promise<void> => {
    for (const [i, one] of rest) results[i] = await each(one)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return results
}

/** As a person does who is told to try again: on a busy machine a turn takes longer to come than the gateway lets anybody wait. */
async function signIn(client: Client, page: Answer): Promise<Answer> {
  const answer = await client.signIn(page, 'erin', 'erin-password')
  return answer.status === 429 ? signIn(client, answer) : answer
}

/** Every login page first, then all of them sent. */
async function rush(scene: Scene, realm: string, logins: number): Promise<Rush> {
  const visitors = Array.from({ length: logins }, (_, i) => ({
    client: new Client(),
    rig: scene.rigs[i % PROCESSES] as OwnRig,
  }))
  const pages = await forAll(visitors, async ({ client, rig }) => ({
    ...{ client, rig },
    page: await client.call(`${loginHost(rig)}/login${realm}`),
  }))
  let [most, done] = [0, false]
  const watching = (async () => {
    while (!done) {
      most = Math.max(most, await running(scene, realm))
      await pause(1)
    }
  })()
  const answers = await forAll(pages, async ({ client, rig, page }) => ({
    ...{ client, rig },
    answer: await signIn(client, page),
  }))
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
  const homes = await forAll(answers, ({ client, rig }) => client.call(`${loginHost(rig)}/`))
  return homes.filter(({ body }) => body.includes('You are signed in as erin')).length
}

for (const driver of ['embedded', 'redis'] as const) {
  suite(`${PROCESSES} processes on one store (${driver})`, { timeout: 120_000 }, () => {
    let scene: Scene
    before(async () => {
      scene = await startScene(driver)
    })
    after(() => scene.close())

    test(`${LOGINS} parallel logins of one person are all let in and never leave more than ${LIMIT}`, async (t) => {
      const result = await rush(scene, '/staff', LOGINS)
      assert.deepEqual(statusesOf(result), { 200: LOGINS })
      assert.ok(result.most <= LIMIT, `${result.most} sessions were seen at once`)
      assert.equal(await running(scene, '/staff'), LIMIT)
      assert.equal(await signedIn(result), LIMIT)
      t.diagnostic(`the most sessions seen at once: ${result.most}`)
    })

    test(`of ${DENIED_LOGINS} parallel logins DENY_ACCESS lets ${LIMIT} in and tells the others`, async () => {
      const result = await rush(scene, '/guests', DENIED_LOGINS)
      assert.deepEqual(statusesOf(result), { 200: LIMIT, 409: DENIED_LOGINS - LIMIT })
      assert.ok(result.most <= LIMIT, `${result.most} sessions were seen at once`)
      assert.equal(await signedIn(result), LIMIT)
    })
  })
}
