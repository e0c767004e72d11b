import assert from 'node:assert/strict'
import { randomUUID, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { inflateRawSync } from 'node:zlib'
import { Browser, startGateway, type Gateway, type Page } from '../oidc-op/provider.fixture.ts'
import { formOf, partnerKeys, Sp, spMetadata, through, type SpOptions } from '../saml-idp/sp.fixture.ts'
import { encryptedFor } from '../saml/encrypted.fixture.ts'
import { idpMetadata, responseXml, SAID, said, signedAssertion } from '../saml/partner.fixture.ts'
import { signElement } from '../saml/sign.ts'
import { readDocument } from '../saml/document.ts'
import {
  carried,
  enveloped,
  isLogoutSuccess,
  writeLogoutRequest,
  writeLogoutResponse,
  type Named,
  type Sent,
} from './messages.ts'

/* Single logout of a whole gateway with node-saml as its partners: one by addresses, one by forms, one by SOAP, one not at all. */

const keys = partnerKeys()
const stranger = partnerKeys()
const signerOf = ({ privateKey: key, certificate }: typeof keys) => ({ key, certificate })
const idOf = (name: string): string => `https://${name}.example/saml`
const acsOf = (name: string): string => `https://${name}.example/acs`
const sloOf = (name: string): string => `https://${name}.example/slo`

/** The server of a partner, and of a provider, that are told by SOAP. */
const heard: string[] = []
let soapAnswers = true
const soap = createServer((request, response) => {
  void text(request).then((body) => {
    heard.push(body)
    const inResponseTo = /ID="([^"]*)"/.exec(body)?.[1] ?? ''
    const issuer = request.url === '/corp' ? SAID.idp : idOf('soap')
    const sent = { id: '_soap', now: Date.now(), destination: undefined, issuer }
    const answer = enveloped(writeLogoutResponse(sent, inResponseTo, 'success'), '_soap', signerOf(keys))
    if (soapAnswers) response.writeHead(200, { 'content-type': 'text/xml' }).end(answer)
    else response.writeHead(500).end()
    soap.emit('told')
  })
})

let gateway: Gateway
let idp: SpOptions['idp']
let slo: string

before(async () => {
  await once(soap.listen(0, '127.0.0.1'), 'listening')
  const { port } = soap.address() as AddressInfo
  const names = ['wiki', 'forms', 'soap', 'mute']
  const at = {
    wiki: [['HTTP-Redirect', sloOf('wiki')]],
    forms: [['HTTP-POST', sloOf('forms')]],
    soap: [['SOAP', `http://127.0.0.1:${port}/slo`]],
    mute: [],
  } as const
  gateway = await startGateway(
    `saml:\n  serviceProviders:\n${names.map((id) => `    - { id: ${id}, entityId: "${idOf(id)}", metadata: "\${file:${id}.xml}", nameId: { format: unspecified } }\n`).join('')}`,
    () =>
      Object.fromEntries(
        Object.entries(at).map(([name, logout]) => [
          `${name}.xml`,
          spMetadata({ entityId: idOf(name), keys, consumers: [acsOf(name)], logout }),
        ]),
      ),
  )
  const { body } = await new Browser(gateway.origin).call('/saml2/staff/metadata')
  slo = `${gateway.origin}/saml2/staff/slo`
  for (const binding of ['HTTP-Redirect', 'HTTP-POST', 'SOAP'])
    assert.match(
      body,
      new RegExp(`SingleLogoutService Binding="[^"]*:${binding}" Location="${slo}"`),
      'metadata says where',
    )
  const certificate = /<ds:X509Certificate>([^<]*)/.exec(body.split('KeyDescriptor')[1] ?? '')?.[1] ?? ''
  idp = { entityId: `${gateway.origin}/saml2/staff/metadata`, signOn: `${gateway.origin}/saml2/staff/sso`, certificate }
})
after(async () => {
  soap.close()
  await gateway.close()
})

