import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, suite, test, type TestContext } from 'node:test'
import { exchange, signedIn, type Question } from './exchange.ts'
import { startGateway, type Gateway } from './gateway.ts'
import { freePort } from '../../src/free-port.fixture.ts'
import { scratchDirectory, startProgram } from './program.ts'

/** Every character besides letters and digits that RFC 9110 §5.6.2 allows in a header name. */
const SIGNS = "!#$%&'*+-.^_`|~".split('')

/** How a client may try to be eve for an application that reads CGI variables. */
const SPOOFS: readonly (readonly string[])[] = [
  ...SIGNS.map((sign) => [`X${sign}Remote${sign}User`, 'eve']),
  ...SIGNS.map((sign) => [`x-remote${sign}user`, 'eve']),
  ['X-Remote-User', 'eve', 'X-Remote-User', 'eve'],
  ['X_Remote_User', 'eve', 'X-REMOTE-USER', 'eve'],
  ['HTTP_X_REMOTE_USER', 'eve', 'Remote-User', 'eve', 'REMOTE_USER', 'eve'],
  ['X-Remote-Groups', 'eve', 'X_Remote_Groups', 'eve', 'x.remote.groups', 'eve'],
  ['X-Gatehouse-Assertion', 'eve', 'X_Gatehouse_Assertion', 'eve'],
  ['X-Forwarded-User', 'eve', 'X~Forwarded~For', 'eve', 'Forwarded', 'for=eve'],
  // httpoxy, CVE-2016-5385.
  ['Proxy', 'http://eve.example/'],
]

interface Server {
  readonly name: string
  readonly command: string
  readonly ready: RegExp
  args(directory: string): readonly string[]
  configuration(directory: string, port: number): string
}

const APACHE: Server = {
  name: 'Apache httpd',
  command: 'apache2',
  ready: /resuming normal operations/,
  args: (directory) => ['-f', join(directory, 'server.conf'), '-D', 'FOREGROUND'],
  configuration: (directory, port) => `
ServerRoot ${directory}
ServerName application.internal
Listen 127.0.0.1:${port}
PidFile ${directory}/run/httpd.pid
DefaultRuntimeDir ${directory}/run
ErrorLog "|/bin/cat"
User www-data
Group www-data
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule cgid_module /usr/lib/apache2/modules/mod_cgid.so
ScriptSock ${directory}/run/cgid.sock
DocumentRoot ${directory}/www
ScriptAlias / ${directory}/www/
<Directory ${directory}/www>
  Require all granted
</Directory>
`,
}

const LIGHTTPD: Server = {
  name: 'lighttpd',
  command: 'lighttpd',
  ready: /server started/,
  args: (directory) => ['-D', '-f', join(directory, 'server.conf')],
  configuration: (directory, port) => `
server.modules = ("mod_cgi")
server.bind = "127.0.0.1"
server.port = ${port}
server.document-root = "${directory}/www"
cgi.assign = (".cgi" => "")
`,
}

const SCRIPT = `#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
env | sort
echo "BODY=$(cat)"
`

interface Setup {
  readonly gateway: Gateway
  /** The server's own origin. */
  readonly direct: string
}

async function setUp(server: Server, running: AsyncDisposableStack): Promise<Setup> {
  const scratch = scratchDirectory('cgi')
  running.defer(() => scratch.remove())
  const directory = scratch.path
  const port = await freePort()
  for (const folder of ['run', 'www', 'www/public']) mkdirSync(join(directory, folder))
  for (const script of ['env.cgi', 'public/env.cgi']) {
    writeFileSync(join(directory, 'www', script), SCRIPT)
    chmodSync(join(directory, 'www', script), 0o755)
  }
  writeFileSync(join(directory, 'server.conf'), server.configuration(directory, port))
  const { command, ready } = server
  const program = await startProgram({ command, args: server.args(directory), cwd: directory, ready })
  running.defer(() => program.stop())
  const direct = `http://127.0.0.1:${port}`
  const profile = {
    ssoOnly: true,
    notEnforced: [{ path: '/public/*' }],
    upstream: { servers: [direct] },
    identity: {
      headers: { 'X-Remote-User': 'username', 'X-Remote-Groups': 'groups', 'X-Remote-Name': 'attribute:displayName' },
    },
  }
  const gateway = await startGateway({ agents: { cgi: profile } })
  running.defer(() => gateway.stop())
  return { gateway, direct }
}

