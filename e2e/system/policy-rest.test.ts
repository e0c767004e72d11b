import assert from 'node:assert/strict'
import { request } from 'node:http'
import { json } from 'node:stream/consumers'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Client } from '../client.ts'
import { startEchoApp, type EchoApp } from '../echo-app.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from '../own-rig.ts'

let app: EchoApp
let rig: OwnRig

const FILE = 'realms/staff/policies.yaml'

before(async () => {
  app = await startEchoApp()
  const erin = { username: 'erin', hash: await hashOf('erin-password'), groups: ['admins'] }
  rig = await startOwnRig({
    files: {
      'agent-config/gatehouse.yaml': gatehouseYaml(),
      'agent-config/app.yaml': agentYaml('app', app.url, ''),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': 'administrators: [admins]\n',
      'realms/staff/users.yaml': usersYaml([erin]),
      [FILE]: '# Nobody yet.\npolicies: []\n',
    },
  })
})

after(async () => {
  assert.equal(await rig.stop(), 0)
  await app.close()
})

test('a policy that is written by REST is in the file, and in force when the answer comes', async () => {
  const site = `http://app.acme.test:${rig.port}`
  const client = new Client()
  const refused = await client.signIn(await client.open(`${site}/`), 'erin', 'erin-password')
  assert.equal(refused.status, 403)
  const token = client.cookie('login.acme.test', 'SSOTokenID')
  assert.ok(token !== undefined)
  const policy = {
    ...{ active: true, actionValues: { GET: true }, resources: [`${site}/*`] },
    subject: { type: 'AuthenticatedUsers' },
  }
  const trial = await call('PUT', token, policy, '?_dryRun=true')
  const { _decisions: decisions } = trial.body as { readonly _decisions: { readonly changes: readonly object[] } }
  const page = {
    user: 'erin',
    method: 'GET',
    url: `${site}/`,
    before: 'denied: no-policy-matched',
    after: 'allowed (all)',
  }
  assert.deepEqual([trial.status, decisions], [201, { compared: 1, changed: 1, changes: [{ ...page, count: 1 }] }])
  assert.equal((await client.open(`${site}/`)).status, 403, 'nothing was written')
  const written = await call('PUT', token, policy)
  assert.equal(written.status, 201, JSON.stringify(written.body))
  assert.equal((await client.open(`${site}/`)).status, 200)
  assert.match(readFileSync(join(rig.root, FILE), 'utf8'), /^# Nobody yet\.\npolicies:\n {2}- name: all\n/)
  assert.equal((await call('DELETE', token)).status, 200)
  assert.equal((await client.open(`${site}/`)).status, 403)
  const audited = rig.lines().filter(({ event }) => event === 'PolicyAdministered')
  assert.deepEqual(
    audited.map(({ username, action, policy: name, decisions }) => [username, action, name, decisions]),
    [
      ['erin', 'create', 'all', { compared: 2, changed: 2 }],
      ['erin', 'delete', 'all', { compared: 3, changed: 3 }],
    ],
  )
})

async function call(
  method: string,
  token: string,
  body?: object,
  query = '',
): Promise<{ readonly status: number; readonly body: unknown }> {
  const headers = { host: `login.acme.test:${rig.port}`, SSOTokenID: token, 'accept-api-version': 'resource=2.1' }
  return new Promise((resolve, reject) => {
    const path = `/json/realms/root/realms/staff/policies/all${query}`
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    request({ port: rig.port, path, method, headers: { ...headers, ...type } }, (response) => {
      json(response).then((read) => resolve({ status: response.statusCode ?? 0, body: read }), reject)
    })
      .on('error', reject)
      .end(body === undefined ? undefined : JSON.stringify(body))
  })
}
