import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Browser, startGateway, type Gateway, type Page } from '../oidc-op/provider.fixture.ts'
import { readIdentityProvider } from '../saml/metadata.ts'
import {
  formOf,
  partnerKeys,
  requestUrl,
  Sp,
  spMetadata,
  statusIn,
  through,
  xmlIn,
  type SpOptions,
} from './sp.fixture.ts'

/* The identity provider of a whole gateway, against node-saml as its partner. */

const WIKI = 'https://wiki.example/saml'
const CRM = 'https://crm.example/saml'
const ACS = 'https://wiki.example/acs'
const MFA = 'https://refeds.org/profile/mfa'
const PASSWORD = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport'
const keys = partnerKeys()

let gateway: Gateway
let idp: SpOptions['idp']

const CLIENTS = `acr: [{ name: "${MFA}", level: 2 }]
saml:
  serviceProviders:
    - { id: wiki, name: The Wiki, entityId: "${WIKI}", metadata: "\${file:wiki.xml}" }
    - { id: old, entityId: "https://old.example", metadata: "\${file:old.xml}" }
    - id: crm
      entityId: "${CRM}"
      metadata: "\${file:crm.xml}"
      encrypt: true
      sign: assertion
      nameId: { format: email }
      attributes: [{ name: "urn:oid:2.5.4.3", friendlyName: cn, from: "attribute:displayName" }, { name: dept, from: groups }]
      idpInitiated: true
      relayStates: [/start]
`

before(async () => {
  gateway = await startGateway(CLIENTS, () => ({
    'wiki.xml': spMetadata({ entityId: WIKI, keys, consumers: [ACS, `${ACS}/2`] }),
    'old.xml': spMetadata({ entityId: 'https://old.example', keys, consumers: [ACS] }).replace(
      ' entityID',
      ' validUntil="2020-01-01T00:00:00Z" entityID',
    ),
    'crm.xml': spMetadata({ entityId: CRM, keys, consumers: ['https://crm.example/acs'], isSigning: true }),
  }))
  const metadata = await new Browser(gateway.origin).call('/saml2/staff/metadata')
  const entityId = `${gateway.origin}/saml2/staff/metadata`
  const read = readIdentityProvider(metadata.body, { entityId, signers: undefined, now: Date.now() })
  assert.ok(read.kind === 'read', metadata.body)
  const { signing, signOn } = read.partner.role
  const certificate = /<ds:X509Certificate>([^<]*)/.exec(metadata.body.split('KeyDescriptor')[1] ?? '')?.[1] ?? ''
  assert.equal(
    readIdentityProvider(metadata.body, { entityId, signers: signing, now: Date.now() }).kind,
    'read',
    'signed',
  )
  idp = { entityId, signOn: signOn[0]?.location ?? '', certificate }
})
after(() => gateway.close())

const sp = (more: SpOptions['more'] = {}, of: Partial<SpOptions> = {}): Sp =>
  new Sp({ entityId: WIKI, acs: ACS, keys, idp, more, ...of })
const crm = (more: SpOptions['more'] = {}): Sp =>
  sp(
    { decryptionPvk: keys.pem, wantAuthnResponseSigned: false, ...more },
    { entityId: CRM, acs: 'https://crm.example/acs' },
  )
const browserOf = (): Browser => new Browser(gateway.origin)

