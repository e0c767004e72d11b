import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { keyPair, HASH, MASTER_KEY, problemsOf, type Files } from './config-folder.fixture.ts'
import type { LoadOptions } from './load.ts'

interface AgentParts {
  readonly url: string
  readonly realm?: string
  readonly more?: string
}

/** An agent profile whose first lines are url, realm and upstream. */
function agent({ url, realm = '/staff', more = 'ssoOnly: true' }: AgentParts): string {
  return `url: ${url}\nrealm: ${realm}\nupstream: { servers: [http://127.0.0.1:9001] }\n${more}\n`
}

function gatehouse(parts: { listeners?: string; login?: string; more?: string }): string {
  const { listeners = '[{ port: 8080 }]', login = 'url: http://login.acme.localhost', more = '' } = parts
  return `listeners: ${listeners}\nlogin: { ${login} }\nsecrets: { masterKey: "\${env:KEY}" }\n${more}\n`
}

async function said(context: TestContext, files: Files, options: LoadOptions = {}): Promise<string[]> {
  return problemsOf(context, files, { env: { KEY: MASTER_KEY }, ...options })
}

/** Where the value after `id:` starts in a line. */
const column = (text: string, line: number): number => (text.split('\n')[line - 1]?.indexOf('id: ') ?? 0) + 5

const user = (username: string, more = ''): string => `  - { username: ${username}, password: "${HASH}"${more} }\n`

test("an agent id is one profile's", async (context) => {
  const files = { 'agent-config/b.yaml': agent({ url: 'http://b.acme.localhost', more: 'ssoOnly: true\nid: app' }) }
  assert.deepEqual(await said(context, files), [
    'agent-config/b.yaml:5:5: agent id "app" is taken by agent-config/app.yaml:1; give it another',
  ])
})

test("a host is one site's, whatever the port, and neither an alias nor the login host may share it", async (context) => {
  const files = {
    'agent-config/b.yaml': agent({ url: 'http://APP.acme.localhost:9999' }),
    'agent-config/c.yaml': agent({
      url: 'http://c.acme.localhost',
      more: 'ssoOnly: true\naliases:\n  - http://old-c.acme.localhost\n  - http://login.acme.localhost:1\n  - http://c.acme.localhost:80\n  - https://c.acme.localhost:8443',
    }),
  }
  assert.deepEqual(
    (await said(context, files)).filter((line) => !line.includes('warning')),
    [
      'agent-config/b.yaml:1:6: host "app.acme.localhost" is claimed by agent-config/app.yaml:1; a host belongs to one site, on all its ports',
      'agent-config/c.yaml:7:5: host "login.acme.localhost" is claimed by agent-config/gatehouse.yaml:4; a host belongs to one site, on all its ports',
      'agent-config/c.yaml:8:5: this origin is the site itself or another alias; remove it',
    ],
  )
})

test('a realm that does not exist is refused, with a suggestion; one whose own files are bad is not called missing', async (context) => {
  const files = { 'agent-config/b.yaml': agent({ url: 'http://b.acme.localhost', realm: '/stafff' }) }
  assert.deepEqual(await said(context, files), [
    'agent-config/b.yaml:2:8: there is no realm "/stafff"; did you mean "/staff"?',
  ])
  assert.deepEqual(await said(context, { 'realms/staff/realm.yaml': 'look: 5\n' }), [
    'realms/staff/realm.yaml:1:7: look: expected a mapping of keys, found a number',
  ])
})

test('a chain may only name modules that are there, and the default chain has to be there', async (context) => {
  const realm = [
    'authentication:',
    '  modules: { password: { type: password }, constructor: { type: password } }',
    '  chains:',
    '    strong:',
    '      - { module: password, criteria: REQUIRED }',
    '      - { module: pasword, criteria: REQUIRED }',
    '      - { module: toString, criteria: REQUIRED }',
    '  defaultChain: stron',
  ].join('\n')
  assert.deepEqual(await said(context, { 'realms/staff/realm.yaml': realm }), [
    'realms/staff/realm.yaml:6:19: there is no module "pasword"; did you mean "password"?',
    'realms/staff/realm.yaml:7:19: there is no module "toString"; known here: password, constructor',
    'realms/staff/realm.yaml:8:17: there is no chain "stron"; did you mean "strong"?',
  ])
  const unset = 'authentication:\n  chains: { other: [{ module: password, criteria: REQUIRED }] }\n'
  assert.deepEqual(await said(context, { 'realms/staff/realm.yaml': unset }), [
    'realms/staff/realm.yaml:1:1: there is no chain "default"; known here: other',
  ])
})

