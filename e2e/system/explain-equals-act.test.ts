import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '../client.ts'
import { startEchoApp } from '../echo-app.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from '../own-rig.ts'

const ALL = { GET: 'allow', POST: 'allow' }
const POLICIES = [
  {
    name: 'staff',
    resources: ['*://*:*/*', '*://*:*/*?*'],
    actions: ALL,
    subject: { type: 'AuthenticatedUsers' },
    condition: { type: 'LEAuthLevel', authLevel: 5 },
    responseAttributes: [{ type: 'Static', propertyName: 'role', propertyValues: ['reader'] }],
  },
  {
    name: 'stronger',
    resources: ['*://*:*/stronger/*'],
    actions: ALL,
    subject: { type: 'AuthenticatedUsers' },
    condition: { type: 'AuthLevel', authLevel: 7 },
  },
  {
    name: 'closed',
    resources: ['*://*:*/closed/*'],
    actions: { GET: 'deny' },
    subject: { type: 'NOT', subject: { type: 'Group', groups: ['auditors'] } },
  },
  {
    name: 'lost devices',
    resources: ['*://*:*/device/*'],
    actions: { GET: 'deny' },
    subject: { type: 'AuthenticatedUsers' },
    condition: { type: 'Environment', properties: { device: ['lost'] } },
  },
]

async function start(t: { after(body: () => Promise<void>): void }, env: Readonly<Record<string, string>> = {}) {
  const app = await startEchoApp()
  t.after(() => app.close())
  const erin = { username: 'erin', hash: await hashOf('erin-password'), groups: ['staff'] }
  const profile =
    "allowedMethods: [GET, POST]\nnotEnforced: [{ path: '/open/*' }]\nenvironment: { headers: { X-Device: device } }\nidentity: { headers: { X-Role: response:role } }\n"
  const rig = await startOwnRig({
    env,
    files: {
      'agent-config/gatehouse.yaml': gatehouseYaml(),
      'agent-config/app.yaml': agentYaml('app', app.url, profile),
      'agent-config/sso.yaml': agentYaml('sso', app.url),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': '',
      'realms/staff/users.yaml': usersYaml([erin]),
      'realms/staff/policies.yaml': JSON.stringify({ policies: POLICIES }),
    },
  })
  return rig
}

/** One request of each kind. */
async function use(rig: OwnRig): Promise<readonly number[]> {
  const at = (path: string, site = 'app'): string => `http://${site}.acme.test:${rig.port}${path}`
  const client = new Client()
  const home = await client.signIn(await client.open(at('/page?a=1')), 'erin', 'erin-password')
  const statuses = [home.status]
  for (const path of ['/closed/x', '/stronger/x', '/open/x']) statuses.push((await client.call(at(path))).status)
  statuses.push((await client.call(at('/x'), { method: 'DELETE' })).status)
  statuses.push((await client.open(at('/', 'sso'))).status)
  for (const device of ['lost', 'mine'])
    statuses.push((await client.call(at('/device/x'), { headers: { 'x-device': device } })).status)
  return statuses
}

test('explain, asked again about each decision from what a log would know of it, says what was enforced', async (t) => {
  const rig = await start(t)
  assert.deepEqual(await use(rig), [200, 403, 302, 200, 405, 200, 403, 200])
  assert.equal(await rig.stop(), 0)
  assert.deepEqual(rig.compared(), { forward: 4, deny: 2, 'step-up': 1, refuse: 1 })
})

test('a single explanation that is another one turns the rig of a test red', async (t) => {
  const rig = await start(t, { ASKED_AGAIN_WRONG: 'yes' })
  await use(rig)
  await assert.rejects(rig.stop(), /explain says \d+ times what was not enforced/)
})
