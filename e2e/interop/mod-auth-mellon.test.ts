import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, renameSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePort } from '../../src/free-port.fixture.ts'
import { Client, type Answer } from '../client.ts'
import { SIGNING_IN, startApache } from './apache.ts'
import { passwordOf, startGateway, type Gateway } from './gateway.ts'
import { scratchDirectory, type Program } from './program.ts'

/* Apache's mod_auth_mellon as a partner of our SAML identity provider, as Debian has it, with the metadata that its own tool makes. */

const MFA = 'https://refeds.org/profile/mfa'
const PLACES = ['secure', 'strong'] as const

let gateway: Gateway
let apache: Program
let site: string
const scratch = scratchDirectory('mellon')

before(async () => {
  const port = await freePort()
  site = `http://sp.localhost:${port}`
  for (const place of PLACES) createMetadata(place)
  gateway = await startGateway({
    ...SIGNING_IN,
    clients: {
      acr: [{ name: MFA, level: 2 }],
      saml: {
        serviceProviders: PLACES.map((place) => ({
          ...{ id: place, entityId: `${site}/${place}`, metadata: readFileSync(file(place, 'xml'), 'utf8') },
          signedRequests: true,
          encrypt: place === 'secure',
        })),
      },
    },
  })
  const metadata = await new Client().call(`${gateway.login}/saml2/staff/metadata`)
  assert.equal(metadata.status, 200, metadata.body)
  writeFileSync(join(scratch.path, 'idp.xml'), metadata.body)
  apache = await start(port)
})
after(async () => {
  await apache.stop()
  await gateway.stop()
  scratch.remove()
})

function file(place: string, kind: 'xml' | 'key' | 'cert'): string {
  return join(scratch.path, `${place}.${kind}`)
}

/** The tool names what it makes after the entity id. */
function createMetadata(place: string): void {
  const into = join(scratch.path, `made-${place}`)
  mkdirSync(into)
  const { status, stderr } = spawnSync('mellon_create_metadata', [`${site}/${place}`, `${site}/${place}/mellon`], {
    cwd: into,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  for (const kind of ['xml', 'key', 'cert'] as const) {
    const made = readdirSync(into).find((name) => name.endsWith(`.${kind}`)) ?? ''
    renameSync(join(into, made), file(place, kind))
    chmodSync(file(place, kind), 0o644)
  }
}

function start(port: number): Promise<Program> {
  const directory = scratch.path
  const location = (place: string, more: string): string => `
ScriptAlias /${place}/me ${directory}/www/${place}/me
<Location /${place}>
  AuthType Mellon
  MellonEnable auth
  Require valid-user
  MellonVariable ${place}
  MellonEndpointPath /${place}/mellon
  MellonSPMetadataFile ${file(place, 'xml')}
  MellonSPPrivateKeyFile ${file(place, 'key')}
  MellonSPCertFile ${file(place, 'cert')}
  MellonIdPMetadataFile ${directory}/idp.xml
  MellonUser uid
  MellonSecureCookie Off
  MellonCookieSameSite lax
  ${more}
</Location>`
  return startApache({
    ...{ directory, port, serverName: site, scripts: PLACES.map((place) => `${place}/me`) },
    module: ['auth_mellon_module', 'mod_auth_mellon.so'],
    conf: `
MellonLockFile ${directory}/run/mellon.lock
MellonPostDirectory ${directory}/run
${location('secure', '')}
${location('strong', `MellonAuthnContextClassRef "${MFA}"`)}`,
  })
}

/** What a page of ours sends on by itself, sent to the site; follows where that leads. */
async function sentOn(browser: Client, page: Answer): Promise<Answer> {
  assert.match(page.body, /data-relay/, `${page.status} ${page.url}\n${page.body}`)
  const fields = [...page.body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
  const action = /action="([^"]*)"/.exec(page.body)?.[1] ?? ''
  const form = Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value.replaceAll('&amp;', '&')]))
  // As a browser does: the form comes from another site.
  return browser.open(new URL(action, page.url).href, {
    form,
    headers: { origin: gateway.login, 'sec-fetch-site': 'cross-site' },
  })
}

async function signedIn(): Promise<{ readonly browser: Client; readonly page: Answer }> {
  const browser = new Client()
  const form = await browser.open(`${site}/secure/me?a=b`)
  assert.ok(form.url.startsWith(`${gateway.login}/login/staff`), `${form.status} ${form.url}\n${form.body}`)
  return { browser, page: await sentOn(browser, await browser.signIn(form, 'alice', passwordOf('alice'))) }
}

test('mod_auth_mellon signs people in by an encrypted assertion and has their attributes', async () => {
  const { page } = await signedIn()
  assert.equal(page.status, 200, `${page.body}\n${apache.output()}`)
  assert.equal(page.url, `${site}/secure/me?a=b`)
  for (const line of [
    'REMOTE_USER=alice',
    'MELLON_mail=alice@acme.example',
    'MELLON_groups=operators',
    'MELLON_displayName=alice Näme',
  ])
    assert.ok(page.body.includes(line), `${line}\n${page.body}`)
  assert.match(page.body, /MELLON_NAME_ID=\S+/)
})

test('mod_auth_mellon has a stronger login by a class of authentication contexts', async () => {
  const { browser } = await signedIn()
  const form = await browser.open(`${site}/strong/me`)
  assert.ok(form.url.startsWith(`${gateway.login}/login/staff`), `${form.status} ${form.url}\n${form.body}`)
  const page = await sentOn(browser, await browser.signIn(form, 'alice', passwordOf('alice')))
  assert.match(page.body, /REMOTE_USER=alice/, `${page.body}\n${apache.output()}`)
})

test('mod_auth_mellon may ask without a question', async () => {
  const passive = `${site}/secure/mellon/login?IsPassive=true&ReturnTo=${encodeURIComponent(`${site}/secure/me`)}`
  const stranger = new Client()
  const nobody = await sentOn(stranger, await stranger.open(passive))
  assert.doesNotMatch(nobody.body, /REMOTE_USER/)
  const { browser } = await signedIn()
  const page = await sentOn(browser, await browser.open(passive))
  assert.match(page.body, /REMOTE_USER=alice/)
})

test('mod_auth_mellon signs people out here, and is told that they have signed out here', async () => {
  const there = await signedIn()
  const returnTo = encodeURIComponent(`${site}/secure/me`)
  const back = await there.browser.open(`${site}/secure/mellon/logout?ReturnTo=${returnTo}`)
  assert.ok(back.url.startsWith(`${gateway.login}/login/staff`), `${back.status} ${back.url}\n${apache.output()}`)

  const here = await signedIn()
  const page = await here.browser.open(`${gateway.login}/logout`, { form: {} })
  const next = (page.headers['refresh'] ?? '').toString().replace(/^0; url=/, '')
  assert.ok(next.startsWith(`${site}/secure/mellon/logout?SAMLRequest=`), `${page.url}\n${page.body}`)
  const done = await here.browser.open(next)
  assert.equal(done.url, `${gateway.login}/leaving`, apache.output())
  assert.match(done.body, /<li class="done">[^]*class="who">secure</)
  assert.equal((await here.browser.call(`${site}/secure/me`)).status, 303)
})
