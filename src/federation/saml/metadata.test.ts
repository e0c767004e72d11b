import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { selfSignedCertificate } from '../../crypto/x509/self-signed.ts'
import { readIdentityProvider, readServiceProvider, type MetadataExpected } from './metadata.ts'
import { openMetadataFeed, type MetadataAddress } from './metadata-feed.ts'
import { writeMetadata } from './metadata-writer.ts'
import { isEndpointAddress } from './metadata-endpoints.ts'
import { ACS, at, IDP, newSigner, NOW, SP } from './partner.fixture.ts'
import { signElement } from './sign.ts'

const [signer, other] = [newSigner(), newSigner()]
const weak = selfSignedCertificate(generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey, {
  ...{ name: 'weak', notBefore: NOW, notAfter: NOW },
}).toString('base64')
const POST = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'
const MD = 'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
const protocol = 'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"'

const key = (certificate: string, use = ''): string =>
  `<md:KeyDescriptor${use}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n${certificate}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`
const acs = (location: string, more = 'index="0"'): string =>
  `<md:AssertionConsumerService Binding="${POST}" Location="${location}" ${more}/>`
const sp = ({ keys = key(signer.certificate), consumers = acs(ACS), id = SP, attributes = '' } = {}): string =>
  `<md:EntityDescriptor ${MD} entityID="${id}" ID="_md" ${attributes}><md:SPSSODescriptor AuthnRequestsSigned="1" ${protocol}>` +
  `${keys}${consumers}</md:SPSSODescriptor></md:EntityDescriptor>`

const expected: MetadataExpected = { entityId: SP, signers: undefined, now: NOW }

/** What is wrong, with the text at its place; nothing for what is read. */
function wrong(xml: string, more: Partial<MetadataExpected> = {}): readonly string[] {
  const reading = readServiceProvider(xml, { ...expected, ...more })
  if (reading.kind === 'read') return []
  return reading.problems.map(({ message, offset }) => `${xml.slice(offset, offset + 8)}: ${message}`)
}

test('metadata of a service provider', () => {
  const consumers = `${acs(`${ACS}/1`, 'index="1"')}${acs(ACS, 'index="7" isDefault="true"')}<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:PAOS" Location="${ACS}/paos" index="2"/>`
  const reading = readServiceProvider(
    `<!-- by hand -->${sp({ consumers, keys: key(signer.certificate, ' use="signing"') + key(other.certificate) })}`,
    expected,
  )
  assert.ok(reading.kind === 'read', JSON.stringify(reading))
  const { role } = reading.partner
  assert.deepEqual(
    role.consumers.map(({ location, index, isDefault }) => [location, index, isDefault]),
    [
      [`${ACS}/1`, 1, false],
      [ACS, 7, true],
    ],
  )
  // Of a partner that replaces its key both count; one for signatures encrypts nothing.
  assert.deepEqual([role.signing.length, role.encryption.length, role.requestsSigned], [2, 1, true])
})

test('metadata that cannot be used says what is wrong, and where', () => {
  const rows: readonly (readonly [string, RegExp, Partial<MetadataExpected>?])[] = [
    ['<a>', /no metadata: unclosed tag/],
    ['<!DOCTYPE x><a/>', /document type/],
    ['<a xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/>', /^<a xmlns: .*no EntityDescriptor/],
    [sp({ id: IDP }), /not the metadata of https:\/\/sp\.example/],
    [`<md:EntitiesDescriptor ${MD}>${sp()}${sp().replace('_md', '_m2')}</md:EntitiesDescriptor>`, /twice/],
    [sp().replaceAll('SPSSO', 'IDPSSO'), /is no service provider/],
    [sp().replace(protocol, 'protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol"'), /SAML 2.0/],
    [sp({ attributes: `validUntil="${at(-1_000)}"` }), /^<md:Enti: .*over since/],
    [sp({ attributes: 'validUntil="tomorrow"' }), /validUntil/],
    [sp({ keys: key('AAAA') }), /^<ds:X509: .*no certificate/],
    [sp({ keys: key(weak) }), /1024 bits/],
    [sp({ keys: key(signer.certificate, ' use="Encryption"') }), /^<md:KeyD: .*neither signing nor encryption/],
    [sp({ consumers: '' }), /^<md:SPSS: no AssertionConsumerService/],
    [sp({ consumers: acs(ACS) + acs(`${ACS}2`) }), /index/],
  ]
  for (const [xml, pattern, more] of rows) assert.match(wrong(xml, more).join('\n') || 'read', pattern, xml)
  assert.equal(wrong(sp({ keys: key('AAAA'), consumers: acs('javascript:alert(1)') })).length, 2, 'all at once')
})

