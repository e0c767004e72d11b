import assert from 'node:assert/strict'
import { test } from 'node:test'
import { problemsOf } from '../config-folder.fixture.ts'

const SOUND = '{ id: wiki, secret: a-long-enough-secret, redirectUris: ["https://wiki.example/cb"] }'

const CASES: readonly [why: string, clients: string, problem: RegExp | undefined][] = [
  ['a sound one', `clients: [${SOUND}]`, undefined],
  ['two of one id', `clients: [${SOUND}, ${SOUND}]`, /client "wiki" is there already/],
  [
    'no proof of who it is',
    'clients: [{ id: a, redirectUris: ["https://a.example/cb"] }]',
    /set secret, secretHash, jwks or jwksUri/,
  ],
  ['a secret that is not used', `clients: [${SOUND.replace(' }', ', authMethod: none }')}]`, /has to use them/],
  [
    'a short secret',
    'clients: [{ id: a, secret: short, redirectUris: ["https://a.example/cb"] }]',
    /at least 16 characters/,
  ],
  ['a code in the clear', `clients: [${SOUND.replace('https:', 'http:')}]`, /must not travel in the clear/],
  [
    'a code in the clear to this machine',
    `clients: [${SOUND.replace('https://wiki.example', 'http://localhost:8080')}]`,
    undefined,
  ],
  ['a wildcard', `clients: [${SOUND.replace('/cb', '/*')}]`, /no \*/],
  ['a fragment', `clients: [${SOUND.replace('/cb', '/cb#x')}]`, /no #/],
  [
    'an address that browsers write otherwise',
    `clients: [${SOUND.replace('wiki.example', 'WIKI.example')}]`,
    /as browsers do/,
  ],
  [
    'script for an address',
    `clients: [${SOUND.replace('https://wiki.example/cb', 'javascript:alert(1)')}]`,
    /write a whole address/,
  ],
  [
    'a scheme of its own on the web',
    `clients: [${SOUND.replace('https://wiki.example/cb', 'com.example.app:/cb')}]`,
    /is for `type: native`/,
  ],
  [
    'nowhere to come back to',
    'clients: [{ id: a, secret: a-long-enough-secret }]',
    /name the address that people come back to/,
  ],
  [
    'a scope that tells nothing',
    `clients: [${SOUND.replace(' }', ', scopes: [openid, profil] }')}]`,
    /nothing is told by the scope "profil"/,
  ],
  [
    'a private key',
    'clients: [{ id: a, redirectUris: ["https://a.example/cb"], jwks: { keys: [{ kty: EC, d: x }] } }]',
    /this is a private key/,
  ],
  [
    'a hash that is none',
    `clients: [${SOUND.replace('secret: a-long-enough-secret', 'secretHash: $argon2id$no')}]`,
    /no usable argon2id hash/,
  ],
  [
    'a level by a name that nobody knows',
    `clients: [${SOUND.replace(' }', ', acrValues: [gold] }')}]`,
    /there is no acr "gold"/,
  ],
  [
    'names of a sector without what they are made with',
    `clients: [${SOUND.replace(' }', ', subject: pairwise }')}]`,
    /need it; `openssl rand/,
  ],
  [
    'names of a sector of two hosts',
    `clients: [${SOUND.replace('cb"', 'cb", "https://other.example/cb"').replace(' }', ', subject: pairwise }')}]`,
    /they have one host/,
  ],
  [
    'a certificate that is not there',
    'clients: [{ id: a, redirectUris: ["https://a.example/cb"], authMethod: self_signed_tls_client_auth, jwks: { keys: [{ kty: EC }] } }]',
    /each key with its certificate/,
  ],
  [
    'a certificate that nobody asks for',
    `clients: [${SOUND.replace(' }', ', requireCertificate: true }')}]`,
    /no listener asks for certificates/,
  ],
  ['a registration for everybody', 'registration: { token: short }', /at least 32 characters/],
  [
    'a registration of a scope that tells nothing',
    `registration: { token: ${'x'.repeat(32)}, scopes: [openid, profil] }`,
    /nothing is told by the scope "profil"/,
  ],
  ['a claim of nowhere', `clients: [${SOUND}]\nclaims: { profile: { name: displayName } }`, /attribute:NAME/],
]

test('clients.yaml: an agent that signs in by OpenID Connect is a client already', async (t) => {
  const clients = `clients: [${SOUND.replace('wiki,', 'app,')}]\n`
  const profile = (sso: string): string =>
    `url: http://app.acme.localhost:8080\nrealm: /staff\nsso: ${sso}\nssoOnly: true\nupstream: { servers: [http://127.0.0.1:9001] }\n`
  const found = async (sso: string): Promise<readonly string[]> =>
    problemsOf(t, { 'realms/staff/clients.yaml': clients, 'agent-config/app.yaml': profile(sso) })
  assert.match((await found('oidc')).join('\n'), /clients\.yaml:1:\d+: .*agent "app" is a client by its profile/)
  assert.deepEqual(await found('handshake'), [])
})

test('clients.yaml: an agent that signs in by SAML is a partner already', async (t) => {
  const saml = (id: string): string =>
    `saml: { serviceProviders: [{ id: ${id}, entityId: 'https://x.example', metadataUrl: { url: 'https://x.example/m' } }] }\n`
  const profile =
    'url: http://app.acme.localhost:8080\nrealm: /staff\nsso: saml\nssoOnly: true\nupstream: { servers: [http://127.0.0.1:9001] }\n'
  const found = async (id: string): Promise<readonly string[]> =>
    problemsOf(t, { 'realms/staff/clients.yaml': saml(id), 'agent-config/app.yaml': profile })
  assert.match((await found('app')).join('\n'), /clients\.yaml:1:\d+: .*agent "app" is a partner by its profile/)
  assert.deepEqual(await found('wiki'), [])
})

for (const [why, clients, problem] of CASES) {
  test(`clients.yaml: ${why}`, async (t) => {
    const problems = await problemsOf(t, { 'realms/staff/clients.yaml': `${clients}\n` })
    const mine = problems.filter((line) => line.includes('clients.yaml'))
    if (problem === undefined) assert.deepEqual(mine, [])
    else assert.match(mine.join('\n'), problem)
  })
}