test('a partner learns who somebody is, and the next one without a question', async () => {
  const browser = browserOf()
  const wiki = sp()
  const form = await browser.open(await wiki.start('state<&">'))
  assert.match(form.body, /The Wiki/, 'the login says where it leads')
  const crms = new URL(new URL((await browserOf().open(await crm().start())).url).searchParams.get('goto') ?? '')
  crms.searchParams.set('client', 'wiki')
  const lured = await browserOf().open(`/login/staff?${new URLSearchParams({ goto: crms.href })}`)
  assert.doesNotMatch(lured.body, /The Wiki/, 'and nowhere else, whatever the address says')
  assert.match(lured.body, /crm/)
  const page = await browser.signIn(form, 'alice')
  assert.match(page.headers.get('content-security-policy') ?? '', /form-action 'self' https:\/\/wiki\.example https:/)
  const { profile, relayState, xml } = await wiki.finish(page)
  assert.equal(relayState, 'state<&">')
  const { uid, mail, groups, nameIDFormat } = profile as Readonly<Record<string, unknown>>
  assert.deepEqual([uid, mail, groups], ['alice', 'alice@acme.example', 'staff'])
  assert.equal(nameIDFormat, 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent')
  assert.match(xml, new RegExp(`<saml:AuthnContextClassRef>${PASSWORD}<`))
  assert.match(xml, /SessionNotOnOrAfter="/)

  const other = crm()
  const second = await other.finish(await browser.open(await other.start()))
  const { nameID, cn, dept } = second.profile as Readonly<Record<string, unknown>>
  assert.deepEqual(
    [nameID, second.profile['urn:oid:2.5.4.3'] ?? cn, dept],
    ['alice@acme.example', 'Alice Example', 'staff'],
  )
  assert.match(second.xml, /EncryptedAssertion/)
  assert.doesNotMatch(second.xml, /alice/)

  const third = await wiki.finish(await browser.open(await sp().start()).then((again) => again))
  assert.equal(third.profile.nameID, profile.nameID, 'always the same')
  const bob = await sp().finish(await through(browserOf(), await sp().start(), 'bob'))
  assert.notEqual(bob.profile.nameID, profile.nameID)
  assert.match(gateway.log(), /"event":"SamlAsserted"[^\n]*"partner":"crm"/)
})

test('a request in a form is met as well', async () => {
  const browser = browserOf()
  const wiki = sp({ authnRequestBinding: 'HTTP-POST', skipRequestCompression: true })
  const html = await wiki.saml.getAuthorizeFormAsync('x', undefined)
  const SAMLRequest = /name="SAMLRequest" value="([^"]*)"/.exec(html)?.[1] ?? ''
  const sent = await browser.call(
    '/saml2/staff/sso',
    { SAMLRequest, RelayState: 'x' },
    { origin: 'https://wiki.example', 'sec-fetch-site': 'cross-site' },
  )
  assert.equal(sent.status, 303, 'so that the browser sends our cookie')
  assert.equal((await wiki.finish(await through(browser, sent.location ?? '', 'alice'))).relayState, 'x')
})

test('what a request asks of the login is met, or said', async () => {
  const browser = browserOf()
  const ask = async (more: SpOptions['more'], username?: string) => through(browser, await sp(more).start(), username)
  assert.equal(statusIn(await ask({ passive: true })), 'Responder NoPassive')
  const first = await sp().finish(await ask({}, 'alice'))
  await sp().finish(await ask({ passive: true }))
  const contexts = (
    comparison: 'exact' | 'minimum' | 'maximum' | 'better',
    ...authnContext: string[]
  ): SpOptions['more'] => ({
    ...{ disableRequestedAuthnContext: false, racComparison: comparison, authnContext },
  })
  assert.equal(statusIn(await ask({ ...contexts('exact', MFA), passive: true })), 'Responder NoPassive')
  assert.equal(statusIn(await ask(contexts('exact', 'urn:nobody:knows'))), 'Responder NoAuthnContext')
  assert.equal(statusIn(await ask(contexts('better', MFA))), 'Responder NoAuthnContext')
  const stronger = await sp().finish(await ask(contexts('better', PASSWORD), 'alice'))
  assert.match(stronger.xml, new RegExp(MFA))
  assert.match(
    (await sp().finish(await ask(contexts('exact', PASSWORD)))).xml,
    new RegExp(PASSWORD),
    'as it was asked for',
  )
  assert.match((await sp().finish(await ask(contexts('maximum', PASSWORD)))).xml, new RegExp(PASSWORD))
  assert.match((await sp().finish(await ask(contexts('minimum', PASSWORD)))).xml, new RegExp(MFA))

  const instant = (xml: string): string => /AuthnInstant="([^"]*)"/.exec(xml)?.[1] ?? ''
  const forced = await browser.open(await sp({ forceAuthn: true }).start())
  assert.match(forced.body, /IDToken2/, 'whoever is signed in proves it again')
  const renewed = await sp().finish(await browser.signIn(forced, 'alice'))
  assert.ok(Date.parse(instant(renewed.xml)) > Date.parse(instant(first.xml)))
  assert.equal(statusIn(await ask({ forceAuthn: true, passive: true })), 'Responder NoPassive')
})

