import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyPair, problemsOf } from './config-folder.fixture.ts'

/** What only compiling would show is shown at load, at its own place. */

const TLS = [
  'listeners:',
  '  - port: 8443',
  '    tls:',
  '      certificates:',
  '        - cert: ${file:cert.pem}',
  '          key: ${file:key.pem}',
  'login:',
  '  url: https://login.acme.localhost:8443',
  'secrets:',
  '  masterKey: ${file:master.key}',
  '',
].join('\n')

const APP = [
  'url: https://app.acme.localhost:8443',
  'realm: /staff',
  'upstream: { servers: [http://127.0.0.1:9001] }',
  'ssoOnly: true',
  '',
].join('\n')

test('a certificate and its key are accepted', async (t) => {
  const { cert, key } = keyPair(t)
  const files = { 'agent-config/gatehouse.yaml': TLS, 'agent-config/app.yaml': APP, 'cert.pem': cert, 'key.pem': key }
  assert.deepEqual(await problemsOf(t, files), [])
})

test('a certificate that cannot be read and the key of another one are refused at their places, unquoted', async (t) => {
  const [one, other] = [keyPair(t), keyPair(t)]
  const common = { 'agent-config/gatehouse.yaml': TLS, 'agent-config/app.yaml': APP }
  const unread = await problemsOf(t, { ...common, 'cert.pem': 'not-a-certificate', 'key.pem': one.key })
  assert.deepEqual(unread.length, 1)
  assert.match(unread[0] ?? '', /^agent-config\/gatehouse\.yaml:5:17: .*no PEM certificate/)
  assert.doesNotMatch(unread.join(), /not-a-certificate/)
  const mixed = await problemsOf(t, { ...common, 'cert.pem': one.cert, 'key.pem': other.key })
  assert.match(mixed.join('\n'), /^agent-config\/gatehouse\.yaml:5:\d+: .*the key is not the one of the certificate/)
})

test('a resource pattern that could never match is refused where it stands', async (t) => {
  const policies = [
    'policies:',
    '  - name: broken',
    '    resources:',
    '      - http://app.acme.localhost:8080/*',
    '      - app.acme.localhost/*',
    '    actions: { GET: allow }',
    '    subject: { type: AuthenticatedUsers }',
    '',
  ].join('\n')
  const problems = await problemsOf(t, { 'realms/staff/policies.yaml': policies })
  assert.equal(problems.length, 1)
  assert.match(problems[0] ?? '', /^realms\/staff\/policies\.yaml:5:9: /)
})
