import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { freePort } from '../../src/free-port.fixture.ts'
import { Client, type Answer } from '../client.ts'
import { until } from '../until.ts'
import { SIGNING_IN, startApache } from './apache.ts'
import { passwordOf, startGateway, type Gateway } from './gateway.ts'
import { scratchDirectory, type Program } from './program.ts'

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
    ...SIGNING_IN,
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
  apache = await start(port, callback)
})
after(async () => {
  await apache.stop()
  await gateway.stop()
  scratch.remove()
})

function start(port: number, callback: string): Promise<Program> {
  return startApache({
    ...{ directory: scratch.path, port, serverName: site, scripts: ['secure/me', 'strong/me'] },
    module: ['auth_openidc_module', 'mod_auth_openidc.so'],
    conf: `
ScriptAlias /secure/ ${scratch.path}/www/secure/
ScriptAlias /strong/ ${scratch.path}/www/strong/
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
</Location>`,
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
