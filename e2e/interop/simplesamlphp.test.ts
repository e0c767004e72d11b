import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { freePort } from '../../src/free-port.fixture.ts'
import { wrapped } from '../../src/federation/saml/wrapping.fixture.ts'
import { Client, type Answer } from '../client.ts'
import { startEchoApp, type EchoApp } from '../echo-app.ts'
import { agentYaml, gatehouseYaml, startOwnRig, type OwnRig } from '../own-rig.ts'
import { startSimpleSamlPhp, type SimpleSamlPhp } from './simplesamlphp.ts'

const MFA = 'urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken'

let foreign: SimpleSamlPhp
let app: EchoApp
let rig: OwnRig
let login: string

before(async () => {
  const person = (name: string, more = {}) => ({
    mail: `${name}@corp.example`,
    department: 'ships',
    role: 'Crew',
    ...more,
  })
  foreign = await startSimpleSamlPhp({
    alice: person('alice'),
    bob: person('bob', { role: 'Else' }),
    weak: person('weak'),
    mallory: person('mallory', { mail: 'alice@victim.example' }),
  })
  const port = await freePort()
  login = `http://login.acme.test:${port}`
  app = await startEchoApp()
  const { entityId, metadataUrl, signer } = foreign
  const certificate = `-----BEGIN CERTIFICATE-----\n${signer.certificate.replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
  const corp = {
    ...{ type: 'saml', title: 'Corp', entityId, metadataUrl: { url: metadataUrl, internal: true, certificate } },
    ...{ subject: 'uid', nameIdFormat: 'transient', domains: ['corp.example'], atOnce: true, signed: 'both' },
    create: {
      username: 'mail',
      attributes: { department: 'department' },
      groups: { claim: 'role', map: { Crew: 'crew' } },
    },
  }
  const staff = {
    directory: { type: 'managed' },
    identityProviders: { corp },
    authentication: {
      modules: {
        corp: { type: 'saml', provider: 'corp' },
        mfa: { type: 'saml', provider: 'corp', authLevel: 2, authnContext: [MFA] },
      },
      chains: {
        default: [{ module: 'corp', criteria: 'REQUISITE' }],
        strong: [{ module: 'mfa', criteria: 'REQUISITE' }],
      },
    },
  }
  const headers = 'identity: { headers: { X-User: username, X-Groups: groups, X-Department: attribute:department } }\n'
  const policy = (name: string, condition: object) => ({
    ...{ name, resources: [`http://${name}.acme.test:${port}/*`], actions: { GET: 'allow' }, condition },
    subject: { type: 'AuthenticatedUsers' },
  })
  rig = await startOwnRig({
    port,
    files: {
      'agent-config/gatehouse.yaml': gatehouseYaml(),
      'agent-config/app.yaml': agentYaml('app', app.url, `ssoOnly: true\n${headers}`),
      'agent-config/vault.yaml': agentYaml('vault', app.url, ''),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': JSON.stringify(staff),
      'realms/staff/policies.yaml': JSON.stringify({
        policies: [policy('vault', { type: 'AuthLevel', authLevel: 2 })],
      }),
    },
  })
  const metadata = await new Client().call(`${login}/saml2/staff/metadata`)
  assert.equal(metadata.status, 200, metadata.body)
  foreign.trust(metadata.body)
})

after(async () => {
  assert.equal(await rig.stop(), 0)
  await Promise.all([foreign.stop(), app.close()])
})

const site = (name: string): string => `http://${name}.acme.test:${rig.port}/`
const onward = (page: Answer): string => String(page.headers['refresh'] ?? '').replace('0; url=', '')