test('names are of the format that is asked for, and about whom it is asked', async () => {
  const browser = browserOf()
  const format = 'urn:oasis:names:tc:SAML'
  const ask = (content: string, attributes = ''): Promise<Page> =>
    browser.open(requestUrl({ entityId: WIKI, idp }, { content, attributes }))
  const named = async (content: string) => /<saml:NameID [^>]*>[^<]*/.exec(xmlIn(await ask(content)))?.[0] ?? ''
  const policy = (name: string, more = ''): string => `<samlp:NameIDPolicy Format="${format}:${name}" ${more}/>`
  await through(browser, requestUrl({ entityId: WIKI, idp }, {}), 'carol')
  assert.match(await named(policy('1.1:nameid-format:unspecified')), /persistent/, 'as here it is usual')
  const [one, two] = [
    await named(policy('2.0:nameid-format:transient')),
    await named(policy('2.0:nameid-format:transient')),
  ]
  assert.equal(one, two, 'for as long as the session')
  assert.match(one, /transient/)
  for (const name of ['1.1:nameid-format:X509SubjectName', '1.1:nameid-format:emailAddress'])
    assert.equal(statusIn(await ask(policy(name))), 'Requester InvalidNameIDPolicy', name)
  const subject = (name: string): string => `<saml:Subject><saml:NameID>${name}</saml:NameID></saml:Subject>`
  assert.equal(statusIn(await ask(subject('carol'))), 'Success')
  assert.equal(statusIn(await ask(subject('bob'), 'IsPassive="true"')), 'Responder NoPassive')
  const login = await ask(subject('bob'))
  assert.match(login.body, /IDToken2/)
  assert.equal(statusIn(await browser.signIn(login, 'carol')), 'Responder UnknownPrincipal')
  assert.equal(statusIn(await browser.signIn(await ask(subject('bob')), 'bob')), 'Success')
})

test('an answer goes to addresses of the metadata alone, and once', async () => {
  const browser = browserOf()
  await sp().finish(await through(browser, await sp().start(), 'alice'))
  for (const acs of ['https://evil.example/acs', `${ACS}.evil.example/`, `${ACS}/`, 'javascript:alert(1)']) {
    const page = await browser.open(await sp({}, { acs }).start())
    assert.deepEqual([page.status, formOf(page).action], [400, ''], acs)
  }
  await sp({}, { acs: `${ACS}/2` }).finish(await browser.open(await sp({}, { acs: `${ACS}/2` }).start()))

  const url = await sp().start()
  const onward = (await browser.call(url)).location ?? ''
  await sp().finish(await browser.open(onward))
  assert.equal((await browser.open(onward)).status, 400)
  assert.equal((await browser.open(url)).status, 400, 'nor the request again')
})

test('a partner that signs its requests has to, with its own key', async () => {
  const unsigned = await browserOf().open(await crm({ privateKey: undefined as never }).start())
  assert.deepEqual([unsigned.status, formOf(unsigned).action], [400, ''])
  const stranger = await browserOf().open(
    await sp(
      { decryptionPvk: keys.pem },
      { entityId: CRM, acs: 'https://crm.example/acs', keys: partnerKeys() },
    ).start(),
  )
  assert.equal(stranger.status, 400)
  const unknown = await browserOf().open(await sp({}, { entityId: 'https://nobody.example' }).start())
  assert.equal(unknown.status, 400)
  assert.match(gateway.log(), /"event":"SamlRefused"[^\n]*"partner":"crm"[^\n]*saml-unsigned/)
  const old = await browserOf().open(requestUrl({ entityId: 'https://old.example', idp }, {}))
  assert.equal(old.status, 400)
  assert.match(gateway.log(), /"event":"SamlRefused"[^\n]*"partner":"old"[^\n]*its metadata is over/)
})

test('a link signs people in where the partner allows it, with a RelayState that is known', async () => {
  const browser = browserOf()
  const init = (entityId: string, more = ''): string =>
    `/idpssoinit?metaAlias=/staff/idp&spEntityID=${encodeURIComponent(entityId)}${more}`
  const answered = await crm().finish(await through(browser, init(CRM, '&RelayState=/start'), 'alice'))
  assert.equal(answered.relayState, '/start')
  assert.doesNotMatch(answered.xml, /InResponseTo/)
  assert.equal((await browser.open(init(CRM, '&RelayState=//evil.example'))).status, 400)
  assert.equal((await browser.open(init(WIKI))).status, 400, 'off by default')
})

test('metadata and requests are at the addresses of OpenAM too', async () => {
  const browser = browserOf()
  const alias = `${gateway.origin}/openam/SSORedirect/metaAlias/staff/idp`
  await sp().finish(await through(browser, await sp({ entryPoint: alias }).start(), 'alice'))
  assert.equal(
    (await browser.call((await sp({ entryPoint: alias }).start()).replace('/staff/idp', '/idp'))).status,
    404,
  )
  const ask = (realm: string, id = idp.entityId) =>
    browser.call(`/openam/saml2/jsp/exportmetadata.jsp?entityid=${encodeURIComponent(id)}&realm=${realm}&role=idp`)
  assert.match((await ask('/staff')).body, /IDPSSODescriptor/)
  assert.deepEqual([(await ask('/')).status, (await ask('/staff', 'https://other.example')).status], [404, 404])
})