test('what comes with every request is a token: its module has to be there, and be one of tokens', async (context) => {
  const realm = [
    'authentication:',
    '  modules: { password: { type: password } }',
    '  policies:',
    '    - { name: one, everyRequest: idp }',
    '    - { name: two, everyRequest: password }',
  ].join('\n')
  assert.deepEqual(await said(context, { 'realms/staff/realm.yaml': realm }), [
    'realms/staff/realm.yaml:4:34: there is no module "idp"; known here: password',
    'realms/staff/realm.yaml:5:34: nothing of a module of type password can come with every request; name one of type externalJwt',
  ])
})

const POLICY =
  '  - name: NAME\n    resources: ["*://a.test:*/*"]\n    actions: { GET: allow }\n    subject: { type: AuthenticatedUsers }\n'

test('a policy set that no policy of the realm is in denies everything: a warning, not for SSO-only sites', async (context) => {
  const files = { 'agent-config/app.yaml': agent({ url: 'http://app.acme.localhost', more: '' }) }
  assert.deepEqual(await said(context, files), [
    'agent-config/app.yaml:2:8: warning: no policy of realm /staff is in the set "iPlanetAMWebAgentService", so everything is denied; write one, or set ssoOnly: true',
  ])
  const policies = { 'realms/staff/policies.yaml': `policies:\n${POLICY}` }
  assert.deepEqual(await said(context, { ...files, ...policies }), [])
  const other = { 'agent-config/app.yaml': agent({ url: 'http://app.acme.localhost', more: 'policySet: other' }) }
  assert.match(
    (await said(context, { ...other, ...policies })).join(),
    /^agent-config\/app\.yaml:4:12: warning: .*"other"/,
  )
  const broken = { 'realms/staff/policies.yaml': 'policies: [5]\n' }
  assert.equal((await said(context, { ...files, ...broken })).length, 1, 'a refused policies.yaml is not an empty one')
})

test('policy names are unique in their realm, and only there', async (context) => {
  const files = {
    'realms/staff/policies.yaml': `policies:\n${POLICY}${POLICY}`,
    'realms/policies.yaml': `policies:\n${POLICY}`,
  }
  assert.deepEqual(await said(context, files), [
    'realms/staff/policies.yaml:6:11: policy "NAME" is there already (realms/staff/policies.yaml:2); give it another name',
  ])
})

test('usernames are unique in every spelling that a directory folds, ids letter for letter', async (context) => {
  const users = [
    'users:\n',
    user('Erin'),
    user('erin'),
    user('ｅｒｉｎ'),
    user('" erin "'),
    user('frank', ', id: u-1'),
    user('grace', ', id: u-1'),
    user('judy', ', id: U-1'),
    user('heidi', ', id: frank'),
    user('ivan', ', id: erin'),
  ].join('')
  assert.deepEqual(await said(context, { 'realms/staff/users.yaml': users }), [
    ...[3, 4, 5].map(
      (line) =>
        `realms/staff/users.yaml:${line}:17: this username is taken (realms/staff/users.yaml:2): case, Unicode form and spaces around it make no difference`,
    ),
    `realms/staff/users.yaml:7:${column(users, 7)}: this id is taken (realms/staff/users.yaml:6)`,
    `realms/staff/users.yaml:10:${column(users, 10)}: this id is taken (realms/staff/users.yaml:3)`,
  ])
})

test('a hash that no password can meet is refused', async (context) => {
  const users = `users:\n  - { username: erin, password: "$argon2id$v=19$m=19456,t=2,p=1$cut" }\n${user('frank')}`
  assert.deepEqual(await said(context, { 'realms/staff/users.yaml': users }), [
    'realms/staff/users.yaml:2:33: this is no usable argon2id hash; paste what `gatehouse hash-password` prints',
  ])
})