/** Hidden fields of the page's forms. */
function hiddenOf({ body }: Answer): Readonly<Record<string, string>> {
  const of = (tag: string, name: string): string => new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? ''
  const inputs = [...body.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(
    ([tag]) => [of(tag, 'name'), of(tag, 'value')] as const,
  )
  return Object.fromEntries(inputs.map(([name, value]) => [name, value.replaceAll('&amp;', '&')]))
}

/** From our page to the provider's; a page with one button is pressed first. */
async function away(client: Client, page: Answer): Promise<Answer> {
  const leaving = onward(page) === '' ? await client.call(page.url.replace(/#.*/, ''), { form: hiddenOf(page) }) : page
  return client.open(onward(leaving))
}

/** The provider's own login, where it asks; then its form with the Response. */
async function answered(client: Client, there: Answer, name: string): Promise<Answer> {
  if (!there.url.includes('loginuserpass')) return there
  const { AuthState = '' } = hiddenOf(there)
  return client.open(there.url.replace(/\?.*/, ''), { form: { username: name, password: name, AuthState } })
}

/** The form is of another site: no cookie of ours goes with it. */
async function back(client: Client, form: Readonly<Record<string, string>>): Promise<Answer> {
  const headers = { 'sec-fetch-site': 'cross-site', origin: 'http://127.0.0.1', cookie: '' }
  const posted = await client.call(`${login}/saml2/staff/acs`, { form, headers })
  if (posted.status !== 303) return posted
  return client.open(new URL(String(posted.headers.location), login).href)
}

async function signedIn(name: string, to = 'app'): Promise<{ readonly client: Client; readonly answer: Answer }> {
  const client = new Client()
  const there = await away(client, await client.open(site(to)))
  return { client, answer: await back(client, hiddenOf(await answered(client, there, name))) }
}

test('SimpleSAMLphp: login, attributes and groups; a person of another domain is nobody', async () => {
  const { answer } = await signedIn('alice')
  assert.equal(answer.url, site('app'), answer.body)
  const headers = app.seen.at(-1)?.headers ?? {}
  assert.deepEqual(
    [headers['x-user'], headers['x-groups'], headers['x-department']],
    ['alice@corp.example', 'crew', 'ships'],
  )
  const bob = await signedIn('bob')
  assert.equal(bob.answer.url, site('app'))
  assert.equal(app.seen.at(-1)?.headers['x-groups'] ?? '', '')
  const mallory = await signedIn('mallory')
  assert.notEqual(mallory.answer.url, site('app'))
})

test('SimpleSAMLphp: step-up by AuthnContext; an answer that comes to less is refused', async () => {
  const { client } = await signedIn('alice')
  const weak = await client.open(site('vault'))
  assert.notEqual(weak.url, site('vault'))
  const there = await away(client, weak)
  const strong = await back(client, hiddenOf(await answered(client, there, 'alice')))
  assert.equal(strong.url, site('vault'), strong.body)
  assert.equal(strong.status, 200)
  const other = await signedIn('weak', 'vault')
  assert.notEqual(other.answer.url, site('vault'))
})

test('SimpleSAMLphp: its encrypted assertions are read; what is made of its signed ones never is', async () => {
  for (const cipher of ['aes128-cbc', 'aes256-gcm']) {
    const uri = cipher.endsWith('gcm')
      ? `http://www.w3.org/2009/xmlenc11#${cipher}`
      : `http://www.w3.org/2001/04/xmlenc#${cipher}`
    foreign.configure(`'assertion.encryption' => true, 'sharedkey_algorithm' => '${uri}'`)
    const { answer } = await signedIn('alice')
    assert.equal(answer.url, site('app'), `${cipher}: ${answer.body}`)
  }
  foreign.configure('')
  const client = new Client()
  const there = await away(client, await client.open(site('app')))
  const form = hiddenOf(await answered(client, there, 'alice'))
  const honest = Buffer.from(form['SAMLResponse'] ?? '', 'base64').toString()
  for (const [name, xml] of wrapped(honest, 'bob')) {
    assert.notEqual(xml, honest, name)
    const answer = await back(client, { ...form, SAMLResponse: Buffer.from(xml).toString('base64') })
    assert.equal(answer.status, 403, name)
  }
  assert.equal((await back(client, form)).url, site('app'))
})

test('SimpleSAMLphp: signing out here signs out there, and signing out there signs out here', async () => {
  foreign.configure(`'redirect.sign' => true, 'redirect.validate' => true`)
  const theirs = await (await fetch(foreign.metadataUrl)).text()
  assert.match(theirs, /SingleLogoutService/)
  assert.doesNotMatch(theirs, /SingleLogoutService[^>]*SOAP/, 'docs/logout.md says that it cannot be told from here')
  const isIn = async (client: Client): Promise<boolean> => (await client.call(`${login}/logout`)).status === 200
  const { client } = await signedIn('alice')
  assert.equal(await isIn(client), true)
  const going = await client.open(`${login}/logout`, { form: {} })
  assert.equal(await isIn(client), false)
  assert.match(onward(going), /SingleLogoutService\.php\?SAMLRequest=/, going.body)
  const done = await client.open(onward(going))
  assert.equal(done.url, `${login}/leaving`, done.body)
  assert.match(done.body, /<li class="done">[^]*class="who">Corp</)
  const again = await away(client, await client.open(site('app')))
  assert.match(again.url, /loginuserpass/, 'it asks again')

  const there = await signedIn('alice')
  const slo = foreign.entityId.replace(/idp$/, 'saml2/idp/SingleLogoutService.php')
  const out = await there.client.open(`${slo}?ReturnTo=${new URL(slo).origin}/`)
  assert.equal(await isIn(there.client), false, `${out.status} ${out.url}\n${out.body}`)
  foreign.configure('')
})
