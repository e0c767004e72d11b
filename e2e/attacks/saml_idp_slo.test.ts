import assert from 'node:assert/strict'
import { randomUUID, X509Certificate } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { isEndpointAddress } from '../../src/federation/saml/metadata-endpoints.ts'
import { readIdentityProvider, readServiceProvider } from '../../src/federation/saml/metadata.ts'
import { newSigner, type Signer } from '../../src/federation/saml/partner.fixture.ts'
import { readPartnerKey } from '../../src/federation/saml/partner-keys.ts'
import { signElement, signQuery } from '../../src/federation/saml/sign.ts'
import { formOf, spMetadata, statusIn, xmlIn } from '../../src/federation/saml-idp/sp.fixture.ts'
import type { Browser, Page } from './browser.ts'
import { leadsNowhereElse, noServerError } from './oracles.ts'
import { ORIGINS, PASSWORDS, STEP_UP, type User } from './rig-config.ts'
import type { Rig } from './rig.ts'
import { logoutVectors, sloOf } from './slo-vectors.ts'
import { runVectors, type Runner, type Vector } from './suite.ts'

/* The identity provider and metadata. */

const SSO = `${ORIGINS.login}/saml2/employees/sso`
const [mine, next, theirs] = [newSigner(), newSigner(), newSigner()]
const IDS = {
  plain: 'https://plain.example/saml',
  strict: 'https://strict.example/saml',
  theirs: 'https://theirs.example/saml',
} as const
type Name = keyof typeof IDS
const acsOf = (name: Name): string => `https://${name}.example/acs`
const MFA = 'https://refeds.org/profile/mfa'
const BASE = 'urn:oasis:names:tc:SAML'

const metadata = (name: Name, ...keys: readonly Signer[]): string => {
  const xml = spMetadata({
    entityId: IDS[name],
    keys: keys[0] ?? mine,
    consumers: [acsOf(name)],
    isSigning: name !== 'plain',
    logout: [['HTTP-Redirect', sloOf(name)]],
  })
  const descriptor = /<md:KeyDescriptor>.*?<\/md:KeyDescriptor>/.exec(xml)?.[0] ?? ''
  return xml.replace(
    descriptor,
    keys.map(({ certificate }) => descriptor.replace(keys[0]?.certificate ?? '', certificate)).join(''),
  )
}

const CLIENTS = JSON.stringify({
  acr: [{ name: MFA, level: 2 }],
  saml: {
    serviceProviders: [
      { id: 'plain', entityId: IDS.plain, metadata: metadata('plain', mine) },
      { id: 'strict', entityId: IDS.strict, metadata: metadata('strict', mine, next) },
      { id: 'theirs', entityId: IDS.theirs, metadata: metadata('theirs', theirs) },
    ],
  },
})

interface Wanted {
  readonly name?: Name
  /** More attributes of the request. */
  readonly attributes?: string
  readonly content?: string
  readonly id?: string
  readonly issuer?: string
}

function requestXml({
  name = 'plain',
  attributes = '',
  content = '',
  id = `_${randomUUID()}`,
  issuer = IDS[name],
}: Wanted): string {
  return (
    `<samlp:AuthnRequest xmlns:samlp="${BASE}:2.0:protocol" xmlns:saml="${BASE}:2.0:assertion" ID="${id}" Version="2.0" ` +
    `IssueInstant="${new Date().toISOString()}" Destination="${SSO}" ${attributes}><saml:Issuer>${issuer}</saml:Issuer>${content}</samlp:AuthnRequest>`
  )
}

const packed = (xml: string): string => encodeURIComponent(deflateRawSync(xml).toString('base64'))
const queryOf = (wanted: Wanted, more = ''): string => `SAMLRequest=${packed(requestXml(wanted))}${more}`

/** One request of a browser that comes from the partner. */
async function ask(rig: Rig, browser: Browser, url: string, form?: Readonly<Record<string, string>>): Promise<Page> {
  rig.tally.sent++
  const headers = { origin: form === undefined ? undefined : 'https://plain.example', 'sec-fetch-site': 'cross-site' }
  const page = await browser.call(url, { ...(form === undefined ? {} : { form }), headers })
  noServerError(rig, page, url)
  return page
}

/** Where a request ends: at a page of ours, the login or an answer. */
async function end(rig: Rig, browser: Browser, first: Page): Promise<Page> {
  let page = first
  for (let hops = 0; hops < 8 && page.location !== undefined; hops++) {
    const to = new URL(page.location, page.url)
    assert.equal(to.origin, ORIGINS.login, 'nobody is redirected to a partner')
    page = await ask(rig, browser, to.href)
  }
  return page
}

