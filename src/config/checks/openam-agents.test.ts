import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { HASH, keyPair, MASTER_KEY, problemsOf } from '../config-folder.fixture.ts'

function said(context: TestContext, agents: Readonly<Record<string, string>>): Promise<string[]> {
  const files = Object.fromEntries(
    Object.entries(agents).map(([name, more]) => [
      `agent-config/${name}.yaml`,
      `url: https://${name}.acme.localhost\nrealm: /staff\nssoOnly: true\n${more}\n`,
    ]),
  )
  return problemsOf(context, files, { env: { KEY: MASTER_KEY } })
}

const SECRET = `openam: { secret: "${HASH}" }`

test('a site needs an application behind the gateway, or an agent that can prove which one it is', async (context) => {
  assert.deepEqual(await said(context, { old: SECRET }), [])
  assert.deepEqual(await said(context, { bare: '' }), [
    "agent-config/bare.yaml:1:1: name the application behind the gateway (upstream), or give the agent of OpenAM's (openam) or the gateway elsewhere (client) that protects the site credentials",
  ])
})

test('it proves itself by a usable hash, or by certificates that no other agent has, never by both', async (context) => {
  const { cert } = keyPair(context)
  const pinned = `openam: { certificates: [${JSON.stringify(cert)}] }`
  const found = await said(context, {
    both: `openam: { secret: "${HASH}", certificates: [${JSON.stringify(cert)}] }`,
    hash: 'openam: { secret: "$argon2id$nonsense" }',
    one: pinned,
    two: pinned,
  })
  assert.deepEqual(found, [
    'agent-config/both.yaml:4:9: openam: give it either a secret or certificates',
    'agent-config/hash.yaml:4:19: this is no usable argon2id hash; paste what `gatehouse hash-password` prints',
    'agent-config/two.yaml:4:26: this certificate is there already (agent-config/one.yaml:4); each agent has its own',
  ])
})

test("all agents of OpenAM's look at one cookie, which the login host can set", async (context) => {
  const found = await said(context, {
    one: `${SECRET}\ncookie: { preset: openam, domain: acme.localhost }`,
    two: `${SECRET}\ncookie: { name: other }`,
  })
  const three = `${SECRET}\ncookie: { preset: openam, domain: three.acme.localhost }`
  assert.deepEqual(
    [...(await said(context, { three })), ...found],
    [
      'agent-config/three.yaml:5:35: the login host sets this cookie, and login.acme.localhost is not below the domain; leave the domain out and use openam.cdcservlet',
      'agent-config/two.yaml:5:9: agents of OpenAM\'s learn one cookie name, and that of agent-config/one.yaml:5 is "iPlanetDirectoryPro"; give this one the same',
    ],
  )
})

test('a token that would travel in the clear is a warning', async (context) => {
  const files = {
    'agent-config/plain.yaml': `url: http://plain.acme.localhost\nrealm: /staff\nssoOnly: true\nopenam: { secret: "${HASH}", cdcservlet: true }\n`,
  }
  const found = await problemsOf(context, files, { env: { KEY: MASTER_KEY } })
  assert.equal(found.length, 1)
  assert.match(found[0] ?? '', /^agent-config\/plain\.yaml:4:\d+: warning: the token of every person .* plain http/)
})

test('an agent that gets ID tokens has an id of its own, https, and a password of some length where they are signed with it', async (context) => {
  const files = (oidc: string, more = '') => ({
    'agent-config/wiki.yaml': `url: http://wiki.acme.localhost\nrealm: /staff\nssoOnly: true\nopenam: { secret: "${HASH}", oidc: ${oidc} }\n${more}`,
    'realms/staff/clients.yaml': 'clients: [{ id: wiki, authMethod: none, redirectUris: [https://wiki.example/cb] }]\n',
  })
  const found = async (oidc: string, more?: string) =>
    (await problemsOf(context, files(oidc, more), { env: { KEY: MASTER_KEY } })).map((line) => line.slice(0, 150))
  const [clash = '', gated = '', plain = ''] = await found('{}', 'upstream: { servers: [http://127.0.0.1:9] }\n')
  assert.match(
    clash,
    /wiki\.yaml:4:\d+: an ID token for this agent would be one for the client of the same id, too \(realms\/staff\/clients\.yaml:1\)/,
  )
  assert.match(gated, /wiki\.yaml:4:\d+: warning: the gateway itself protects this site/)
  assert.match(plain, /wiki\.yaml:4:\d+: warning: the token of every person who signs in here travels over plain http/)
  assert.match((await found('{ signature: HS256 }'))[0] ?? '', /write the password with HS256, and only there/)
  assert.match((await found('{ signature: HS256, password: short }'))[0] ?? '', /write at least 32 characters/)
})

test('a chain or module whose name agents sign in by is a warning', async (context) => {
  const chain = [{ module: 'Application', criteria: 'REQUIRED' }]
  const authentication = {
    modules: { Application: { type: 'password' } },
    chains: { default: chain, Agent: chain },
  }
  const found = await problemsOf(context, {
    'realms/staff/realm.yaml': `look: { title: Staff }\nauthentication: ${JSON.stringify(authentication)}\n`,
  })
  assert.deepEqual(
    found.map((line) => /realm\.yaml:2:\d+: warning: .*(chain called Agent|module called Application)/.exec(line)?.[1]),
    ['module called Application', 'chain called Agent'],
  )
})
