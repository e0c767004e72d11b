import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePort } from '../../src/free-port.fixture.ts'
import { Client, type Answer } from '../client.ts'
import { until } from '../until.ts'
import { passwordOf, startGateway, type Gateway } from './gateway.ts'
import { scratchDirectory, startProgram, type Program } from './program.ts'

/* Apache's mod_auth_openidc as a client of our OpenID provider, as Debian has it. */

const SECRET = 'a-secret-that-apache-has-been-told'

let gateway: Gateway
let apache: Program
let site: string
const scratch = scratchDirectory('openidc')

before(async () => {
  const port = await freePort()
  site = `http://rp.localhost:${port}`
  const callback = `${site}/secure/redirect_uri`
  gateway = await startGateway({
    agents: { app: { upstream: { servers: ['http://127.0.0.1:9'] }, ssoOnly: true } },
    realm: {
      authentication: {
        modules: { password: { type: 'password' }, strong: { type: 'password', authLevel: 2 } },
        chains: {
          default: [{ module: 'password', criteria: 'REQUIRED' }],
          strong: [{ module: 'strong', criteria: 'REQUIRED' }],
        },
      },
    },
    clients: {
      clients: [
        {
          ...{ id: 'apache', secret: SECRET, consent: 'implied', redirectUris: [callback] },
          postLogoutRedirectUris: [`${site}/bye`],
          // Names below localhost are browsers' business; programs go to the address.
          backchannelLogoutUri: `http://127.0.0.1:${port}/secure/redirect_uri?logout=backchannel`,
        },
      ],
    },
  })
  apache = await startApache(port, callback)
})
after(async () => {
  await apache.stop()
  await gateway.stop()
  scratch.remove()
})

function startApache(port: number, callback: string): Promise<Program> {
  const directory = scratch.path
  for (const name of ['run', 'www', 'www/secure', 'www/strong']) mkdirSync(join(directory, name), { recursive: true })
  chmodSync(join(directory, 'run'), 0o777)
  for (const name of ['secure/me', 'strong/me']) {
    const path = join(directory, 'www', name)
    writeFileSync(path, '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\nenv | sort\n')
    chmodSync(path, 0o755)
  }
  const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'alias', 'cgid', 'auth_openidc']
  const conf = `
ServerRoot ${directory}
ServerName rp.localhost
Listen 127.0.0.1:${port}
PidFile ${directory}/run/httpd.pid
DefaultRuntimeDir ${directory}/run
ErrorLog "|/bin/cat"
LogLevel notice
User www-data
Group www-data
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
ScriptSock ${directory}/run/cgid.sock
DocumentRoot ${directory}/www
ScriptAlias /secure/ ${directory}/www/secure/
ScriptAlias /strong/ ${directory}/www/strong/
OIDCProviderMetadataURL ${gateway.login}/oauth2/realms/root/realms/staff/.well-known/openid-configuration
OIDCClientID apache
OIDCClientSecret ${SECRET}
OIDCRedirectURI ${callback}
OIDCCryptoPassphrase a-passphrase-for-this-test
OIDCScope "openid profile email groups"
OIDCPKCEMethod S256
OIDCRemoteUserClaim preferred_username
<Location /secure/>
  AuthType openid-connect
  Require valid-user
</Location>
<Location /strong/>
  AuthType openid-connect
  OIDCUnAutzAction auth
  OIDCPathAuthRequestParams acr_values=2
  Require claim acr:2
</Location>
`
  writeFileSync(join(directory, 'server.conf'), conf)
  return startProgram({
    command: 'apache2',
    args: ['-f', join(directory, 'server.conf'), '-D', 'FOREGROUND'],
    cwd: directory,
    ready: /resuming normal operations/,
  })
}

async function signedIn(): Promise<{ readonly browser: Client; readonly page: Answer }> {
  const browser = new Client()
  const form = await browser.open(`${site}/secure/me`)
  assert.ok(form.url.startsWith(`${gateway.login}/login/staff`), `${form.status} ${form.url}\n${form.body}`)
  return { browser, page: await browser.signIn(form, 'alice', passwordOf('alice')) }
}

/** What the library of the application is asked for by a page of ours that sends itself on. */
async function sentOn(browser: Client, page: Answer): Promise<Answer> {
  const fields = [...page.body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
  const action = /action="([^"]*)"/.exec(page.body)?.[1] ?? ''
  const form = Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value]))
  return browser.call(new URL(action, page.url).href, { form })
}

test('mod_auth_openidc signs people in and has their claims', async () => {
  const { page } = await signedIn()
  assert.equal(page.status, 200, page.body)
  for (const line of ['REMOTE_USER=alice', 'OIDC_CLAIM_acr=1', 'OIDC_CLAIM_email=alice@acme.example']) {
    assert.ok(page.body.includes(line), `${line}\n${page.body}`)
  }
  assert.match(page.body, /OIDC_CLAIM_groups=operators/)
})

test('mod_auth_openidc has a stronger login by acr_values', async () => {
  const { browser } = await signedIn()
  const refused = await browser.call(`${site}/strong/me`)
  // Apache knows too late for a redirect that it wants one.
  const next = /content="\d+; ?url=([^"]*)"/i.exec(refused.body)?.[1]?.replaceAll('&amp;', '&') ?? ''
  assert.notEqual(next, '', refused.body)
  const form = await browser.open(next)
  assert.ok(form.url.startsWith(`${gateway.login}/login/staff`), `${form.status} ${form.url}`)
  const page = await browser.signIn(form, 'alice', passwordOf('alice'))
  assert.match(page.body, /OIDC_CLAIM_acr=2/)
})

test('mod_auth_openidc signs people out here', async () => {
  const { browser } = await signedIn()
  const out = await browser.open(`${site}/secure/redirect_uri?logout=${encodeURIComponent(`${site}/bye`)}`)
  assert.match(out.body, /data-relay/, 'its ID token speaks for it')
  const back = await sentOn(browser, out)
  assert.equal(back.headers.location, `${site}/bye`)
  const again = await browser.open(`${site}/secure/me`)
  assert.ok(again.url.startsWith(`${gateway.login}/login/staff`), again.url)
})

test('mod_auth_openidc forgets people who sign out here', async () => {
  const { browser } = await signedIn()
  await sentOn(browser, await browser.open(`${gateway.login}/logout`))
  await until('Apache asks for a login', async () => (await browser.call(`${site}/secure/me`)).status === 302)
})