const send = async (rig: Rig, browser: Browser, query: string): Promise<Page> =>
  end(rig, browser, await ask(rig, browser, `${SSO}?${query}`))

/** A page that says no, and sends nothing anywhere. */
function refused(rig: Rig, page: Page, about: string): void {
  rig.tally.checks++
  assert.equal(page.status, 400, `${about}: ${page.status} ${page.url}`)
  assert.doesNotMatch(page.body, /data-relay|SAMLResponse/, about)
  leadsNowhereElse(rig, page, page.url, about)
}

/** Nobody is signed in here: a request that counts ends at the login. */
function accepted(rig: Rig, page: Page, about: string): void {
  rig.tally.checks++
  assert.deepEqual([page.status, new URL(page.url).pathname], [200, '/login/employees'], about)
}

async function answered(rig: Rig, browser: Browser, wanted: Wanted, status = 'Success'): Promise<string> {
  const page = await send(rig, browser, queryOf(wanted))
  rig.tally.checks++
  assert.equal(statusIn(page), status, page.body)
  assert.equal(formOf(page).action, acsOf(wanted.name ?? 'plain'))
  return xmlIn(page)
}

const employee = async (rig: Rig, user: User = 'alice'): Promise<Browser> => (await rig.signIn(user)).client

const nameIn = (xml: string): string => /<saml:NameID[^>]*>([^<]*)/.exec(xml)?.[1] ?? ''

/** Requests that go nowhere, whoever is signed in. */
function toNowhere(...attributes: readonly string[]): Runner<Vector> {
  return async (rig) => {
    const browser = await employee(rig)
    for (const each of attributes) refused(rig, await send(rig, browser, queryOf({ attributes: each })), each)
  }
}

const acsUrl = (url: string): string => `AssertionConsumerServiceURL="${url}"`

const logouts = logoutVectors({
  ...{ ids: IDS, mine, theirs },
  async signedIn(rig, name, known) {
    const browser = known ?? (await employee(rig))
    const query = name === 'plain' ? queryOf({ name }) : signQuery(queryOf({ name }), theirs)
    return { browser, xml: xmlIn(await send(rig, browser, query)) }
  },
})

