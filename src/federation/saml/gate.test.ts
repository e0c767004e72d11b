import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, randomInt, sign } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { describe, it } from 'node:test'
import { DOMParser } from '@xmldom/xmldom'
import { ExclusiveCanonicalization } from 'xml-crypto'
import { acceptAssertion, nameIdOf, type AssertionRules } from './assertion.ts'
import { writeAssertion, type Statement } from '../saml-idp/response.ts'
import { encryptedFor } from './encrypted.fixture.ts'
import { openMessage, type GateRules, type Inbound } from './gate.ts'
import { ENVELOPED, EXCLUSIVE_C14N } from './algorithms.ts'
import { xmlOfParameter } from './message-bytes.ts'
import { NAME_ID } from './names.ts'
import {
  ACS,
  assertionXml,
  field,
  IDP,
  newSigner,
  NOW,
  responseXml,
  SAID,
  signedAssertion,
  signedResponse,
  signerOf,
  SP,
  wholeSigned,
} from './partner.fixture.ts'
import { readPartnerKey } from './partner-keys.ts'
import { Refused } from './refusal.ts'
import { signElement, signQuery } from './sign.ts'
import { wrapped } from './wrapping.fixture.ts'

const signer = newSigner()
const ours = newSigner()
const moment = { now: NOW, skewMs: 0 }
const partner = { entityId: IDP, keys: [signer.partnerKey] }
const gateRules: GateRules = {
  expects: 'Response',
  partner: (issuer) => (issuer === IDP ? partner : undefined),
  destinations: [ACS],
  signed: 'any',
  moment,
}
const rules: AssertionRules = {
  signed: 'any',
  moment,
  audience: SP,
  recipient: ACS,
  inResponseTo: '_request',
  decryptionKeys: [ours.key],
}

/** The name that a Response proves, or why it proves none. */
function outcome(xml: string, more: Partial<AssertionRules & GateRules> = {}): string {
  const own = { ...rules, ...more }
  const opened = openMessage({ binding: 'post', field: field(xml), relayState: undefined }, { ...gateRules, ...own })
  const asserted = opened.kind === 'refused' ? opened : acceptAssertion(opened, own)
  return asserted.kind === 'refused' ? asserted.reason : asserted.nameId.value
}

/** Id of the message that it is, or why it is none. */
function opened(inbound: Inbound, more: Partial<GateRules>): string {
  const message = openMessage(inbound, { ...gateRules, signed: 'message', ...more })
  return message.kind === 'refused' ? message.reason : message.id
}