test('a logo has to be in the theme folder', async (context) => {
  assert.deepEqual(await said(context, { 'realms/staff/realm.yaml': 'look: { logo: logo.svg }\n' }), [
    'realms/staff/realm.yaml:1:15: there is no file "logo.svg" in theme/ beside realm.yaml; put it there',
  ])
})

test('cookie tossing: a domain cookie may not overlap with any cookie of its name', async (context) => {
  const shared = 'ssoOnly: true\ncookie: { name: NAME, domain: acme.localhost }'
  const one = (name: string): Files => ({
    'agent-config/b.yaml': agent({ url: 'http://b.acme.localhost', more: shared.replace('NAME', name) }),
  })
  const overlap = (file: string, place: string, name: string, other: string) =>
    `agent-config/${file}:${place}: cookie "${name}" of domain "acme.localhost" overlaps with the cookie of the same name of ${other}; give it a name of its own`
  assert.deepEqual(await said(context, one('classic')), [])
  assert.deepEqual(await said(context, one('SSOTokenID')), [
    overlap('b.yaml', '5:17', 'SSOTokenID', 'agent-config/app.yaml:1'),
    overlap('b.yaml', '5:17', 'SSOTokenID', 'agent-config/gatehouse.yaml:3'),
  ])
  const deeper = agent({
    url: 'http://c.x.acme.localhost',
    more: 'ssoOnly: true\ncookie: { name: classic, domain: x.acme.localhost }',
  })
  assert.deepEqual(await said(context, { ...one('classic'), 'agent-config/c.yaml': deeper }), [
    overlap('b.yaml', '5:17', 'classic', 'agent-config/c.yaml:5'),
  ])
  const elsewhere = agent({ url: 'http://c.notacme.localhost', more: 'ssoOnly: true\ncookie: { name: classic }' })
  assert.deepEqual(await said(context, { ...one('classic'), 'agent-config/c.yaml': elsewhere }), [])
})

test('agents that share a domain cookie share its realm and its scheme', async (context) => {
  const more = 'ssoOnly: true\ncookie: { name: classic, domain: acme.localhost }'
  const first = { 'agent-config/b.yaml': agent({ url: 'http://b.acme.localhost', more }) }
  const same = agent({ url: 'http://c.acme.localhost', more })
  assert.deepEqual(await said(context, { ...first, 'agent-config/c.yaml': same }), [])
  const otherRealm = agent({ url: 'http://c.acme.localhost', realm: '/', more })
  assert.deepEqual(await said(context, { ...first, 'agent-config/c.yaml': otherRealm }), [
    'agent-config/c.yaml:2:8: agent-config/b.yaml:5 shares this cookie but is in another realm; one cookie serves one realm',
  ])
  const https = agent({ url: 'https://c.acme.localhost', more })
  assert.match(
    (await said(context, { ...first, 'agent-config/c.yaml': https })).join('\n'),
    /c\.yaml:1:6: agent-config\/b\.yaml:5 shares this cookie, and one of both is http/,
  )
})