const only: Readonly<Record<string, Runner<Vector>>> = {
  ...logouts,
  'acs-url-foreign': toNowhere(acsUrl('https://evil.example/acs'), acsUrl(acsOf('theirs'))),
  'acs-prefix': toNowhere(
    ...[
      `${acsOf('plain')}.evil.tld/`,
      `${acsOf('plain')}/x`,
      'https://plain.example.evil.tld/acs',
      'https://PLAIN.example/acs',
      `${acsOf('plain')}?x`,
    ].map(acsUrl),
  ),
  'acs-js': toNowhere(...['javascript:alert(1)', 'data:text/html,x', '//evil.example/acs', ''].map(acsUrl)),
  'acs-index-bad': toNowhere(
    ...[
      'AssertionConsumerServiceIndex="7"',
      'AssertionConsumerServiceIndex="-1"',
      'AssertionConsumerServiceIndex="0x0"',
    ],
    `AssertionConsumerServiceIndex="0" ${acsUrl(acsOf('plain'))}`,
    `ProtocolBinding="${BASE}:2.0:bindings:HTTP-Artifact"`,
    `ProtocolBinding="${BASE}:2.0:bindings:SOAP"`,
  ),
  async 'req-unsigned'(rig) {
    const browser = await employee(rig)
    refused(rig, await send(rig, browser, queryOf({ name: 'strict' })), 'in an address')
    const SAMLRequest = Buffer.from(requestXml({ name: 'strict' })).toString('base64')
    refused(rig, await end(rig, browser, await ask(rig, browser, SSO, { SAMLRequest })), 'in a form')
  },
  async 'req-sig-other'(rig) {
    const browser = rig.browser()
    const signed = (signer: Signer, wanted: Wanted, more = ''): string => signQuery(queryOf(wanted, more), signer)
    accepted(rig, await send(rig, browser, signed(mine, { name: 'strict' })), 'its own')
    refused(rig, await send(rig, browser, signed(theirs, { name: 'strict' })), 'another partner')
    refused(rig, await send(rig, browser, signed(theirs, { name: 'plain' })), 'where none has to be')
    const one = signed(mine, { name: 'strict' })
    const other = queryOf({ name: 'strict', attributes: 'ForceAuthn="true"' })
    refused(rig, await send(rig, browser, one.replace(/^SAMLRequest=[^&]*/, other)), 'of another request')
    // Signature wrapping in a form: a request that was signed once, inside another.
    const post = async (xml: string): Promise<Page> =>
      end(rig, browser, await ask(rig, browser, SSO, { SAMLRequest: Buffer.from(xml).toString('base64') }))
    const id = '_signed'
    const good = signElement(requestXml({ name: 'strict', id }), id, mine)
    const signature = /<ds:Signature.*<\/ds:Signature>/s.exec(good)?.[0] ?? ''
    const bare = good.replace(signature, '')
    const evil = (content: string): string =>
      requestXml({ name: 'strict', attributes: acsUrl('https://evil.example/'), content })
    for (const xml of [
      evil(`${signature}<samlp:Extensions>${bare}</samlp:Extensions>`),
      evil(`<samlp:Extensions>${good}</samlp:Extensions>`),
      good.replace('Destination=', `${acsUrl(acsOf('strict'))} Destination=`),
      good.replaceAll(id, '_other'),
    ])
      refused(rig, await post(xml), xml)
    accepted(rig, await post(good), 'the request itself')
  },
  async 'redirect-sig'(rig) {
    const browser = rig.browser()
    const xml = requestXml({ name: 'strict' })
    const base = `SAMLRequest=${packed(xml)}`
    const signed = signQuery(`${base}&RelayState=a%2Fb`, mine)
    const [message = '', relay = '', algorithm = '', signature = ''] = signed.split('&')
    const tampered: Readonly<Record<string, string>> = {
      'duplicate SAMLRequest': `${signed}&${queryOf({ name: 'strict' })}`,
      'duplicate first': `${queryOf({ name: 'strict' })}&${signed}`,
      'another spelling of the name': `${signed}&SAML%52equest=${packed(requestXml({ name: 'strict' }))}`,
      'SAMLEncoding added': `${signed}&SAMLEncoding=urn:x`,
      'both messages': `${signed}&SAMLResponse=${packed(xml)}`,
      'lower-case': signed.replaceAll(/%[0-9A-F]{2}/g, (octet) => octet.toLowerCase()),
      'SigAlg changed': signed.replace('sha256', 'sha512'),
      'SigAlg of SHA-1': signed.replace(
        algorithm,
        `SigAlg=${encodeURIComponent('http://www.w3.org/2000/09/xmldsig#rsa-sha1')}`,
      ),
      'RelayState removed': [message, algorithm, signature].join('&'),
      'RelayState changed': signed.replace('a%2Fb', 'a%2Fc'),
      'RelayState added': signQuery(base, mine).replace('&SigAlg', '&RelayState=x&SigAlg'),
      'RelayState twice': `${signed}&RelayState=x`,
      'Signature over other octets': signed.replace(message, queryOf({ name: 'strict' })),
      'no signature': [message, relay, algorithm].join('&'),
      'no algorithm': [message, relay, signature].join('&'),
    }
    for (const [about, query] of Object.entries(tampered)) refused(rig, await send(rig, browser, query), about)
    const value = (part: string): string => decodeURIComponent(part.slice(part.indexOf('=') + 1))
    const simple = {
      SAMLRequest: Buffer.from(xml).toString('base64'),
      SigAlg: value(algorithm),
      Signature: value(signature),
    }
    refused(rig, await end(rig, browser, await ask(rig, browser, SSO, simple)), 'SimpleSign')
    accepted(
      rig,
      await send(rig, browser, [relay, algorithm, signature, message].join('&')),
      'another order of the same octets',
    )
    const small = signQuery(
      `SAMLRequest=${packed(xml)}`.replaceAll(/%[0-9A-F]{2}/g, (octet) => octet.toLowerCase()),
      mine,
    )
    accepted(rig, await send(rig, browser, small), 'small digits that were signed')
  },
  async 'req-replay'(rig) {
    const browser = await employee(rig)
    const query = queryOf({})
    assert.equal(statusIn(await send(rig, browser, query)), 'Success')
    refused(rig, await send(rig, browser, query), 'again')
    refused(rig, await send(rig, await employee(rig, 'bob'), query), 'for somebody else')
  },
  async 'req-passive'(rig) {
    await answered(rig, rig.browser(), { attributes: 'IsPassive="true"' }, 'Responder NoPassive')
  },
  async 'req-force'(rig) {
    const browser = await employee(rig)
    const before = /AuthnInstant="([^"]*)"/.exec(await answered(rig, browser, {}))?.[1] ?? ''
    await answered(rig, browser, { attributes: 'ForceAuthn="true" IsPassive="true"' }, 'Responder NoPassive')
    const form = await send(rig, browser, queryOf({ attributes: 'ForceAuthn="true"' }))
    accepted(rig, form, 'asked again')
    const wrong = await browser.submitLogin(form, 'alice', 'wrong')
    assert.equal(formOf(wrong).action, '', 'no answer without a proof')
    rig.tally.sent += 2
    const page = await browser.signIn(form, 'alice', PASSWORDS.alice)
    assert.equal(statusIn(page), 'Success')
    assert.ok(Date.parse(/AuthnInstant="([^"]*)"/.exec(xmlIn(page))?.[1] ?? '') > Date.parse(before))
  },
  async 'req-authncontext'(rig) {
    const browser = await employee(rig)
    const asking = (comparison: string, name: string): Wanted => ({
      attributes: 'IsPassive="true"',
      content: `<samlp:RequestedAuthnContext Comparison="${comparison}"><saml:AuthnContextClassRef>${name}</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>`,
    })
    const weak = `${BASE}:2.0:ac:classes:PasswordProtectedTransport`
    for (const comparison of ['exact', 'minimum', 'maximum'])
      assert.match(await answered(rig, browser, asking(comparison, weak)), new RegExp(`ClassRef>${weak}<`), comparison)
    for (const comparison of ['exact', 'minimum'])
      await answered(rig, browser, asking(comparison, MFA), 'Responder NoPassive')
    await answered(rig, browser, asking('better', weak), 'Responder NoPassive')
    await answered(rig, browser, asking('better', MFA), 'Responder NoAuthnContext')
    await answered(rig, browser, asking('exact', 'urn:unknown'), 'Responder NoAuthnContext')
    refused(rig, await send(rig, browser, queryOf(asking('best', weak))), 'a comparison that does not exist')
  },
  async 'req-subject'(rig) {
    const browser = await employee(rig)
    const about = (name: string): string => `<saml:Subject><saml:NameID>${name}</saml:NameID></saml:Subject>`
    await answered(rig, browser, { content: about('bob'), attributes: 'IsPassive="true"' }, 'Responder NoPassive')
    const form = await send(rig, browser, queryOf({ content: about('bob') }))
    accepted(rig, form, 'somebody else is asked for')
    rig.tally.sent++
    assert.equal(statusIn(await browser.signIn(form, 'alice', PASSWORDS.alice)), 'Responder UnknownPrincipal')
  },
  async 'req-html'(rig) {
    const browser = await employee(rig)
    const markup = `"><script>alert(1)</script><input name="x`
    const page = await send(rig, browser, queryOf({}, `&RelayState=${encodeURIComponent(markup)}`))
    rig.tally.checks++
    assert.equal(formOf(page).fields['RelayState'], markup)
    assert.doesNotMatch(page.body, /<script>alert/)
    const escaped = markup.replaceAll('"', '&quot;').replaceAll('<', '&lt;')
    for (const wanted of [{ id: escaped }, { issuer: escaped }, { attributes: acsUrl(escaped) }]) {
      const no = await send(rig, browser, queryOf(wanted))
      refused(rig, no, JSON.stringify(wanted))
      assert.doesNotMatch(no.body, /<script>alert/)
    }
  },
  async 'resp-fresh-nameid'(rig) {
    const browser = await employee(rig)
    const names = [nameIn(await answered(rig, browser, {})), nameIn(await answered(rig, browser, {}))]
    const query = signQuery(queryOf({ name: 'theirs' }), theirs)
    const elsewhere = nameIn(xmlIn(await send(rig, browser, query)))
    assert.equal(names[0], names[1])
    assert.notEqual(elsewhere, '')
    assert.notEqual(names[0], elsewhere)
    const policy = `<samlp:NameIDPolicy Format="${BASE}:2.0:nameid-format:persistent" SPNameQualifier="${IDS.theirs}"/>`
    refused(rig, await send(rig, browser, queryOf({ content: policy })), 'the name at another partner')
  },
  async 'idp-initiated'(rig) {
    const browser = await employee(rig)
    for (const path of [
      '/idpssoinit?metaAlias=/employees/idp&',
      '/openam/saml2/jsp/idpSSOInit.jsp?metaAlias=/employees/idp&',
      '/saml2/employees/init?',
    ])
      refused(rig, await ask(rig, browser, `${ORIGINS.login}${path}spEntityID=${encodeURIComponent(IDS.plain)}`), path)
  },
  async 'idp-disco'(rig) {
    const browser = await employee(rig)
    for (const path of ['/saml2/reader', '/saml2/writer', '/saml2/employees/disco', '/saml2reader', '/idpfinder']) {
      for (const name of ['return', 'RelayState', 'goto']) {
        const page = await ask(rig, browser, `${ORIGINS.login}${path}?entityID=${IDS.plain}&${name}=//evil.example`)
        rig.tally.checks++
        assert.equal(page.status, 404)
        leadsNowhereElse(rig, page, page.url, path)
      }
    }
  },
  'metadata-signed'(rig) {
    const now = Date.now()
    const read = (xml: string, signers?: readonly Signer[]): string => {
      rig.tally.sent++
      rig.tally.checks++
      const keys = signers?.map(({ partnerKey }) => partnerKey)
      return readServiceProvider(xml, { entityId: IDS.plain, signers: keys, now }).kind
    }
    const plain = metadata('plain', mine).replace('entityID', 'ID="_md" entityID')
    const signed = signElement(plain, '_md', mine)
    assert.deepEqual([read(plain), read(signed, [mine])], ['read', 'read'])
    const group = (...all: readonly string[]): string =>
      `<md:EntitiesDescriptor xmlns:md="${BASE}:2.0:metadata" ID="_all">${all.join('')}</md:EntitiesDescriptor>`
    const past = `validUntil="${new Date(now - 1_000).toISOString()}" entityID`
    const bad: Readonly<Record<string, readonly [string, (readonly Signer[])?]>> = {
      unsigned: [plain, [mine]],
      'of another key': [signed, [theirs]],
      changed: [signed.replace(acsOf('plain'), 'https://evil.example/acs'), [mine]],
      over: [plain.replace('entityID', past)],
      'over, as a group': [group(plain).replace('ID="_all"', past.replace(' entityID', ''))],
      'entityID twice': [group(plain, plain.replace('_md', '_md2'))],
      'another entity inside': [metadata('theirs', mine)],
      'signed inside what is not': [group(signed), [mine]],
    }
    for (const [about, [xml, signers]] of Object.entries(bad)) assert.equal(read(xml, signers), 'refused', about)
    return Promise.resolve()
  },
  async 'metadata-rollover'(rig) {
    const browser = rig.browser()
    for (const signer of [mine, next])
      accepted(rig, await send(rig, browser, signQuery(queryOf({ name: 'strict' }), signer)), 'both')
    // Of `plain` the second was taken out.
    refused(rig, await send(rig, browser, signQuery(queryOf({ name: 'plain' }), next)), 'removed')
  },
  'metadata-endpoint'(rig) {
    for (const address of [
      'javascript:alert(1)',
      'data:text/html,x',
      'http://idp.example/sso',
      'JavaScript:x',
      ' https://a.example',
      'https://a.example/\n',
    ]) {
      rig.tally.sent++
      rig.tally.checks++
      assert.equal(isEndpointAddress(address), false, address)
      const xml = metadata('plain', mine).replaceAll(acsOf('plain'), address.replaceAll('\n', '&#10;'))
      assert.equal(
        readServiceProvider(xml, { entityId: IDS.plain, signers: undefined, now: 0 }).kind,
        'refused',
        address,
      )
    }
    return Promise.resolve()
  },
  async 'key-separation'(rig) {
    const certificates = await Promise.all(
      ['employees', 'customers'].map(async (realm) => {
        const { body } = await ask(rig, rig.browser(), `${ORIGINS.login}/saml2/${realm}/metadata`)
        const [, certificate = ''] = /use="signing".*?<ds:X509Certificate>([^<]*)/s.exec(body) ?? []
        const key = readPartnerKey(certificate)
        assert.ok(typeof key === 'object')
        return { body, key, certificate: new X509Certificate(Buffer.from(certificate, 'base64')) }
      }),
    )
    const [employees, customers] = certificates
    assert.ok(employees !== undefined && customers !== undefined)
    rig.tally.checks++
    assert.notEqual(employees.certificate.fingerprint256, customers.certificate.fingerprint256)
    const entityId = `${ORIGINS.login}/saml2/customers/metadata`
    const by = (key: typeof employees.key) =>
      readIdentityProvider(customers.body, { entityId, signers: [key], now: Date.now() }).kind
    assert.deepEqual([by(customers.key), by(employees.key)], ['read', 'refused'])
    const jwks = await ask(rig, rig.browser(), `${ORIGINS.login}/.well-known/jwks.json`)
    const { n } = employees.certificate.publicKey.export({ format: 'jwk' })
    assert.ok(typeof n === 'string' && !jwks.body.includes(n), 'nor is it a key for tokens')
  },
}

runVectors<Vector>('saml_idp_slo', { only }, { employees: STEP_UP, clients: CLIENTS })
