import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { createAuthority, type Authority, type Pair } from '../certificates.ts'
import { Client, loginForm, type Answer } from '../client.ts'
import { startEchoApp, type EchoApp } from '../echo-app.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type ConfigFiles, type OwnRig } from '../own-rig.ts'
import { until } from '../until.ts'

const TLS = `tls:
      certificates:
        - { cert: '\${file:tls/login.crt}', key: '\${file:tls/login.key}' }
        - { cert: '\${file:tls/app.crt}', key: '\${file:tls/app.key}' }
      clientCertificates: { ca: '\${file:tls/people.crt}' }`

let app: EchoApp
let rig: OwnRig
let authority: Authority
let people: Authority

function pairFiles(name: string, { cert, key }: Pair): ConfigFiles {
  return { [`tls/${name}.crt`]: cert, [`tls/${name}.key`]: key }
}

function overTls(yaml: string): string {
  return yaml
    .replaceAll('http://login.', 'https://login.')
    .replaceAll(/url: http:/g, 'url: https:')
    .replace(/listeners: .*/, `listeners:\n  - address: 127.0.0.1\n    port: '\${env:PORT}'\n    ${TLS}`)
}

before(async () => {
  authority = createAuthority('Acme test authority')
  people = createAuthority('Acme people')
  app = await startEchoApp()
  const files = {
    'agent-config/gatehouse.yaml': overTls(gatehouseYaml()),
    'agent-config/app.yaml': overTls(agentYaml('app', app.url)),
    'agent-config/other.yaml': overTls(agentYaml('other', app.url)),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': '',
    'realms/staff/users.yaml': usersYaml([{ username: 'erin', hash: await hashOf('erin-password') }]),
    ...pairFiles('login', authority.issue('login.acme.test', ['login.acme.test'])),
    ...pairFiles('app', authority.issue('first', ['app.acme.test', '*.acme.test'])),
    'tls/people.crt': people.cert,
  }
  rig = await startOwnRig({ files })
  assert.equal(rig.errors(), '')
})

after(async () => {
  assert.equal(await rig.stop(), 0)
  await app.close()
  authority.remove()
  people.remove()
})

const at = (name: string, path = '/'): string => `https://${name}.acme.test:${rig.port}${path}`

/** The subject of the certificate that is shown under this name. */
function shownFor(servername: string | undefined): Promise<string> {
  const named = servername === undefined ? {} : { servername }
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: '127.0.0.1',
      port: rig.port,
      ca: authority.cert,
      ...named,
      checkServerIdentity: () => undefined,
    })
    socket.once('secureConnect', () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

/** One GET under one TLS name with another Host. */
function crossed(servername: string, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port: rig.port, ca: authority.cert, servername })
    socket.setEncoding('utf8').once('data', (text) => {
      resolve(String(text).split('\r\n')[0] ?? '')
      socket.destroy()
    })
    socket.once('error', reject)
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  })
}

const setCookies = ({ headers }: Answer): readonly string[] => headers['set-cookie'] ?? []

test('the whole login over TLS: every cookie is __Host-, Secure and HttpOnly, and the application never sees one', async () => {
  const client = new Client({ ca: authority.cert })
  const first = await client.call(at('app', '/report'))
  assert.equal(first.status, 302)
  const page = await client.call(String(first.headers.location))
  assert.match(page.body, /type="password"/)
  const { action, form } = loginForm(page, 'erin', 'erin-password')
  const posted = await client.call(action, { form })
  const callback = await client.call(String(posted.headers.location))
  const home = await client.call(String(callback.headers.location))
  assert.deepEqual([home.url, home.status], [at('app', '/report'), 200])
  const lines = [first, page, posted, callback].flatMap(setCookies)
  assert.ok(lines.length >= 4)
  for (const line of lines) {
    assert.match(line, /^__Host-[\w-]+=[^;]+; .*Path=\/(;|$)/)
    assert.match(line, /; HttpOnly; Secure; SameSite=Lax/)
    assert.doesNotMatch(line, /Domain/i)
  }
  for (const name of ['app', 'login']) {
    const host = `${name}.acme.test`
    assert.match(client.cookie(host, '__Host-SSOTokenID') ?? '', /^[\w-]{43}\*/)
    assert.equal(client.cookie(host, 'SSOTokenID'), undefined)
  }
  assert.equal((JSON.parse(home.body) as { headers: { cookie?: string } }).headers.cookie, undefined)
})

