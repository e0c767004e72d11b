import assert from 'node:assert/strict'
import { Client } from '../client.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from '../own-rig.ts'
import { startApplication, type Application } from './application.ts'
import { COLLECTS } from './memory.ts'

/** A gateway that enforces everything, in a process of its own, and somebody who is signed in. */
export interface EnduranceRig {
  readonly gateway: OwnRig
  readonly application: Application
  /** The address of a path at the application. */
  at(path: string): string
  signIn(): Promise<{ readonly client: Client; readonly cookie: string }>
  stop(): Promise<void>
}

/** Session, a policy, identity headers and the assertion; the limits that a person never reaches out of the way. */
export async function startEnduranceRig(): Promise<EnduranceRig> {
  const application = await startApplication()
  const more = `identity: { headers: { X-Remote-User: username } }\nwebsocket: { maxPerSession: 2000 }\n`
  const resources = ['http://app.acme.test:*/*', 'http://app.acme.test:*/*?*']
  const policy = {
    name: 'staff',
    resources,
    actions: { GET: 'allow', POST: 'allow' },
    subject: { type: 'AuthenticatedUsers' },
  }
  const files = {
    'agent-config/gatehouse.yaml': gatehouseYaml(),
    'agent-config/app.yaml': agentYaml('app', application.url, more),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': '',
    'realms/staff/users.yaml': usersYaml([{ username: 'erin', hash: await hashOf('erin-password') }]),
    'realms/staff/policies.yaml': JSON.stringify({ policies: [policy] }),
  }
  const gateway = await startOwnRig({ files, env: { NODE_OPTIONS: COLLECTS } })
  const at = (path: string): string => `http://app.acme.test:${gateway.port}${path}`
  return {
    gateway,
    application,
    at,
    async signIn() {
      const client = new Client()
      const home = await client.signIn(await client.open(at('/')), 'erin', 'erin-password')
      assert.equal(home.status, 200)
      return { client, cookie: client.cookiesFor(at('/')) }
    },
    async stop() {
      assert.equal(await gateway.stop(), 0)
      await application.close()
    },
  }
}