/** The variables that the script was given. */
async function environment(url: string, question: Question): Promise<ReadonlyMap<string, string>> {
  const { status, text } = await exchange(url, question)
  assert.equal(status, 200, text)
  return new Map(
    text.split('\n').map((line) => {
      const equals = line.indexOf('=')
      return [line.slice(0, equals), line.slice(equals + 1)]
    }),
  )
}

function eves(variables: ReadonlyMap<string, string>): readonly string[] {
  return [...variables].filter(([, value]) => value.includes('eve')).map(([name, value]) => `${name}=${value}`)
}

for (const server of [APACHE, LIGHTTPD]) {
  suite(`${server.name} with CGI`, { timeout: 90_000 }, () => {
    const running = new AsyncDisposableStack()
    let setup: Promise<Setup> | undefined
    const ready = (): Promise<Setup> => (setup ??= setUp(server, running))
    after(() => running.disposeAsync())

    test('the script learns who is there', async () => {
      const { gateway } = await ready()
      const client = await signedIn(gateway, 'cgi', 'alice')
      const variables = await environment(`${gateway.site('cgi')}/env.cgi?a=b%20c`, { client })
      assert.equal(variables.get('HTTP_X_REMOTE_USER'), 'alice')
      assert.equal(variables.get('HTTP_X_REMOTE_GROUPS'), 'operators')
      assert.equal(variables.get('HTTP_X_REMOTE_NAME'), 'alice N%C3%A4me')
      assert.equal(variables.get('QUERY_STRING'), 'a=b%20c')
      assert.equal(variables.get('HTTP_HOST'), new URL(gateway.site('cgi')).host)
      assert.doesNotMatch(variables.get('HTTP_COOKIE') ?? '', /SSOTokenID|gatehouse/i)
    })

    test('no spelling of an identity header that a client sends becomes a variable', async (t: TestContext) => {
      const { gateway, direct } = await ready()
      const client = await signedIn(gateway, 'cgi', 'alice')
      let folded = 0
      for (const headers of SPOOFS) {
        folded += eves(await environment(`${direct}/env.cgi`, { headers })).length
        const inside = await environment(`${gateway.site('cgi')}/env.cgi`, { client, headers })
        assert.deepEqual(eves(inside), [], headers.join(' '))
        assert.equal(inside.get('HTTP_X_REMOTE_USER'), 'alice')
        const open = await environment(`${gateway.site('cgi')}/public/env.cgi`, { headers })
        assert.deepEqual(eves(open), [], headers.join(' '))
        assert.equal(open.get('HTTP_X_REMOTE_USER'), undefined)
      }
      t.diagnostic(`${folded} of the variables reach a script without the gateway`)
      assert.ok(folded > 3, 'without the gateway the server believes some of them')
    })

    test('forms and other bodies arrive', async () => {
      const { gateway } = await ready()
      const client = await signedIn(gateway, 'cgi', 'bob')
      const headers = ['Content-Type', 'application/x-www-form-urlencoded', 'Origin', gateway.site('cgi')]
      const body = Buffer.from('to=carol&amount=5')
      const sent = await environment(`${gateway.site('cgi')}/env.cgi`, { client, method: 'POST', headers, body })
      assert.equal(sent.get('BODY'), 'to=carol&amount=5')
      assert.equal(sent.get('CONTENT_LENGTH'), '17')
      assert.equal(sent.get('REQUEST_METHOD'), 'POST')
      assert.equal(sent.get('HTTP_X_REMOTE_GROUPS'), 'operators,auditors')
    })
  })
}