const sp = (name: string): Sp =>
  new Sp({
    ...{ entityId: idOf(name), acs: acsOf(name), keys, idp },
    more: { logoutUrl: slo, logoutCallbackUrl: sloOf(name) },
  })

/** A browser in which somebody is signed in at these partners, and as whom each knows them. */
async function signedIn(who: string, ...names: readonly string[]) {
  const browser = new Browser(gateway.origin)
  const profiles = []
  for (const name of names) {
    const partner = sp(name)
    profiles.push((await partner.finish(await through(browser, await partner.start(), who))).profile)
  }
  return { browser, profiles }
}

const isIn = async (browser: Browser): Promise<boolean> => (await browser.call('/logout')).status === 200
const refreshOf = (page: Page): string => (page.headers.get('refresh') ?? '').replace(/^0; url=/, '')
const rowsOf = ({ body }: Page): readonly string[] =>
  [...body.matchAll(/class="who">([^<]*)<[^]*?class="what">([^<]*)</g)].map(
    ([, who = '', what = '']) => `${who}: ${what}`,
  )
const xmlIn = (url: string): string =>
  inflateRawSync(
    Buffer.from([...new URL(url).searchParams].find(([name]) => /^SAML/.test(name))?.[1] ?? '', 'base64'),
  ).toString()
const containerOf = (url: string): Record<string, string> => Object.fromEntries(new URL(url).searchParams)
const refusals = (): readonly string[] =>
  [...gateway.log().matchAll(/"event":"SamlRefused"[^\n]*?"reason":"([^":]*)/g)].map(([, reason = '']) => reason)

/** What a partner is asked by the browser, and its answer by the same way. */
async function told(name: string, page: Page): Promise<string> {
  const partner = sp(name)
  if (name === 'forms') {
    const { action, fields } = formOf(page)
    assert.equal(action, sloOf(name))
    const { profile } = await partner.saml.validatePostRequestAsync({ SAMLRequest: fields['SAMLRequest'] ?? '' })
    return partner.saml.getLogoutResponseUrlAsync(profile, '', {}, true)
  }
  const url = refreshOf(page)
  assert.ok(url.startsWith(`${sloOf(name)}?SAMLRequest=`), page.body)
  const { profile } = await partner.saml.validateRedirectAsync(containerOf(url), new URL(url).search.slice(1))
  return partner.saml.getLogoutResponseUrlAsync(profile ?? assert.fail(), '', {}, true)
}

/** The outbox tries again what has failed. */
async function tellsAgain(): Promise<void> {
  const next = once(soap, 'told')
  gateway.passSeconds(31)
  await next
}

