import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { partnerKeys, spMetadata } from '../../src/federation/saml-idp/sp.fixture.ts'
import { freePort } from '../../src/free-port.fixture.ts'
import { Client, type Answer } from '../client.ts'
import { until } from '../until.ts'
import { SIGNING_IN, startApache } from './apache.ts'
import { passwordOf, startGateway, type Gateway } from './gateway.ts'
import { scratchDirectory, startProgram, type Program } from './program.ts'

/* Shibboleth's service provider, in Apache, as a partner of our SAML identity provider: the strictest reader of SAML there is. */

const MFA = 'https://refeds.org/profile/mfa'

let gateway: Gateway
let apache: Program
let shibd: Program
let site: string
const scratch = scratchDirectory('shib')
const keys = partnerKeys()

before(async () => {
  const port = await freePort()
  site = `http://sp.localhost:${port}`
  const entityId = `${site}/shibboleth`
  const metadata = spMetadata({ entityId, keys, consumers: [`${site}/Shibboleth.sso/SAML2/POST`], isSigning: true })
  gateway = await startGateway({
    ...SIGNING_IN,
    clients: {
      acr: [{ name: MFA, level: 2 }],
      saml: { serviceProviders: [{ id: 'shib', entityId, metadata, encrypt: true, attributes: ATTRIBUTES }] },
    },
  })
  const own = await new Client().call(`${gateway.login}/saml2/staff/metadata`)
  const put = (name: string, text: string): void => writeFileSync(join(scratch.path, name), text)
  put('idp.xml', own.body)
  put('sp.key', keys.pem)
  put(
    'sp.cert',
    `-----BEGIN CERTIFICATE-----\n${keys.certificate.replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
  )
  put('shibboleth2.xml', configuration(entityId))
  shibd = await startShibd()
  apache = await start(port)
})
after(async () => {
  await apache.stop()
  await shibd.stop()
  await gateway.stop()
  scratch.remove()
})

const ATTRIBUTES = [
  { name: 'urn:oid:0.9.2342.19200300.100.1.1', friendlyName: 'uid', from: 'username' },
  { name: 'urn:oid:0.9.2342.19200300.100.1.3', friendlyName: 'mail', from: 'attribute:mail' },
  { name: 'urn:oid:1.3.6.1.4.1.5923.1.5.1.1', friendlyName: 'isMemberOf', from: 'groups' },
]

function configuration(entityId: string): string {
  const map = ATTRIBUTES.map(({ name, friendlyName }) => `<Attribute name="${name}" id="${friendlyName}"/>`).join('')
  writeFileSync(
    join(scratch.path, 'attributes.xml'),
    `<Attributes xmlns="urn:mace:shibboleth:2.0:attribute-map">${map}</Attributes>`,
  )
  const at = scratch.path
  return `<SPConfig xmlns="urn:mace:shibboleth:3.0:native:sp:config" clockSkew="180">
  <OutOfProcess logger="${at}/shibd.logger"/>
  <InProcess logger="${at}/native.logger"/>
  <UnixListener address="${at}/run/shibd.sock"/>
  <ApplicationDefaults entityID="${entityId}" REMOTE_USER="uid" signing="true">
    <Sessions lifetime="28800" timeout="3600" relayState="ss:mem" redirectLimit="exact" checkAddress="false" handlerSSL="false" cookieProps="http">
      <SSO entityID="${gateway.login}/saml2/staff/metadata">SAML2</SSO>
    </Sessions>
    <MetadataProvider type="XML" path="${at}/idp.xml">
      <MetadataFilter type="RequireValidUntil" maxValidityInterval="2419200"/>
    </MetadataProvider>
    <AttributeExtractor type="XML" validate="true" path="${at}/attributes.xml"/>
    <CredentialResolver type="File" key="${at}/sp.key" certificate="${at}/sp.cert"/>
  </ApplicationDefaults>
  <SecurityPolicyProvider type="XML" validate="true" path="/etc/shibboleth/security-policy.xml"/>
  <ProtocolProvider type="XML" validate="true" path="/etc/shibboleth/protocols.xml"/>
</SPConfig>`
}

async function startShibd(): Promise<Program> {
  const at = scratch.path
  mkdirSync(join(at, 'run'), { recursive: true })
  chmodSync(join(at, 'run'), 0o777)
  const logger =
    'log4j.rootCategory=INFO, console\nlog4j.appender.console=org.apache.log4j.ConsoleAppender\nlog4j.appender.console.layout=org.apache.log4j.BasicLayout\n'
  for (const name of ['shibd', 'native']) writeFileSync(join(at, `${name}.logger`), logger)
  const checked = spawnSync('/usr/sbin/shibd', ['-t', '-c', join(at, 'shibboleth2.xml')], { encoding: 'utf8' })
  assert.equal(checked.status, 0, checked.stdout + checked.stderr)
  const program = await startProgram({
    command: '/usr/sbin/shibd',
    args: ['-F', '-f', '-c', join(at, 'shibboleth2.xml'), '-p', join(at, 'run/shibd.pid')],
    cwd: at,
    // The last of what it says stays with it until there is more.
    ready: /SP Version/,
  })
  await until('shibd listens', () => existsSync(join(at, 'run/shibd.sock')))
  return program
}

function start(port: number): Promise<Program> {
  const directory = scratch.path
  return startApache({
    ...{ directory, port, serverName: site, scripts: ['me'] },
    module: ['mod_shib', 'mod_shib.so'],
    conf: `
ShibConfig ${directory}/shibboleth2.xml
ScriptAlias /secure/ ${directory}/www/
ScriptAlias /strong/ ${directory}/www/
<Location /secure>
  AuthType shibboleth
  ShibRequestSetting requireSession 1
  Require shib-session
</Location>
<Location /strong>
  AuthType shibboleth
  ShibRequestSetting requireSession 1
  ShibRequestSetting authnContextClassRef ${MFA}
  Require shib-session
</Location>`,
  })
}

/** What a page of ours sends on by itself, sent to the site; follows where that leads. */
async function sentOn(browser: Client, page: Answer): Promise<Answer> {
  assert.match(page.body, /data-relay/, `${page.status} ${page.url}\n${page.body}\n${shibd.output()}`)
  const fields = [...page.body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
  const action = /action="([^"]*)"/.exec(page.body)?.[1] ?? ''
  const form = Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value.replaceAll('&amp;', '&')]))
  const headers = { origin: gateway.login, 'sec-fetch-site': 'cross-site' }
  return browser.open(new URL(action, page.url).href, { form, headers })
}

const said = (page: Answer): string => `${page.body}\n${apache.output()}\n${shibd.output()}`

test('Shibboleth signs people in by an encrypted assertion and has their attributes', async () => {
  const browser = new Client()
  const form = await browser.open(`${site}/secure/me`)
  assert.ok(form.url.startsWith(`${gateway.login}/login/staff`), `${form.url}\n${said(form)}`)
  const page = await sentOn(browser, await browser.signIn(form, 'bob', passwordOf('bob')))
  assert.equal(page.status, 200, said(page))
  for (const line of [
    'REMOTE_USER=bob',
    'mail=bob@acme.example',
    'isMemberOf=auditors;operators',
    'Shib-Authentication-Method=urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
  ])
    assert.ok(page.body.includes(line) || page.body.includes(line.replaceAll('-', '_')), `${line}\n${page.body}`)
})

test('Shibboleth has a stronger login by a class of authentication contexts', async () => {
  const browser = new Client()
  const form = await browser.open(`${site}/strong/me`)
  assert.ok(form.url.startsWith(`${gateway.login}/login/staff`), `${form.url}\n${said(form)}`)
  const page = await sentOn(browser, await browser.signIn(form, 'alice', passwordOf('alice')))
  assert.equal(page.status, 200, said(page))
  assert.ok(page.body.includes(MFA), page.body)
})

test('Shibboleth has people prove it again, and asks without a question', async () => {
  const browser = new Client()
  await sentOn(browser, await browser.signIn(await browser.open(`${site}/secure/me`), 'alice', passwordOf('alice')))
  const target = encodeURIComponent(`${site}/secure/me`)
  const passive = await sentOn(browser, await browser.open(`${site}/Shibboleth.sso/Login?isPassive=1&target=${target}`))
  assert.match(passive.body, /REMOTE_USER=alice/, said(passive))
  const forced = await browser.open(`${site}/Shibboleth.sso/Login?forceAuthn=1&target=${target}`)
  assert.ok(forced.url.startsWith(`${gateway.login}/login/staff`), forced.url)
  const page = await sentOn(browser, await browser.signIn(forced, 'alice', passwordOf('alice')))
  assert.match(page.body, /REMOTE_USER=alice/, said(page))
})
