import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HASH, problemsOf } from '../config-folder.fixture.ts'

const SECRET = 'client: { secret: a-long-enough-secret }'
const UPSTREAM = 'upstream: { servers: [http://127.0.0.1:9001] }'
const REMOTE = 'ssoProvider: { issuer: "https://login.example/oauth2", clientSecret: a-long-enough-secret }\n'

const SAML_LINES = `ssoProvider:
  type: saml
  entityId: https://login.example/saml2/staff/metadata
  metadataUrl: { url: https://login.example/saml2/staff/metadata }
`

const CASES: readonly [why: string, profile: readonly string[], realm: string, problem: RegExp | undefined][] = [
  ['a gateway elsewhere', ['sso: oidc', SECRET], '', undefined],
  ['a gateway elsewhere by the handshake', [SECRET], '', /write sso: oidc/],
  [
    'a gateway elsewhere, and this one',
    ['sso: oidc', SECRET, UPSTREAM, 'ssoOnly: true'],
    '',
    /take one of the two out/,
  ],
  ['no proof', ['sso: oidc', 'client: {}'], '', /set one of secret, secretHash and jwks/],
  ['two proofs', ['sso: oidc', `client: { secret: a-long-enough-secret, secretHash: "${HASH}" }`], '', /set one of/],
  ["OpenAM's agent", ['sso: oidc', `openam: { secret: "${HASH}" }`], '', /openam\.oidc/],
  ['a site of people of elsewhere', [UPSTREAM, 'ssoOnly: true'], REMOTE, undefined],
  ['people of elsewhere, for a gateway elsewhere', ['sso: oidc', SECRET], REMOTE, /register the site there/],
  ['people of elsewhere by SAML', [UPSTREAM, 'ssoOnly: true', 'sso: saml'], REMOTE, /take this out/],
  ['people of a SAML provider elsewhere', [UPSTREAM, 'ssoOnly: true'], SAML_LINES, undefined],
  [
    'the same, and another way',
    [UPSTREAM, 'ssoOnly: true', 'sso: oidc'],
    SAML_LINES,
    /whatever stands here; take this out/,
  ],
  [
    'a SAML provider without its type',
    [UPSTREAM],
    SAML_LINES.replace('  type: saml\n', ''),
    /ssoProvider as it is: the key goes with another `type`/,
  ],
  [
    'a SAML provider without metadata',
    [UPSTREAM],
    SAML_LINES.replace(/ {2}metadataUrl.*\n/, ''),
    /set metadata or metadataUrl/,
  ],
  ['metadata that is none', [UPSTREAM], SAML_LINES.replace(/metadataUrl.*/, 'metadata: <x/>'), /metadata/],
  ['a life without end', [UPSTREAM], `${SAML_LINES}  recheck: 1s\n`, /write 1m at least/],
  ['a provider in the clear', [UPSTREAM, 'ssoOnly: true'], REMOTE.replace('https', 'http'), /write an https address/],
  [
    'a provider of this machine',
    [UPSTREAM, 'ssoOnly: true'],
    REMOTE.replace('https://login.example', 'http://login.acme.localhost:8080'),
    undefined,
  ],
  [
    'a name that only looks so',
    [UPSTREAM, 'ssoOnly: true'],
    REMOTE.replace('https://login.example', 'http://login.localhost.example'),
    /write an https address/,
  ],
  [
    'a provider without a proof',
    [UPSTREAM, 'ssoOnly: true'],
    REMOTE.replace(/, clientSecret[^}]*/, ' '),
    /clientSecret/,
  ],
]

for (const [why, profile, realm, problem] of CASES) {
  test(`single sign-on: ${why}`, async (t) => {
    const lines = ['url: http://shop.partner.localhost:8080', 'realm: /staff', ...profile, '']
    const problems = await problemsOf(t, {
      'agent-config/shop.yaml': lines.join('\n'),
      'realms/staff/realm.yaml': realm,
    })
    const mine = problems.filter((line) => /shop\.yaml|staff\/realm\.yaml/.test(line))
    if (problem === undefined) assert.deepEqual(mine, [])
    else assert.match(mine.join('\n'), problem)
  })
}