test('a partner signs somebody out: the session is over, all others are told, and it gets its answer', async () => {
  const { browser, profiles } = await signedIn('alice', 'wiki', 'forms', 'soap')
  const begun = await sp('wiki').saml.getLogoutUrlAsync(profiles[0] ?? assert.fail(), 'https://evil.example/', {})
  const ended = once(soap, 'told')
  const first = await browser.open(begun)
  assert.equal(new URL(first.url).pathname, '/leaving')
  assert.equal(await isIn(browser), false)
  const back = await browser.open(await told('forms', first))
  const answer = refreshOf(back)
  assert.ok(answer.startsWith(`${sloOf('wiki')}?SAMLResponse=`), back.body)
  assert.equal(
    containerOf(answer)['RelayState'],
    'https://evil.example/',
    'the partner gets it back, and nobody goes there',
  )
  const { loggedOut } = await sp('wiki').saml.validateRedirectAsync(
    containerOf(answer),
    new URL(answer).search.slice(1),
  )
  assert.equal(loggedOut, true)
  assert.match(xmlIn(answer), /StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"\/>/)
  await ended
  assert.match(heard.at(-1) ?? '', /soap:Body><samlp:LogoutRequest[^]*<ds:Signature[^]*>alice<\/saml:NameID>/)
  assert.match(heard.at(-1) ?? '', new RegExp(`SessionIndex>${String(profiles[2]?.['sessionIndex'])}<`))
})

test('a logout here goes to each partner; who says no and who cannot be told is named', async () => {
  const { browser } = await signedIn('bob', 'wiki', 'forms', 'mute')
  const first = await browser.submit(await browser.open('/logout'), {})
  assert.deepEqual(rowsOf(first), ['wiki: Signing out…', 'forms: Next', 'mute: Cannot be told'])
  const second = await browser.open(await told('wiki', first))
  const request = formOf(second).fields['SAMLRequest'] ?? ''
  const { profile } = await sp('forms').saml.validatePostRequestAsync({ SAMLRequest: request })
  const no = await sp('forms').saml.getLogoutResponseUrlAsync(profile, '', {}, false)
  assert.deepEqual(rowsOf(await browser.open(no)), ['wiki: Signed out', 'forms: Not confirmed', 'mute: Cannot be told'])
})

test('who is told by SOAP is waited for on the page, and ends sessions by SOAP; unsigned it ends none', async () => {
  soapAnswers = false
  const { browser, profiles } = await signedIn('carol', 'soap', 'wiki')
  const before = heard.length
  await browser.submit(await browser.open('/logout'), {})
  while (heard.length === before) await once(soap, 'told')
  const again = await browser.open('/leaving')
  assert.ok(rowsOf(again).some((row) => row === 'soap: Being told'))
  soapAnswers = true
  await tellsAgain()
  assert.equal(heard.at(-1)?.includes(String(profiles[0]?.['sessionIndex'])), true)

  const other = await signedIn('carol', 'soap', 'mute')
  const [index, name] = [other.profiles[0]?.['sessionIndex'], profiles[0]?.nameID ?? '']
  const sent = { id: '_asks', now: Date.now(), destination: slo, issuer: idOf('soap') }
  const xml = writeLogoutRequest(sent, { nameId: { value: name }, sessionIndex: String(index) })
  const ask = (envelope: string): Promise<Response> =>
    fetch(slo, { method: 'POST', headers: { 'content-type': 'text/xml' }, body: envelope })
  const unsigned = enveloped(xml, '_asks', signerOf(keys)).replace(/<ds:Signature[^]*<\/ds:Signature>/, '')
  assert.equal((await ask(unsigned)).status, 400)
  assert.equal(await isIn(other.browser), true)
  const answer = await ask(enveloped(xml, '_asks', signerOf(keys)))
  assert.equal(answer.status, 200)
  assert.match(await answer.text(), /LogoutResponse[^]*InResponseTo="_asks"[^]*<ds:Signature[^]*PartialLogout/)
  assert.equal(await isIn(other.browser), false)
})

test('what is forged, late, misdirected, used or about somebody else ends nothing', async () => {
  const { browser, profiles } = await signedIn('alice', 'wiki', 'forms')
  const [wikis, forms] = profiles
  assert.ok(wikis && forms)
  const named = { nameId: { value: wikis.nameID }, sessionIndex: wikis['sessionIndex'] as string }
  let ids = 0
  const request = (more: Partial<Sent> = {}, whom: Named = named, change = (xml: string) => xml): string => {
    const sent = { id: `_r${++ids}`, now: Date.now(), destination: slo, issuer: idOf('wiki'), ...more }
    return change(writeLogoutRequest(sent, whom))
  }
  const url = (xml: string, signer = signerOf(keys)): string => {
    const going = { field: 'SAMLRequest', id: '', relayState: undefined, signer } as const
    const made = carried(xml, { binding: 'redirect', location: slo }, going)
    return made.url
  }
  const past = new Date(Date.now() - 120_000).toISOString()
  const unsigned = url(request()).replace(/&SigAlg=.*/, '')
  const other = { nameId: named.nameId, sessionIndex: '_other' }
  const cases: readonly (readonly [why: string, url: string, reason: string | undefined])[] = [
    ['unsigned', unsigned, 'saml-unsigned'],
    ['by a key of nobody', url(request(), signerOf(stranger)), 'saml-signature'],
    ['of nobody', url(request({ issuer: 'https://nobody.example' })), 'saml-issuer'],
    [
      'expired',
      url(request({}, named, (xml) => xml.replace(/NotOnOrAfter="[^"]*"/, `NotOnOrAfter="${past}"`))),
      'saml-time',
    ],
    ['old', url(request({ now: Date.now() - 3_600_000 })), 'saml-time'],
    ['for somebody else', url(request({ destination: 'https://other.example/slo' })), 'saml-destination'],
    ['for the sign-on', url(request({ destination: idp.signOn })), 'saml-destination'],
    [
      'with two names',
      url(request({}, named, (xml) => xml.replace(/(<saml:NameID.*<\/saml:NameID>)/, '$1$1'))),
      'saml-shape',
    ],
    ['with nobody', url(request({}, named, (xml) => xml.replace(/<saml:NameID.*<\/saml:NameID>/, ''))), 'saml-subject'],
    ['another partner’s session', url(request({ issuer: idOf('forms') })), undefined],
    ['another session', url(request({}, other)), undefined],
    ['somebody who is not there', url(request({}, { ...named, nameId: { value: 'nobody' } })), undefined],
  ]
  for (const [why, target, reason] of cases) {
    const before = refusals().length
    const page = await new Browser(gateway.origin).open(target)
    assert.equal(await isIn(browser), true, why)
    assert.deepEqual(
      refusals().slice(before),
      reason === undefined ? [] : [reason],
      `${why}: ${page.body.slice(0, 300)}`,
    )
    assert.equal(page.status === 400, reason !== undefined, why)
  }
  // A captured assertion of the same person’s in a request of nobody’s making.
  const assertion = `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a" Version="2.0" IssueInstant="${new Date().toISOString()}"><saml:Issuer>${idOf('wiki')}</saml:Issuer></saml:Assertion>`
  const wrapped = request({}, named, (xml) =>
    xml.replace('</samlp:LogoutRequest>', `${signElement(assertion, '_a', signerOf(keys))}</samlp:LogoutRequest>`),
  )
  const form = { SAMLRequest: Buffer.from(wrapped).toString('base64') }
  assert.equal((await new Browser(gateway.origin).call(slo, form)).status, 400)

  const answered = { id: '_un', now: Date.now(), destination: slo, issuer: idOf('wiki') }
  const unasked = carried(
    writeLogoutResponse(answered, '_nobody-asked', 'success'),
    { binding: 'redirect', location: slo },
    { field: 'SAMLResponse', id: '', relayState: 'https://evil.example/', signer: signerOf(keys) },
  )
  const page = await browser.call(unasked.url)
  assert.deepEqual([page.status, page.location], [303, '/leaving'])
  assert.equal((await browser.call(unasked.url)).status, 400, 'an answer counts once')
  assert.equal(await isIn(browser), true)

  const good = url(request())
  await new Browser(gateway.origin).open(good)
  assert.equal(await isIn(browser), false, 'a signed request needs no browser of the person’s')
  const anew = await signedIn('alice', 'wiki')
  assert.equal((await new Browser(gateway.origin).open(good)).status, 400, 'a request counts once')
  assert.equal(await isIn(anew.browser), true)
  const whole = { nameId: named.nameId, sessionIndex: undefined }
  const second = await signedIn('alice', 'wiki')
  await new Browser(gateway.origin).open(url(request({}, whole)))
  assert.deepEqual(
    [await isIn(anew.browser), await isIn(second.browser)],
    [false, false],
    'all of that name without an index',
  )
})

test('yes is a success and nothing beside it', () => {
  const status = 'urn:oasis:names:tc:SAML:2.0:status:'
  const cases: readonly (readonly [code: string, inner: string | undefined, isDone: boolean])[] = [
    ['Success', undefined, true],
    ['Success', 'PartialLogout', false],
    ['Responder', undefined, false],
    ['Requester', 'Success', false],
  ]
  for (const [code, inner, isDone] of cases) {
    const more = inner === undefined ? '' : `<p:StatusCode Value="${status}${inner}"/>`
    const xml = `<p:LogoutResponse xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"><p:Status><p:StatusCode Value="${status}${code}">${more}</p:StatusCode></p:Status></p:LogoutResponse>`
    assert.equal(isLogoutSuccess(readDocument(xml)), isDone, `${code} ${inner}`)
  }
})

test('an answer of one partner is none of another, and the addresses that OpenAM has lead here', async () => {
  const { browser } = await signedIn('bob', 'wiki', 'forms')
  const first = await browser.submit(await browser.open('/logout'), {})
  const asked = /ID="([^"]*)"/.exec(xmlIn(refreshOf(first)))?.[1] ?? ''
  const at = `${gateway.origin}/openam/IDPSloRedirect/metaAlias/staff/idp`
  const answer = (issuer: string, id: string): string => {
    const sent = { id, now: Date.now(), destination: at, issuer: idOf(issuer) }
    const going = { field: 'SAMLResponse', id, relayState: undefined, signer: signerOf(keys) } as const
    return carried(writeLogoutResponse(sent, asked, 'success'), { binding: 'redirect', location: at }, going).url
  }
  assert.match((await browser.open(answer('forms', '_x'))).body, /wiki has not answered/)
  for (const path of ['/IDPSloInit', '/openam/saml2/jsp/spSingleLogoutInit.jsp']) {
    const init = await browser.call(
      `${path}?metaAlias=/staff/idp&binding=x&RelayState=${encodeURIComponent('https://evil.example/')}`,
    )
    assert.deepEqual(
      [init.status, init.location],
      [302, '/logout?realm=%2Fstaff&goto=https%3A%2F%2Fevil.example%2F'],
      'asks',
    )
  }
  assert.deepEqual(rowsOf(await browser.open(answer('wiki', '_y'))), ['wiki: Signed out', 'forms: Signing out…'])
})

test('a provider that people come from signs them out, and is told last where they sign out here', async () => {
  const corp = signerOf(keys)
  const at = 'https://idp.example/slo'
  const soapAt = `http://127.0.0.1:${(soap.address() as AddressInfo).port}/corp`
  const binding = 'urn:oasis:names:tc:SAML:2.0:bindings'
  const metadata = idpMetadata(corp).replace(
    '<md:SingleSignOnService',
    `<md:SingleLogoutService Binding="${binding}:HTTP-Redirect" Location="${at}"/><md:SingleLogoutService Binding="${binding}:SOAP" Location="${soapAt}"/><md:SingleSignOnService`,
  )
  const provider = {
    ...{ type: 'saml', title: 'Corp', entityId: SAID.idp, metadata, unsolicited: true },
    link: { claim: 'sub', is: 'username' },
  }
  const modules = { corp: { type: 'saml', provider: 'corp' } }
  const chains = { default: [{ module: 'corp', criteria: 'REQUISITE' }] }
  await gateway.write(
    'realms/staff/realm.yaml',
    JSON.stringify({ identityProviders: { corp: provider }, authentication: { modules, chains } }),
  )
  const acs = `${gateway.origin}/saml2/staff/acs`
  const arrive = async (sessionIndex: string): Promise<Browser> => {
    const browser = new Browser(gateway.origin)
    const all = said({ sp: idp.entityId, acs, inResponseTo: undefined, sessionIndex })
    const xml = responseXml(signedAssertion(corp, all), all)
    await browser.open(acs, { SAMLResponse: Buffer.from(xml).toString('base64') })
    assert.equal(await isIn(browser), true)
    return browser
  }
  const [one, two] = [await arrive('_1'), await arrive('_2')]
  const begun = await sp('wiki').finish(await through(two, await sp('wiki').start()))
  assert.equal(begun.profile.nameID, 'alice')
  const ask = (sessionIndex: string, signer = corp, change = (xml: string): string => xml): string => {
    const sent = { id: `_corp${randomUUID()}`, now: Date.now(), destination: slo, issuer: SAID.idp }
    const xml = writeLogoutRequest(sent, { nameId: { value: 'alice' }, sessionIndex })
    const going = { field: 'SAMLRequest', id: sent.id, relayState: 'r', signer } as const
    return carried(change(xml), { binding: 'redirect', location: slo }, going).url
  }
  assert.equal((await new Browser(gateway.origin).open(ask('_1', signerOf(stranger)))).status, 400)
  const answer = await new Browser(gateway.origin).open(ask('_1'))
  assert.ok(answer.location?.startsWith(`${at}?SAMLResponse=`), answer.body)
  assert.deepEqual([await isIn(one), await isIn(two)], [false, true], 'the session that it names, and no other')

  const first = await two.submit(await two.open('/logout'), {})
  assert.deepEqual(rowsOf(first), ['wiki: Signing out…', 'Corp: Next'])
  const last = await two.open(await told('wiki', first))
  const request = xmlIn(refreshOf(last))
  assert.ok(refreshOf(last).startsWith(`${at}?SAMLRequest=`))
  assert.match(request, />alice<\/saml:NameID><samlp:SessionIndex>_2<\/samlp:SessionIndex>/)

  // What ends by nobody's browser is told by SOAP, until it is heard; not while the person is here by the same session of the provider.
  const end = (sid: string): Promise<unknown> => gateway.withStore(({ sessions }) => sessions.end(sid, 'admin'))
  const sids: string[] = []
  for (const sessionIndex of ['_3', '_4', '_4']) {
    await arrive(sessionIndex)
    sids.push(/.*"event":"SessionCreated"[^\n]*?"sid":"([^"]*)"/s.exec(gateway.log())?.[1] ?? '')
  }
  const toldOf = (sessionIndex: string): number =>
    heard.filter((body) => body.includes(`Destination="${soapAt}"`) && body.includes(`>${sessionIndex}</samlp:Sess`))
      .length
  const [third = '', fourth = '', again = ''] = sids
  soapAnswers = false
  const inVain = once(soap, 'told')
  await end(fourth)
  await end(third)
  await inVain
  soapAnswers = true
  await tellsAgain()
  assert.deepEqual(
    ['_1', '_2', '_3', '_4'].map(toldOf),
    [0, 0, 2, 0],
    'nor where the provider, or the browser, ends it',
  )
  const heardLast = once(soap, 'told')
  await end(again)
  await heardLast
  assert.deepEqual([toldOf('_3'), toldOf('_4')], [2, 1])
  assert.match(heard.at(-1) ?? '', /soap:Body><samlp:LogoutRequest[^]*<ds:Signature[^]*>alice<\/saml:NameID>/)

  const { body } = await new Browser(gateway.origin).call('/saml2/staff/metadata')
  const certificate = /use="encryption"[^]*?<ds:X509Certificate>([^<]*)/.exec(body)?.[1] ?? ''
  const { publicKey } = new X509Certificate(Buffer.from(certificate, 'base64'))
  const hidden = (name: string) => (xml: string) =>
    xml.replace(/<saml:NameID.*<\/saml:NameID>/, encryptedFor(publicKey, name, { wrap: 'EncryptedID' }))
  const alice = '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">alice</saml:NameID>'
  const five = await arrive('_5')
  for (const name of [alice.replace('alice', 'bob'), alice.replaceAll('NameID', 'Name')])
    await new Browser(gateway.origin).open(ask('_5', corp, hidden(name)))
  assert.equal(await isIn(five), true)
  assert.ok((await new Browser(gateway.origin).open(ask('_5', corp, hidden(alice)))).location?.startsWith(at))
  assert.equal(await isIn(five), false, 'an encrypted name is as good')
})