describe('the gate', () => {
  it('lets through what a partner has signed: the assertion, the message, or both; and what is wanted of these', () => {
    const [one, whole] = [signedResponse(signer), wholeSigned(signer)]
    const both = wholeSigned(signer, one)
    const wanted = ['any', 'content', 'message', 'both'] as const
    const table = [one, whole, both].map((xml) => wanted.map((signed) => outcome(xml, { signed })))
    assert.deepEqual(table, [
      ['alice', 'alice', 'saml-unsigned', 'saml-unsigned'],
      ['alice', 'saml-unsigned', 'alice', 'saml-unsigned'],
      ['alice', 'alice', 'alice', 'alice'],
    ])
    assert.equal(outcome(both.replace('@corp.example', '@evil.example')), 'saml-signature')
    assert.equal(outcome(responseXml(assertionXml())), 'saml-unsigned')
    assert.equal(outcome(one.replace('<samlp:Status>', `<samlp:Status ID="${SAID.assertionId}">`)), 'saml-xml')
  })

  it('takes keys from metadata alone: roll-over, a removed key, one that is over, and none that is weak', () => {
    const next = newSigner()
    const keys = (...all: (typeof signer)[]) => ({
      partner: () => ({ entityId: IDP, keys: all.map(({ partnerKey }) => partnerKey) }),
    })
    assert.equal(outcome(signedResponse(next), keys(signer, next)), 'alice')
    assert.equal(outcome(signedResponse(signer), keys(next)), 'saml-signature')
    const over = signerOf(signer.key, { notBefore: 0, notAfter: NOW - 1_000 })
    assert.equal(outcome(signedResponse(signer), keys(over)), 'saml-certificate')
    assert.equal(outcome(signedResponse(signer), keys(over, signer)), 'alice')
    assert.equal(typeof readPartnerKey('AAAA'), 'string')
  })

  it('reads RSA and EC signatures in the algorithms of its table, and no others', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const partnerKey = { key: publicKey, notBefore: 0, notAfter: Infinity }
    const xml = signedResponse({ key: privateKey, certificate: '' })
    const byEc = { partner: () => ({ entityId: IDP, keys: [partnerKey] }) }
    assert.equal(outcome(xml, byEc), 'alice')
    assert.equal(outcome(xml.replace('#ecdsa-sha256', '#rsa-sha256'), byEc), 'saml-signature')
    assert.equal(outcome(xml, {}), 'saml-signature', 'another type of key')
    assert.equal(outcome(xml.replace('#ecdsa-sha256', '#ecdsa-sha1'), byEc), 'saml-algorithm')
    const query = `SAMLRequest=${encodeURIComponent(deflateRawSync(Buffer.from(logoutRequest())).toString('base64'))}`
    const octets = `${query}&SigAlg=${encodeURIComponent('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256')}`
    const der = encodeURIComponent(sign('sha256', Buffer.from(octets), privateKey).toString('base64'))
    const confused = { binding: 'redirect', query: `${octets}&Signature=${der}` } as const
    assert.equal(opened(confused, { expects: 'LogoutRequest', ...byEc }), 'saml-signature', 'a key does what it is for')
  })

  it('what a partner has signed counts for us alone, now, in answer to this request, as the standard has it', () => {
    const swap = (from: string | RegExp, to: string) => (xml: string) => xml.replace(from, () => to)
    const iso = (offsetMs: number): string => new Date(NOW + offsetMs).toISOString()
    const valid = (name: string, value: string) => swap(new RegExp(`(?<=<saml:Conditions[^>]*${name}=")[^"]+`), value)
    const assertions: readonly (readonly [reason: string, change: (xml: string) => string])[] = [
      ['saml-version', swap('Version="2.0"', 'Version="1.1"')],
      ['saml-issuer', swap(IDP, 'https://other.example')],
      ['saml-in-response-to', swap(' InResponseTo="_request"', '')],
      ['saml-in-response-to', swap('InResponseTo="_request"', 'InResponseTo="_other"')],
      ['saml-destination', swap(`Recipient="${ACS}"`, 'Recipient="https://other.example/acs"')],
      ['saml-subject', swap('cm:bearer', 'cm:holder-of-key')],
      ['saml-time', swap('<saml:SubjectConfirmationData ', `<saml:SubjectConfirmationData NotBefore="${iso(-1)}" `)],
      ['saml-time', swap(/(?<=ConfirmationData) NotOnOrAfter="[^"]+"/, '')],
      ['saml-time', swap(/(?<=ConfirmationData NotOnOrAfter=")[^"]+/, iso(0))],
      ['saml-audience', swap(`<saml:Audience>${SP}<`, '<saml:Audience>https://other.example<')],
      ['saml-audience', swap(/<saml:AudienceRestriction>.*<\/saml:AudienceRestriction>/, '')],
      ['saml-conditions', swap('<saml:AudienceRestriction>', '<saml:ProxyRestriction/><saml:AudienceRestriction>')],
      ['saml-shape', swap(/<saml:Conditions.*<\/saml:Conditions>/, '')],
      ['saml-time', valid('NotBefore', iso(1))],
      ['saml-time', valid('NotOnOrAfter', iso(0))],
      ['saml-time', valid('NotOnOrAfter', '2040-02-30T00:00:00Z')],
      ['saml-time', valid('NotOnOrAfter', '2040-01-01T00:00:00+14:00')],
      ['saml-authn', swap(/<saml:AuthnStatement.*<\/saml:AuthnStatement>/, '')],
      ['saml-authn', swap(/(?<=AuthnInstant=")[^"]+/, iso(1))],
      ['saml-time', swap(/(?<=SessionNotOnOrAfter=")[^"]+/, iso(0))],
      ['saml-shape', swap('>alice<', '> alice<')],
      ['saml-shape', swap('>alice<', '>ali\u200bce<')],
      ['saml-shape', swap('>alice<', '><x/>alice<')],
      ['saml-xml', swap(' Version="2.0"', ' Version="2.0" xml:id="_other"')],
      ['saml-xml', swap('>alice<', '>ali<!-- -->ce<')],
      ['saml-xml', swap('>alice<', '><?x ali?>ce<')],
      ['saml-xml', swap('<saml:Subject>', '<saml:Subject xmlns:v="relative">')],
      ['alice', swap('<saml:AudienceRestriction>', '<saml:OneTimeUse/><saml:AudienceRestriction>')],
      ['alice', valid('NotBefore', iso(0))],
    ]
    for (const [reason, change] of assertions) {
      const changed = change(assertionXml())
      assert.notEqual(changed, assertionXml())
      assert.equal(outcome(responseXml(signElement(changed, SAID.assertionId, signer))), reason, changed)
    }
    const status = (text: string) => swap(/<samlp:StatusCode[^>]*\/>/, text)
    const code = (name: string, content = ''): string =>
      `<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:${name}">${content}</samlp:StatusCode>`
    const messages: typeof assertions = [
      ['saml-status', status(code('Responder'))],
      ['saml-status', status(code('Success', code('NoPassive')))],
      ['saml-shape', status(code('Success') + code('Success'))],
      ['saml-destination', swap(` Destination="${ACS}"`, '')],
      ['saml-destination', swap(`Destination="${ACS}"`, `Destination="${ACS}/"`)],
      ['saml-in-response-to', swap(' InResponseTo="_request"', '')],
      ['saml-issuer', swap(`>${IDP}<`, `>${IDP.toUpperCase()}<`)],
      ['saml-time', swap(/(?<=IssueInstant=")[^"]+/, iso(1))],
      ['saml-time', swap(/(?<=IssueInstant=")[^"]+/, iso(-300_000))],
      ['saml-version', swap('Version="2.0"', 'Version="3.0"')],
    ]
    for (const [reason, change] of messages)
      assert.equal(outcome(change(signedResponse(signer))), reason, change(signedResponse(signer)))
    const anybody = { partner: () => partner }
    const misnamed = signedResponse(signer).replace(`>${IDP}<`, '>https://other.example<')
    assert.equal(outcome(misnamed, anybody), 'saml-issuer')
    const wire = (text: string): string =>
      opened({ binding: 'post', field: text, relayState: undefined }, { signed: 'any' })
    const honest = field(signedResponse(signer))
    assert.equal(wire(honest), '_response')
    assert.equal(wire(honest.replaceAll(/.{76}/g, '$&\r\n')), '_response', 'lines of RFC 2045')
    for (const text of [`${honest} `, honest.replace('+', '-'), `${honest}=`, field(`\ufeff${signedResponse(signer)}`)])
      assert.equal(wire(text), 'saml-encoding')
  })

  it('a signature has one shape', () => {
    const honest = signedResponse(signer)
    const uri = 'http://www.w3.org/2000/09/xmldsig#'
    const table: readonly (readonly [string, string | RegExp, string])[] = [
      ['saml-signature-shape', `URI="#${SAID.assertionId}"`, `URI="#${SAID.responseId}"`],
      ['saml-signature-shape', `URI="#${SAID.assertionId}"`, 'URI=""'],
      [
        'saml-algorithm',
        /(?<=CanonicalizationMethod Algorithm=")[^"]+/,
        'http://www.w3.org/TR/2001/REC-xml-c14n-20010315',
      ],
      ['saml-algorithm', /(?<=SignatureMethod Algorithm=")[^"]+/, `${uri}rsa-sha1`],
      ['saml-algorithm', /(?<=SignatureMethod Algorithm=")[^"]+/, `${uri}hmac-sha1`],
      ['saml-algorithm', /(?<=DigestMethod Algorithm=")[^"]+/, `${uri}sha1`],
      ['saml-algorithm', `${uri}enveloped-signature`, 'http://www.w3.org/TR/1999/REC-xslt-19991116'],
      ['saml-signature-shape', '</ds:SignatureValue>', '</ds:SignatureValue><ds:Object/>'],
      [
        'saml-signature-shape',
        /(<ds:Transform Algorithm="[^"]+c14n#")\/>/,
        '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="#default"/></ds:Transform>',
      ],
    ]
    for (const [reason, from, to] of table) {
      assert.notEqual(honest.replace(from, to), honest)
      assert.equal(outcome(honest.replace(from, to)), reason, to)
    }
  })

  it('signature wrapping: no shape of it gives another name, nor does what comes of many of them at random', () => {
    const honest = signedResponse(signer)
    const evil = assertionXml({ name: 'admin', assertionId: '_evil' })
    const shapes = wrapped(honest, 'admin')
    assert.ok(shapes.length >= 15)
    for (const [name, xml] of shapes) assert.match(outcome(xml), /^saml-/, name)
    const tags = [...honest.matchAll(/<[^>]+>/g)].map(({ index, 0: tag }) => index + tag.length)
    const fragments = [
      evil,
      signedAssertion(signer),
      /<ds:Signature[\s\S]*<\/ds:Signature>/.exec(honest)?.[0] ?? '',
      '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">admin</saml:NameID>',
    ]
    for (let round = 0; round < 60; round++) {
      let xml = honest
      const cuts = Array.from({ length: 1 + randomInt(3) }, () => tags[randomInt(tags.length)] ?? 0).sort(
        (a, b) => b - a,
      )
      for (const cut of cuts) xml = xml.slice(0, cut) + (fragments[randomInt(fragments.length)] ?? '') + xml.slice(cut)
      assert.match(outcome(xml), /^(?:alice|saml-.*)$/, xml)
    }
  })

  it('what our own identity provider signs: read, wrapped by nobody, and markup in it stays text', () => {
    const nick = '</saml:AttributeValue></saml:Attribute><saml:NameID>admin</saml:NameID>'
    const statement: Statement = {
      ...{
        audience: SP,
        nameId: { value: 'alice', format: NAME_ID.persistent, isPairwise: true },
      },
      ...{ attributes: [{ name: 'nick', format: 'urn:x', friendlyName: undefined, values: [nick] }] },
      ...{ authnContext: SAID.context, authnInstant: NOW - 1_000, sessionIndex: '_s', sessionEndsAt: NOW + 60_000 },
      ...{ ttlMs: 60_000, sign: 'both', encryptFor: undefined },
    }
    const envelope = { issuer: IDP, destination: ACS, inResponseTo: '_request', signer, now: NOW }
    const { xml } = writeAssertion(envelope, statement)
    assert.equal(outcome(xml, { signed: 'both' }), 'alice')
    const { xml: one } = writeAssertion(envelope, { ...statement, sign: 'assertion' })
    for (const [name, forged] of [...wrapped(xml, 'admin'), ...wrapped(one, 'admin')])
      assert.match(outcome(forged), /^saml-/, name)
    const sealed = writeAssertion(envelope, { ...statement, encryptFor: { ...ours.partnerKey, methods: [] } })
    assert.equal(outcome(sealed.xml, { signed: 'both' }), 'alice')
    const message = openMessage({ binding: 'post', field: field(xml), relayState: undefined }, gateRules)
    assert.ok(message.kind === 'message')
    const asserted = acceptAssertion(message, rules)
    assert.deepEqual(asserted.kind === 'asserted' && asserted.attributes.get('nick'), [nick])
  })

  it('the octets of any honest message, changed anywhere, give nobody else', () => {
    const honest = wholeSigned(signer)
    for (let round = 0; round < 60; round++) {
      const at = randomInt(honest.length)
      const xml = `${honest.slice(0, at)}${String.fromCharCode(32 + randomInt(95))}${honest.slice(at + 1)}`
      // In KeyInfo, or between attributes, a change may mean nothing.
      assert.match(outcome(xml), /^(?:alice|saml-[a-z-]+)$/, xml)
    }
  })

  it('encrypted assertions and names: authenticated, or covered by a signature; for us, by RSA-OAEP', () => {
    const inner = signedAssertion(signer)
    const seal = (xml: string, more = {}) =>
      encryptedFor(ours.partnerKey.key, xml, { wrap: 'EncryptedAssertion', ...more })
    assert.equal(outcome(responseXml(seal(inner))), 'alice')
    assert.equal(outcome(responseXml(seal(inner)), { signed: 'content' }), 'alice')
    assert.equal(outcome(responseXml(seal(assertionXml()))), 'saml-unsigned', 'whoever has our key can encrypt for us')
    assert.equal(outcome(wholeSigned(signer, responseXml(seal(assertionXml())))), 'alice')
    assert.equal(outcome(responseXml(seal(inner, { cipher: 'aes-256-cbc' }))), 'saml-encryption', 'padding oracle')
    assert.equal(outcome(wholeSigned(signer, responseXml(seal(inner, { cipher: 'aes-256-cbc' })))), 'alice')
    assert.equal(outcome(responseXml(seal(inner, { padding: 'pkcs1' }))), 'saml-encryption')
    assert.equal(outcome(responseXml(seal(inner).replace('rsa-oaep-mgf1p', 'rsa-1_5'))), 'saml-encryption')
    assert.equal(outcome(responseXml(seal(inner)), { decryptionKeys: [newSigner().key] }), 'saml-encryption')
    assert.equal(
      outcome(responseXml(seal(inner)), { decryptionKeys: [newSigner().key, ours.key] }),
      'alice',
      'an older key of ours',
    )
    assert.equal(outcome(responseXml(seal(inner, { flip: true }))), 'saml-encryption')
    assert.equal(outcome(responseXml(seal(inner).replace('#aes256-gcm', '#tripledes-cbc'))), 'saml-encryption')
    assert.equal(outcome(responseXml(seal(inner) + seal(inner))), 'saml-shape')
    const named = assertionXml().replace(/<saml:NameID[\s\S]*<\/saml:NameID>/, (name) =>
      encryptedFor(
        ours.partnerKey.key,
        name.replace('<saml:NameID', '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'),
        { wrap: 'EncryptedID' },
      ),
    )
    assert.equal(outcome(responseXml(signElement(named, SAID.assertionId, signer))), 'alice')
  })

  it('redirects: a signature is over the octets as they were received (CVE-2025-31335)', () => {
    const xml = logoutRequest()
    const message = deflateRawSync(Buffer.from(xml)).toString('base64')
    const bare = `SAMLRequest=${encodeURIComponent(message)}&RelayState=a%20b`
    const signed = signQuery(bare, signer)
    const at = (query: string): string => opened({ binding: 'redirect', query }, { expects: 'LogoutRequest' })
    assert.equal(at(signed), '_logout')
    assert.equal(at(`x=1&${signed}&y=2`), '_logout', 'parameters of others are nobody’s word')
    assert.equal(at(signed.replace('%2B', '%2b').replace('%2F', '%2f').replace('%3D', '%3d')), 'saml-signature')
    assert.equal(at(signed.replace('a%20b', 'a+b')), 'saml-signature')
    assert.equal(at(signed.replace('&RelayState=a%20b', '')), 'saml-signature')
    assert.equal(at(`${signed}&RelayState=c`), 'saml-encoding')
    assert.equal(at(`${signed}&SAMLRequest=x`), 'saml-encoding')
    assert.equal(at(`${signed}&SAML%52equest=x`), 'saml-encoding')
    assert.equal(at(`${signed}&SAMLResponse=x`), 'saml-encoding')
    assert.equal(at(`${signed}&SAMLEncoding=urn:x`), 'saml-encoding')
    assert.equal(at(signed.replace('rsa-sha256', 'rsa-sha1')), 'saml-algorithm')
    assert.equal(at(bare), 'saml-unsigned')
    assert.equal(at(signed.replace(/&SigAlg=[^&]+/, '')), 'saml-signature-shape')
    const inside = deflateRawSync(Buffer.from(signElement(xml, '_logout', signer))).toString('base64')
    assert.equal(at(signQuery(`SAMLRequest=${encodeURIComponent(inside)}`, signer)), 'saml-signature-shape')
    assert.equal(opened({ binding: 'redirect', query: signed }, {}), 'saml-encoding', 'no Response comes in an address')
  })

  it('a bomb of DEFLATE is not unpacked', () => {
    const bomb = deflateRawSync(Buffer.alloc(30_000_000, 0x20)).toString('base64')
    const before = process.memoryUsage().arrayBuffers
    for (const text of [bomb, 'AAAA', '!', bomb.slice(0, 400)]) assert.throws(() => xmlOfParameter(text), Refused)
    assert.ok(process.memoryUsage().arrayBuffers - before < 5_000_000)
  })

  it('logout messages: wrapped, unsigned, or older than they may be, they end nothing (samlify #634)', () => {
    const at = (xml: string): string =>
      opened({ binding: 'post', field: field(xml), relayState: undefined }, { expects: 'LogoutRequest' })
    const signed = signElement(logoutRequest(), '_logout', signer)
    assert.equal(at(signed), '_logout')
    assert.equal(at(logoutRequest()), 'saml-unsigned')
    const assertion = signedAssertion(signer)
    const bare = assertion.replace(/<ds:Signature[\s\S]*<\/ds:Signature>/, '')
    const signature = /<ds:Signature[\s\S]*<\/ds:Signature>/.exec(assertion)?.[0] ?? ''
    const extended = (content: string): string =>
      logoutRequest('_forged').replace('</saml:Issuer>', (end) => `${end}${content}`)
    for (const content of [
      assertion,
      `<samlp:Extensions>${assertion}</samlp:Extensions>`,
      `${signature}<samlp:Extensions>${bare}</samlp:Extensions>`,
    ])
      assert.match(at(extended(content)), /^saml-(shape|signature-shape|unsigned)$/)
    const bareInside = logoutRequest().replace(
      '</saml:Issuer>',
      (end) => `${end}<samlp:Extensions>${bare}</samlp:Extensions>`,
    )
    assert.equal(at(signElement(bareInside, '_logout', signer)), 'saml-shape')
    const other = signElement(logoutRequest().replace(ACS, 'https://other.example/slo'), '_logout', signer)
    assert.equal(at(other), 'saml-destination')
    assert.equal(
      opened(
        { binding: 'post', field: field(signed), relayState: undefined },
        { expects: 'LogoutRequest', moment: { now: NOW + 301_000, skewMs: 0 } },
      ),
      'saml-time',
    )
    const message = openMessage(
      { binding: 'post', field: field(signed), relayState: undefined },
      { ...gateRules, expects: 'LogoutRequest', signed: 'message' },
    )
    assert.ok(message.kind === 'message')
    assert.equal(nameIdOf(message.element, []).value, 'alice')
  })

  it('SOAP: the one message of an envelope, by its own signature', () => {
    const signed = signElement(logoutRequest(), '_logout', signer)
    const envelope = (content: string): string =>
      `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>${content}</e:Body></e:Envelope>`
    const at = (body: string): string => opened({ binding: 'soap', body }, { expects: 'LogoutRequest' })
    assert.equal(at(envelope(signed)), '_logout')
    assert.equal(at(envelope(signed + logoutRequest('_two'))), 'saml-shape')
    assert.equal(at(envelope(logoutRequest('_two'))), 'saml-unsigned')
    assert.equal(at(signed), 'saml-shape')
  })

  it('an exclusive canonicalisation with prefixes of types is what OpenSAML writes', () => {
    const uris = { xs: 'http://www.w3.org/2001/XMLSchema', ds: 'http://www.w3.org/2000/09/xmldsig#' }
    const typed = assertionXml().replace(
      '<saml:AttributeValue>',
      '<saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">',
    )
    const alone = new DOMParser().parseFromString(typed.replace(' ID=', ` xmlns:xs="${uris.xs}" ID=`), 'text/xml')
    const prefixes = { inclusiveNamespacesPrefixList: ['xs'] }
    const canonical = new ExclusiveCanonicalization().process(alone.documentElement, prefixes)
    assert.match(canonical, /^<saml:Assertion [^>]*xmlns:xs=/)
    const part = (name: string, algorithm: string, content = ''): string =>
      `<ds:${name} Algorithm="${algorithm}">${content}</ds:${name}>`
    const list = `<ec:InclusiveNamespaces xmlns:ec="${EXCLUSIVE_C14N}" PrefixList="xs"></ec:InclusiveNamespaces>`
    const transforms = part('Transform', ENVELOPED) + part('Transform', EXCLUSIVE_C14N, list)
    const info =
      `<ds:SignedInfo xmlns:ds="${uris.ds}">${part('CanonicalizationMethod', EXCLUSIVE_C14N)}` +
      `${part('SignatureMethod', 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256')}<ds:Reference URI="#${SAID.assertionId}">` +
      `<ds:Transforms>${transforms}</ds:Transforms>${part('DigestMethod', 'http://www.w3.org/2001/04/xmlenc#sha256')}` +
      `<ds:DigestValue>${createHash('sha256').update(canonical).digest('base64')}</ds:DigestValue></ds:Reference></ds:SignedInfo>`
    const value = sign('sha256', Buffer.from(info), signer.key).toString('base64')
    const signature = `<ds:Signature xmlns:ds="${uris.ds}">${info}<ds:SignatureValue>${value}</ds:SignatureValue></ds:Signature>`
    const xml = responseXml(typed.replace('</saml:Issuer>', `</saml:Issuer>${signature}`)).replace(
      '<samlp:Response ',
      `<samlp:Response xmlns:xs="${uris.xs}" `,
    )
    assert.equal(outcome(xml), 'alice')
    assert.equal(outcome(xml.replace('XMLSchema" ', 'Other" ')), 'saml-signature', 'the declaration is signed, too')
  })
})

function logoutRequest(id = '_logout'): string {
  return (
    '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"' +
    ` ID="${id}" Version="2.0" IssueInstant="${new Date(NOW).toISOString()}" Destination="${ACS}">` +
    `<saml:Issuer>${IDP}</saml:Issuer><saml:NameID>alice</saml:NameID></samlp:LogoutRequest>`
  )
}