test("a cookie domain is the site's host or a parent of it, not a single label, and has a name of its own", async (context) => {
  const problem = async (
    domain: string,
    url = 'http://b.acme.example',
    name = 'name: classic, ',
  ): Promise<string[]> => {
    const more = `ssoOnly: true\ncookie: { ${name}domain: ${domain} }`
    return said(context, { 'agent-config/b.yaml': agent({ url, more }) })
  }
  assert.deepEqual(await problem('acme.example'), [])
  assert.deepEqual(await problem('b.acme.example'), [])
  assert.match((await problem('example')).join(), /^agent-config\/b\.yaml:5:34: a single label covers/)
  assert.match((await problem('localhost', 'http://b.localhost')).join(), /a single label covers/)
  assert.match((await problem('cme.example')).join(), /has to be the site's host or a parent/)
  assert.match((await problem('c.b.acme.example')).join(), /has to be the site's host or a parent/)
  assert.match((await problem('.acme.example')).join(), /without dots at its ends/)
  assert.match((await problem('0.0.1', 'http://127.0.0.1')).join(), /IP address cannot share cookies/)
  assert.deepEqual(await problem('acme.example', 'http://b.acme.example', ''), [
    'agent-config/b.yaml:5:19: cookie.domain needs cookie.name: a shared cookie has a name of its own',
  ])
})

/** Without what is said of https where nothing speaks TLS. */
async function cookiesSaid(context: TestContext, files: Files): Promise<string[]> {
  return (await said(context, files)).filter((line) => !line.includes('no listener speaks TLS'))
}

test('a public suffix is nobody’s cookie domain, ICANN’s or a hoster’s', async (context) => {
  for (const [domain, host] of [
    ['co.uk', 'shop.co.uk'],
    ['com.au', 'shop.com.au'],
    ['github.io', 'acme.github.io'],
    ['herokuapp.com', 'acme.herokuapp.com'],
  ]) {
    const more = `ssoOnly: true\ncookie: { name: classic, domain: ${domain} }`
    assert.match(
      (await cookiesSaid(context, { 'agent-config/b.yaml': agent({ url: `https://${host}`, more }) })).join(),
      /^agent-config\/b\.yaml:5:34: this is a public suffix: anybody may have a host below it/,
    )
  }
  const more = 'ssoOnly: true\ncookie: { name: classic, domain: acme.co.uk }'
  assert.deepEqual(
    await cookiesSaid(context, { 'agent-config/b.yaml': agent({ url: 'https://shop.acme.co.uk', more }) }),
    [],
  )
})

test('of a list of cookie domains one covers the host, and no two overlap', async (context) => {
  const problem = async (domains: string): Promise<string[]> => {
    const more = `ssoOnly: true\ncookie: { name: classic, domain: [${domains}] }`
    return cookiesSaid(context, { 'agent-config/b.yaml': agent({ url: 'https://b.acme.example', more }) })
  }
  assert.deepEqual(await problem('partner.example, acme.example'), [])
  assert.match(
    (await problem('partner.example, other.example')).join(),
    /b\.yaml:5:34: .* the site is "https:\/\/b\.acme/,
  )
  assert.match((await problem('acme.example, b.acme.example')).join(), /b\.yaml:5:49: this domain overlaps/)
  assert.match((await problem('acme.example, co.uk')).join(), /b\.yaml:5:49: this is a public suffix/)
})

test('a preset’s cookie is checked under the name that the preset gives it', async (context) => {
  const one = (cookie: string, url = 'https://b.acme.localhost') => ({
    'agent-config/b.yaml': agent({ url, more: `ssoOnly: true\ncookie: ${cookie}` }),
  })
  assert.deepEqual(await cookiesSaid(context, one('{ preset: oracle-10g, domain: acme.localhost }')), [])
  assert.deepEqual(await cookiesSaid(context, one('{ preset: oracle-11g }')), [])
  assert.deepEqual(await cookiesSaid(context, one('{ preset: oracle-11g, domain: acme.localhost }')), [
    'agent-config/b.yaml:5:39: preset oracle-11g names the cookie after one host, so nobody can share it; write cookie.name or remove cookie.domain',
  ])
  const files = {
    ...one('{ preset: openam, domain: acme.localhost }'),
    'agent-config/c.yaml': agent({
      url: 'https://c.acme.localhost',
      more: 'ssoOnly: true\ncookie: { name: iPlanetDirectoryPro }',
    }),
  }
  assert.deepEqual(await cookiesSaid(context, files), [
    'agent-config/b.yaml:5:19: cookie "iPlanetDirectoryPro" of domain "acme.localhost" overlaps with the cookie of the same name of agent-config/c.yaml:5; give it a name of its own',
  ])
})

test('SameSite=None needs https; who shares a cookie sets it in one way; a persistent one has a login host that remembers', async (context) => {
  const b = (cookie: string, url = 'https://b.acme.localhost') => ({
    'agent-config/b.yaml': agent({ url, more: `ssoOnly: true\ncookie: ${cookie}` }),
  })
  assert.deepEqual(await cookiesSaid(context, b('{ sameSite: none }')), [])
  assert.deepEqual(await cookiesSaid(context, b('{ sameSite: none }', 'http://b.acme.localhost')), [
    'agent-config/b.yaml:5:21: browsers refuse a cookie with SameSite=None over http; make the site https or write lax',
  ])
  const shared = '{ name: classic, domain: acme.localhost }'
  const c = agent({ url: 'https://c.acme.localhost', more: `ssoOnly: true\ncookie: ${shared}` })
  assert.deepEqual(
    await cookiesSaid(context, { ...b(shared.replace(' }', ', sameSite: none }')), 'agent-config/c.yaml': c }),
    [
      'agent-config/c.yaml:5:9: agent-config/b.yaml:5 shares this cookie and sets it with sameSite: none, persistent: false; write the same here',
    ],
  )
  const login = 'url: http://login.acme.localhost, cookiePersistent: true'
  assert.match(
    (await cookiesSaid(context, b('{ persistent: true }'))).join(),
    /b\.yaml:5:23: warning: .* set login\.cookiePersistent/,
  )
  assert.deepEqual(
    await cookiesSaid(context, { ...b('{ persistent: true }'), 'agent-config/gatehouse.yaml': gatehouse({ login }) }),
    [],
  )
})

test('cookie names with a meaning of their own are refused', async (context) => {
  const files = {
    'agent-config/gatehouse.yaml': gatehouse({ login: 'url: http://login.acme.localhost, cookieName: __Host-SSO' }),
    'agent-config/app.yaml': agent({
      url: 'http://app.acme.localhost',
      more: 'ssoOnly: true\ncookie: { name: gatehouse-handshake }',
    }),
  }
  assert.deepEqual(
    (await said(context, files)).map((line) => line.split(';')[0]),
    [
      'agent-config/app.yaml:5:17: names that start with __Host-, __Secure- or gatehouse- are reserved',
      'agent-config/gatehouse.yaml:2:56: names that start with __Host-, __Secure- or gatehouse- are reserved',
    ],
  )
})

test('identity headers: no second spelling, none that frames the message', async (context) => {
  const more =
    'ssoOnly: true\nidentity:\n  headers:\n    X-User: username\n    x-user: userId\n    Host: username\n    X-Gatehouse-Assertion: sid'
  const files = { 'agent-config/app.yaml': agent({ url: 'http://app.acme.localhost', more }) }
  assert.deepEqual(
    (await said(context, files)).map((line) => line.split(':').slice(0, 4).join(':')),
    [
      'agent-config/app.yaml:8:13: this header is there already in another spelling; header names ignore case',
      'agent-config/app.yaml:9:11: this header cannot carry identity; choose another name, such as X-Remote-User',
      'agent-config/app.yaml:10:28: this header cannot carry identity; choose another name, such as X-Remote-User',
    ],
  )
})

test('the login URL has no path', async (context) => {
  const files = { 'agent-config/gatehouse.yaml': gatehouse({ login: 'url: http://login.acme.localhost/sso' }) }
  assert.deepEqual(await said(context, files), [
    'agent-config/gatehouse.yaml:2:15: login.url: write scheme, host and port only, such as https://app.example.com',
  ])
})

test('https without TLS is a warning unless a proxy in front is trusted', async (context) => {
  const https = { 'agent-config/app.yaml': agent({ url: 'https://app.acme.localhost' }) }
  const place =
    'agent-config/app.yaml:1:6: warning: no listener speaks TLS and no proxy in front is trusted, so https cannot work; set listeners[].tls or trustedProxies'
  assert.deepEqual(await said(context, https), [place])
  const proxied = gatehouse({ more: 'trustedProxies: [10.0.0.0/8]' })
  assert.deepEqual(await said(context, { ...https, 'agent-config/gatehouse.yaml': proxied }), [])
  const tls = gatehouse({
    listeners: '[{ port: 8443, tls: { certificates: [{ cert: "${file:cert.pem}", key: "${file:key.pem}" }] } }]',
  })
  const { cert, key } = keyPair(context)
  const files = { ...https, 'agent-config/gatehouse.yaml': tls, 'cert.pem': cert, 'key.pem': key }
  assert.deepEqual(await said(context, files), [])
})

test('http where others can connect is a warning for every URL', async (context) => {
  const lines = async (address: string) =>
    said(context, {
      'agent-config/gatehouse.yaml': gatehouse({
        listeners: `[{ port: 8080 }, { address: "${address}", port: 8081 }]`,
      }),
    })
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', 'localhost'])
    assert.deepEqual(await lines(address), [], address)
  for (const address of ['0.0.0.0', '::', '10.0.0.1', 'gate.example', '127.evil.example']) {
    assert.deepEqual(
      (await lines(address)).map((line) => line.split(': ').slice(0, 2).join(' ')),
      ['agent-config/app.yaml:1:6 warning', 'agent-config/gatehouse.yaml:2:15 warning'],
      address,
    )
  }
})

test('demonstration users: an error in serve where others can connect, a warning in check', async (context) => {
  const users = {
    'realms/staff/users.yaml': `users:\n${user('erin')}${user('frank', ', demo: true')}${user('grace', ', demo: true')}`,
  }
  const exposed = { 'agent-config/gatehouse.yaml': gatehouse({ listeners: '[{ address: 0.0.0.0, port: 8080 }]' }) }
  const about = async (files: Files, purpose: 'serve' | 'check') =>
    (await said(context, files, { purpose })).filter((line) => line.includes('demonstration'))
  const names = 'demonstration users with published passwords ("frank", "grace")'
  const demoAt = user('frank', ', demo: ').length - 2
  assert.deepEqual(await about(users, 'serve'), [])
  assert.deepEqual(await about({ ...users, ...exposed }, 'serve'), [
    `realms/staff/users.yaml:3:${demoAt}: ${names} and a listener that is not on loopback; remove the users, or listen on 127.0.0.1`,
  ])
  assert.deepEqual(await about(users, 'check'), [
    `realms/staff/users.yaml:3:${demoAt}: warning: ${names}: serve accepts them only on loopback; remove them before others can connect`,
  ])
  assert.deepEqual(await about({ ...users, ...exposed }, 'check'), [
    `realms/staff/users.yaml:3:${demoAt}: warning: ${names}: serve refuses them because a listener is not on loopback; remove them before others can connect`,
  ])
})

test('two listeners on one address and port are refused; port 0 picks free ones', async (context) => {
  const lines = async (listeners: string) => said(context, { 'agent-config/gatehouse.yaml': gatehouse({ listeners }) })
  assert.deepEqual(await lines('[{ port: 0 }, { port: 0 }, { port: 1 }, { port: 2 }]'), [])
  assert.deepEqual(await lines('[{ port: 1 }, { port: 1 }]'), [
    'agent-config/gatehouse.yaml:1:34: this address and port are taken by agent-config/gatehouse.yaml:1; choose another port',
  ])
})

test('proxies that ask from elsewhere prove who they are, at a port of their own', async (context) => {
  const at = (forwardAuth: string, env: Record<string, string> = {}) => {
    const files = { 'agent-config/gatehouse.yaml': gatehouse({ more: `forwardAuth: ${forwardAuth}` }) }
    return said(context, files, { env: { KEY: MASTER_KEY, ...env } })
  }
  assert.deepEqual(await at('{ port: 9180 }'), [])
  assert.deepEqual(await at('{ port: 8080 }'), [
    'agent-config/gatehouse.yaml:4:22: this address and port are taken by agent-config/gatehouse.yaml:1; choose another port',
  ])
  assert.deepEqual(await at('{ port: 9180, address: 0.0.0.0 }'), [
    'agent-config/gatehouse.yaml:4:37: others than this machine can connect, so proxies have to prove who they are; set secret or tls.clientCertificates.required, or listen on 127.0.0.1',
  ])
  assert.deepEqual(await at('{ port: 9180, grpc: { port: 9180 } }'), [
    'agent-config/gatehouse.yaml:4:42: this address and port are taken by agent-config/gatehouse.yaml:4; choose another port',
  ])
  assert.equal((await at('{ port: 9180, grpc: { port: 9181, address: 0.0.0.0 } }')).length, 1)
  const secret = 'f00dcafe'.repeat(8)
  assert.deepEqual(await at('{ port: 9180, address: 0.0.0.0, secret: "${env:SECRET}" }', { SECRET: secret }), [])
  assert.deepEqual(await at(`{ port: 9180, secret: ${secret} }`), [
    'agent-config/gatehouse.yaml:4:36: warning: this secret stands in the file itself; use ${env:NAME} or ${file:PATH}',
  ])
})

test('no agent profile at all is a warning', async (context) => {
  assert.deepEqual(await said(context, { 'agent-config/app.yaml': undefined }), [
    'agent-config/gatehouse.yaml:1:1: warning: there is no agent profile beside this file, so no site is protected yet',
  ])
})

test('a policy that another one covers is a warning: one that says the same, or what a deny refuses to everybody anyhow', async (context) => {
  const policy = (
    name: string,
    effect: string,
    more: { paths?: string; subject?: string; rest?: string } = {},
  ): string => {
    const { paths = '/*', subject = '{ type: AuthenticatedUsers }', rest = '' } = more
    const resources = paths.split(' ').map((path) => `"http://app.acme.localhost${path}"`)
    return `  - { name: ${name}, resources: [${resources.join(', ')}], actions: { GET: ${effect} }, subject: ${subject}${rest} }\n`
  }
  const about = async (...policies: readonly string[]) =>
    (await said(context, { 'realms/staff/policies.yaml': `policies:\n${policies.join('')}` })).filter((line) =>
      line.includes('changes nothing'),
    )
  const at = 'realms/staff/policies.yaml'
  assert.deepEqual(await about(policy('a', 'allow'), policy('b', 'allow')), [
    `${at}:3:13: warning: policy "b" changes nothing: "a" (${at}:2) says the same; remove it, or make it differ`,
  ])
  assert.deepEqual(await about(policy('a', 'allow'), policy('b', 'allow', { paths: '/* /x' })), [
    `${at}:2:13: warning: policy "a" changes nothing: "b" (${at}:3) says the same; remove it, or make it differ`,
  ])
  const finance = { subject: '{ type: Group, groups: [finance] }' }
  assert.deepEqual(await about(policy('a', 'allow', finance), policy('b', 'deny')), [
    `${at}:2:13: warning: policy "a" changes nothing: "b" (${at}:3) denies all of it to everybody; remove it, or make it differ`,
  ])
  const level = { rest: ', condition: { type: AuthLevel, authLevel: 2 }' }
  const told = { rest: ', responseAttributes: [{ type: User, propertyName: mail }]' }
  for (const pair of [
    [policy('a', 'allow'), policy('b', 'allow', told)],
    [policy('a', 'allow'), policy('b', 'allow', { paths: '/x' })],
    [policy('a', 'allow'), policy('b', 'allow', finance)],
    [policy('a', 'allow'), policy('b', 'allow', level)],
    [policy('a', 'allow'), policy('b', 'deny', level)],
    [policy('a', 'allow'), policy('b', 'deny', finance)],
    [policy('a', 'allow'), policy('b', 'allow', { rest: ', active: false' })],
    [policy('a', 'allow'), policy('b', 'allow', { rest: ', policySet: other' })],
  ])
    assert.deepEqual(await about(...pair), [], pair.join(''))
})

test('an entry of notEnforced that another one covers is a warning', async (context) => {
  const about = async (entries: string) =>
    (
      await said(context, {
        'agent-config/app.yaml': agent({
          url: 'http://app.acme.localhost',
          more: `ssoOnly: true\nnotEnforced:\n${entries}`,
        }),
      })
    ).filter((line) => line.includes('opens nothing'))
  const dead = (line: number, by: number): string =>
    `agent-config/app.yaml:${line}:13: warning: this opens nothing: agent-config/app.yaml:${by} opens all of it already; remove one of them`
  assert.deepEqual(await about('  - { path: /a/* }\n  - { path: /a/b }\n'), [dead(7, 6)])
  assert.deepEqual(await about('  - { path: /a/b, methods: [GET] }\n  - { path: /a/* }\n'), [dead(6, 7)])
  assert.deepEqual(await about('  - { path: /a/* }\n  - { path: /a/* }\n'), [dead(7, 6)])
  for (const entries of [
    '  - { path: /a/*, methods: [GET] }\n  - { path: /a/b }\n',
    '  - { path: /a/*, addresses: [10.0.0.1] }\n  - { path: /a/b }\n',
    '  - { path: /a/* }\n  - { path: /a }\n',
    '  - { path: /a }\n  - { path: /a/b }\n',
  ])
    assert.deepEqual(await about(entries), [], entries)
})

test('the realm of the dialects has to be there', async (context) => {
  const files = { 'agent-config/gatehouse.yaml': gatehouse({ more: 'dialects: { realm: /stafff }' }) }
  assert.deepEqual(await said(context, files), [
    'agent-config/gatehouse.yaml:4:20: there is no realm "/stafff"; did you mean "/staff"?',
  ])
})