test('an endpoint is an address over https, or of this very machine', () => {
  const refused = [
    'javascript:alert(1)',
    'java\nscript:x',
    'data:text/html,x',
    'http://sp.example/acs',
    'https://a@sp.example/',
    ' https://sp.example',
    'https://sp.example/#x',
    '/acs',
    '',
  ]
  for (const address of refused) {
    assert.equal(isEndpointAddress(address), false, address)
    assert.match(wrong(sp({ consumers: acs(address.replaceAll('"', '')) })).join(), /https/, address)
  }
  for (const address of ['https://sp.example:8443/a?b=c', 'http://127.0.0.1:1/', 'http://wiki.localhost/acs'])
    assert.equal(isEndpointAddress(address), true, address)
})

test('signed metadata is what was signed, by the one who has to have signed it', () => {
  const plain = sp()
  const signed = signElement(plain, '_md', signer)
  const signers = [signer.partnerKey]
  assert.deepEqual(wrong(signed, { signers }), [])
  assert.match(wrong(plain, { signers }).join(), /not signed/)
  assert.match(wrong(signed, { signers: [other.partnerKey] }).join(), /no key of the partner/)
  assert.match(wrong(signed.replace(ACS, 'https://evil.example/'), { signers }).join(), /no key of the partner/)
  const hidden = signElement(`<md:EntitiesDescriptor ${MD} ID="_all">${sp()}</md:EntitiesDescriptor>`, '_md', signer)
  assert.match(wrong(hidden, { signers }).join(), /not signed as a whole/)
  const group = signElement(
    `<md:EntitiesDescriptor ${MD} ID="_all">${sp()}${sp({ id: IDP }).replace('_md', '_m2')}</md:EntitiesDescriptor>`,
    '_all',
    signer,
  )
  assert.deepEqual(wrong(group, { signers }), [])
})

test('what we write others read: both roles, keys that come and go', () => {
  const role = { signing: [signer, other], encryption: [other], logout: [], nameIdFormats: ['urn:x'] }
  const xml = writeMetadata({
    ...{ entityId: IDP, signer, now: NOW, cacheMs: 3_600_000 },
    idp: {
      ...role,
      signOn: [{ binding: 'redirect', location: 'https://idp.example/sso' }],
      wantsRequestsSigned: false,
    },
    sp: { ...role, consumers: [{ binding: 'post', location: ACS }] },
  })
  const of = { entityId: IDP, signers: [signer.partnerKey], now: NOW }
  const idp = readIdentityProvider(xml, of)
  assert.ok(idp.kind === 'read', JSON.stringify(idp))
  const { partner } = idp
  assert.deepEqual([partner.validUntil, partner.cacheMs], [NOW + 7 * 3_600_000, 3_600_000])
  assert.deepEqual(
    [
      partner.role.signing.length,
      partner.role.encryption.length,
      partner.role.signOn[0]?.location,
      partner.role.nameIdFormats,
    ],
    [2, 1, 'https://idp.example/sso', ['urn:x']],
  )
  assert.equal(readServiceProvider(xml, of).kind, 'read')
})

test('metadata from an address stays while it cannot be read anew, until it is over', async () => {
  let now = NOW
  const answers: string[] = []
  const said: string[] = []
  const say = (_: object, words: string): void => void said.push(words)
  const address: MetadataAddress = {
    url: 'https://sp.example/',
    internal: false,
    entityId: SP,
    signers: undefined,
    refreshMs: 3_600_000,
  }
  const fetch = (): Promise<string> =>
    answers[0] === undefined ? Promise.reject(new Error('down')) : Promise.resolve(answers[0])
  const open = () =>
    openMetadataFeed(address, readServiceProvider, {
      clock: () => now as never,
      log: { info: say, warn: say },
      fetch,
    })
  const down = open()
  assert.equal(await down.partner(), undefined)
  assert.match(said.join(), /there is none yet/)
  answers.push(sp({ attributes: `validUntil="${at(10_000)}"` }))
  const feed = open()
  assert.equal((await feed.partner())?.entityId, SP)
  now += 10_000
  assert.equal(await feed.partner(), undefined, 'over')
  down.close()
  feed.close()
})

test('no metadata is fetched from inside this network, unless the configuration says that it may', async () => {
  const said: string[] = []
  const log = { info: () => undefined, warn: ({ err }: { err: Error }) => void said.push(err.message) } as never
  for (const url of [
    'https://127.0.0.1:1/',
    'https://[::ffff:127.0.0.1]:1/',
    'https://169.254.169.254/',
    'https://[64:ff9b::7f00:1]/',
    'http://sp.example/',
    'https://localhost:1/',
  ]) {
    const address = { url, internal: false, entityId: SP, signers: undefined, refreshMs: 3_600_000 }
    const feed = openMetadataFeed(address, readServiceProvider, { clock: () => NOW as never, log })
    assert.equal(await feed.partner(), undefined)
    feed.close()
    assert.match(said.pop() ?? '', /not on the internet/, url)
  }
})
