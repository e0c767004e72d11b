import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AgentId, RealmName } from '../base/brand.ts'
import { configFolder, HASH, MASTER_KEY } from '../config/config-folder.fixture.ts'
import { loadConfig } from '../config/load.ts'
import { createMachine } from '../session/processes.fixture.ts'
import { agentsOf } from './agents.ts'

const STAFF = '/staff' as RealmName

async function compile(t: TestContext, agents: Readonly<Record<string, string>>) {
  const files = Object.entries(agents).map(([name, more]): [string, string] => [
    `agent-config/${name}.yaml`,
    `url: http://${name}.${name === 'far' ? 'partner' : 'acme'}.localhost\nrealm: /staff\nssoOnly: true\n${more}\n`,
  ])
  const { root } = configFolder(t, Object.fromEntries(files))
  const { snapshot, problems } = await loadConfig(root, { env: { KEY: MASTER_KEY } })
  assert.ok(snapshot, JSON.stringify(problems))
  const { start, clock } = createMachine(t)
  const { store } = await start()
  const hasher = {
    hash: () => Promise.resolve(HASH),
    verify: () => Promise.resolve(true),
    verifyNothing: () => Promise.resolve(),
    hasRoom: () => true,
  }
  return agentsOf(snapshot, new Map(), { store, clock, hasher, audit: { record: () => undefined } })
}

const OPENAM = `openam: { secret: "${HASH}" }`
const UPSTREAM = 'upstream: { servers: [http://127.0.0.1:9001] }'

test('agents alone at their site learn one cookie name, and are answered about its tokens without a word who asks', async (t) => {
  const { agents } = await compile(t, {
    near: `${OPENAM}\ncookie: { preset: openam, domain: acme.localhost }`,
    far: `openam: { secret: "${HASH}", notifications: true, networks: [192.0.2.0/24] }\ncookie: { preset: openam }`,
    gated: `${OPENAM}\n${UPSTREAM}`,
  })
  assert.deepEqual(agents.cookie, { name: 'iPlanetDirectoryPro', domains: ['acme.localhost'] })
  assert.deepEqual([...agents.audiencesAt('192.0.2.1')].sort(), [
    'agent:far',
    'domain:acme.localhost/iPlanetDirectoryPro',
  ])
  assert.deepEqual(agents.siteOf('far' as AgentId), {
    agent: 'far',
    url: 'http://far.partner.localhost',
    audience: 'agent:far',
    notified: true,
  })
  assert.equal(agents.siteOf('near' as AgentId)?.notified, false)
  assert.equal(agents.siteOf('gated' as AgentId)?.audience, 'agent:gated', 'where it says which one it is')
  assert.equal(agents.siteOf('app' as AgentId), undefined, 'an agent without credentials asks nothing')
})

test('who has no agent of OpenAM’s tells nobody of another cookie', async (t) => {
  const { agents, login } = await compile(t, { gated: `${OPENAM}\n${UPSTREAM}` })
  assert.deepEqual([agents.cookie, agents.audiencesAt('192.0.2.1')], [undefined, []])
  assert.equal(login.isAgent(STAFF, 'gated'), true)
  assert.equal(login.isAgent(STAFF, 'app'), false)
})

test('without a word who asks, a token is good only where its agent may be', async (t) => {
  const { agents } = await compile(t, {
    near: `openam: { secret: "${HASH}", networks: [192.0.2.0/24] }\ncookie: { preset: openam }`,
    wide: `${OPENAM}\ncookie: { preset: openam }`,
  })
  assert.deepEqual([...agents.audiencesAt('192.0.2.1')].sort(), ['agent:near', 'agent:wide'])
  assert.deepEqual(agents.audiencesAt('203.0.113.1'), ['agent:wide'])
})