test('a token under the bare name, which any http page could have planted, opens nothing', async () => {
  const client = new Client({ ca: authority.cert })
  await client.signIn(await client.open(at('app')), 'erin', 'erin-password')
  const planted = new Client({ ca: authority.cert })
  planted.setCookie('app.acme.test', 'SSOTokenID', client.cookie('app.acme.test', '__Host-SSOTokenID') ?? '')
  assert.equal((await planted.call(at('app'))).status, 302)
})

test('the name that is asked for chooses the certificate; without one it is the first', async () => {
  assert.equal(await shownFor('login.acme.test'), 'login.acme.test')
  assert.equal(await shownFor('app.acme.test'), 'first')
  assert.equal(await shownFor('other.acme.test'), 'first')
  assert.equal(await shownFor(undefined), 'login.acme.test')
})

test('a host that differs from the TLS name’s site is 421', async () => {
  const host = (name: string): string => `${name}.acme.test:${rig.port}`
  assert.equal(await crossed('app.acme.test', host('app')), 'HTTP/1.1 401 Unauthorized')
  assert.equal(await crossed('app.acme.test', host('other')), 'HTTP/1.1 421 Misdirected Request')
  assert.equal(await crossed('app.acme.test', host('login')), 'HTTP/1.1 421 Misdirected Request')
  assert.equal(await crossed('login.acme.test', host('app')), 'HTTP/1.1 421 Misdirected Request')
})

test('plain http gets no answer where TLS is spoken', async () => {
  const received = await new Promise<string>((resolve) => {
    let text = ''
    const socket = connect(rig.port, '127.0.0.1')
    socket.setEncoding('utf8').on('data', (piece: string) => (text += piece))
    socket.on('error', () => undefined).on('close', () => resolve(text))
    socket.write(`GET / HTTP/1.1\r\nHost: app.acme.test:${rig.port}\r\n\r\n`)
  })
  assert.doesNotMatch(received, /HTTP\/1\.1 [23]|[Ll]ocation|Set-Cookie/)
})

test('the login host has browsers stay with https (RFC 6797 §7.1)', async () => {
  const page = await new Client({ ca: authority.cert }).call(at('login'))
  assert.equal(page.headers['strict-transport-security'], 'max-age=31536000')
})

test('a client certificate may be shown and need not', async () => {
  const ca = authority.cert
  for (const tls of [{}, people.issue('erin'), authority.issue('a stranger')]) {
    assert.equal((await new Client({ ca, ...tls }).call(at('app'))).status, 302)
  }
})

test('certificates are read again, without a restart and without breaking what is open', async () => {
  const client = new Client({ ca: authority.cert })
  await client.signIn(await client.open(at('app')), 'erin', 'erin-password')
  const arrived = app.arrived()
  const slow = client.call(at('app', '/?held'))
  await until('the request is under way', () => app.arrived() > arrived)
  rig.write(pairFiles('app', authority.issue('second', ['app.acme.test', '*.acme.test'])))
  await until('the new certificate is shown', async () => (await shownFor('app.acme.test')) === 'second')
  app.release()
  assert.equal((await slow).status, 200)
  assert.equal((await client.call(at('app'))).status, 200)

  rig.write({ 'tls/app.key': authority.issue('of another certificate', ['app.acme.test']).key })
  await until('the mismatch is refused', () => rig.lines().some(({ event }) => event === 'ConfigRefused'))
  assert.equal(await shownFor('app.acme.test'), 'second')
  assert.equal((await client.call(at('login', '/readyz'))).status, 200)
  rig.write(pairFiles('app', authority.issue('third', ['app.acme.test', '*.acme.test'])))
  await until('the mended pair is shown', async () => (await shownFor('app.acme.test')) === 'third')
})
