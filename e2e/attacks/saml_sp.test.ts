import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  assertionXml,
  idpMetadata,
  newSigner,
  responseXml,
  signedResponse,
  wholeSigned,
  type Said,
} from '../../src/federation/saml/partner.fixture.ts'
import { readIdentityProvider } from '../../src/federation/saml/metadata.ts'
import { signElement } from '../../src/federation/saml/sign.ts'
import { wrappedAs } from '../../src/federation/saml/wrapping.fixture.ts'
import { Client, type Answer } from '../client.ts'
import { until } from '../until.ts'
import type { Rig } from './rig.ts'
import { IDS, MFA, startSamlRig, type Asked, type SamlRig } from './saml-rig.ts'
import { afterwards, runVectors, type Runner, type Vector } from './suite.ts'

let scene: SamlRig
/** One request for most attacks: they are refused, so it stays open, and in the end its honest answer signs in. */
let patient: Asked
const LOGIN_COOKIE = ['login.acme.test', 'SSOTokenID'] as const
const ATTACKER = newSigner()

/** Nobody is signed in, one line says why, and the person sees the one page. A form that is far too large is not even read. */
async function refused(outer: Rig, client: Client, send: () => Promise<Answer>, reasons: RegExp): Promise<void> {
  const answer = await send()
  outer.tally.sent++
  outer.tally.checks++
  assert.equal(client.cookie(...LOGIN_COOKIE), undefined)
  if (answer.status === 413) return
  assert.equal(answer.status, 403, answer.body)
  assert.match(answer.body, /This sign-in is over/)
  expected.push(reasons)
}

/** Why everything was refused, in its order; the log comes a little later than answers. */
const expected: RegExp[] = []

async function logged(): Promise<void> {
  await until('all refusals are in the log', () => scene.refusals().length >= expected.length, { withinMs: 20_000 })
  const said = scene.refusals()
  assert.equal(said.length, expected.length, 'one line each')
  expected.forEach((reasons, index) => assert.match(String(said[index]), reasons, `refusal ${index}`))
}

/** The honest answer to the same request signs in: what was refused before was refused for the attack in it. */
async function signsIn(asked: Asked, xml = scene.honest(asked)): Promise<void> {
  const answer = await scene.arrive(asked, xml)
  assert.equal(answer.status, 303, answer.body)
  assert.notEqual(asked.client.cookie(...LOGIN_COOKIE), undefined)
  await logged()
}

type Make = (asked: Asked) => string | readonly string[]

/** Everything that is made of the honest answer is refused for one of these reasons. */
function attack(make: Make, reasons: RegExp): Runner<Vector> {
  return async (outer) => {
    const asked = patient
    const made = make(asked)
    for (const xml of typeof made === 'string' ? [made] : made) {
      assert.notEqual(xml, scene.honest(asked))
      await refused(outer, asked.client, () => scene.arrive(asked, xml), reasons)
    }
  }
}

/** What was signed is changed afterwards. */
function tampered(changes: readonly ((xml: string) => string)[], reasons: RegExp): Runner<Vector> {
  return attack((asked) => {
    const honest = scene.honest(asked)
    return changes.map((change) => change(honest))
  }, reasons)
}

/** The provider itself signs something that is not for us. */
function signedSo(
  changes: readonly ((assertion: string, response: string) => string)[],
  reasons: RegExp,
): Runner<Vector> {
  return attack((asked) => changes.map((change) => made(asked, { assertion: (xml) => change(xml, '') })), reasons)
}

interface Changes {
  readonly says?: Partial<Said>
  readonly assertion?: (xml: string) => string
  readonly response?: (xml: string) => string
}

function made(asked: Asked, { says, assertion = same, response = same }: Changes): string {
  const all = scene.says(asked, says)
  const signed = signElement(assertion(assertionXml(all)), all.assertionId ?? '', scene.corp)
  return response(responseXml(signed, all))
}

/** `changes` that say what time it is are made when the attack begins: the files before this one may take minutes. */
function makes(changes: readonly Changes[] | (() => readonly Changes[]), reasons: RegExp): Runner<Vector> {
  const all = typeof changes === 'function' ? changes : () => changes
  return attack((asked) => all().map((each) => made(asked, each)), reasons)
}

const same = (xml: string): string => xml
const swap = (from: string | RegExp, to: string) => (xml: string) => xml.replace(from, () => to)
const shape =
  (name: string): Make =>
  (asked) =>
    wrappedAs(name, scene.honest(asked), 'admin')
const WRAPPED = /^saml-(shape|signature|signature-shape|unsigned|xml)$/
const DSIG = 'http://www.w3.org/2000/09/xmldsig#'
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#'
const method = (uri: string) => swap(/(?<=SignatureMethod Algorithm=")[^"]+/, uri)
const transform = (uri: string) => swap(/(?<=Transform Algorithm=")[^"]*enveloped-signature/, uri)
const canonical = (uri: string) => swap(/(?<=CanonicalizationMethod Algorithm=")[^"]+/, uri)
const reference = (uri: string) => swap(/(?<=Reference URI=")[^"]+/, uri)
const inName = (content: string) => swap('>alice<', `>${content}<`)
const capturedIn =
  (name: string, more = ''): Make =>
  (asked) => {
    const assertion = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(scene.honest(asked))?.[0] ?? ''
    const head = `xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_forged" Version="2.0"`
    const when = `IssueInstant="${new Date().toISOString()}" Destination="${scene.acs}"`
    return `<samlp:${name} ${head} ${when}><saml:Issuer>${IDS.corp}</saml:Issuer>${more}<samlp:Extensions>${assertion}</samlp:Extensions></samlp:${name}>`
  }
const iso = (offsetMs: number): string => new Date(Date.now() + offsetMs).toISOString()
const window = (name: 'NotBefore' | 'NotOnOrAfter', value: string) => (xml: string) =>
  xml.replace(new RegExp(`(?<=<saml:Conditions[^>]*${name}=")[^"]+`), value)
const confirmed = (attributes: string) =>
  swap(/<saml:SubjectConfirmationData[^>]*\/>/, `<saml:SubjectConfirmationData ${attributes}/>`)
const once = (xml: string, tag: string): string =>
  new RegExp(`<saml:${tag}>?[\\s\\S]*</saml:${tag}>`).exec(xml)?.[0] ?? ''
const twice = (tag: string) => (xml: string) => xml.replace(once(xml, tag), (each) => each + each)

/** A metadata document that somebody has put around one that is signed. */
const wrappedMetadata: Runner<Vector> = (outer) => {
  outer.tally.sent++
  outer.tally.checks++
  const at = { entityId: IDS.corp, signers: [scene.corp.partnerKey], now: Date.now() }
  const bare = idpMetadata(scene.corp, { idp: IDS.corp }).replace(
    '<md:EntityDescriptor',
    '<md:EntityDescriptor ID="_metadata"',
  )
  const signed = signElement(bare, '_metadata', scene.corp)
  assert.equal(readIdentityProvider(signed, at).kind, 'read')
  const forged = idpMetadata(ATTACKER, { idp: IDS.corp })
  for (const inner of [forged + signed, signed + forged, signed]) {
    const all = `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">${inner}</md:EntitiesDescriptor>`
    assert.equal(readIdentityProvider(all, at).kind, 'refused')
  }
  return Promise.resolve()
}

/** Bytes that are no honest Base64 of an honest message. */
const encodings: Runner<Vector> = async (outer) => {
  const asked = patient
  const honest = Buffer.from(scene.honest(asked)).toString('base64')
  const bytes = (text: string): string => Buffer.from(text).toString('base64')
  const fields = [
    honest.replace(/^..../, '$& '),
    `${honest} `,
    honest.replaceAll('=', ''),
    `${honest}====`,
    Buffer.from(scene.honest(asked)).toString('base64url'),
    bytes(`x${scene.honest(asked)}`),
    bytes(`${scene.honest(asked)}x`),
    bytes(`\ufeff${scene.honest(asked)}`),
    '',
    '%00',
  ].filter((each) => each !== honest)
  for (const SAMLResponse of fields)
    await refused(
      outer,
      asked.client,
      () => scene.send(asked.client, { SAMLResponse, RelayState: asked.relayState }),
      /^saml-(encoding|xml)$/,
    )
}

const charsets: Runner<Vector> = async (outer) => {
  const asked = patient
  const xml = scene.honest(asked)
  const declared = (name: string): string => `<?xml version="1.0" encoding="${name}"?>${xml}`
  const texts = [
    Buffer.from(declared('UTF-16'), 'utf16le'),
    Buffer.from(`\ufeff${xml}`, 'utf16le'),
    Buffer.from(declared('UTF-7')),
    Buffer.from(declared('cp037')),
    Buffer.from(declared('ISO-8859-1')),
    Buffer.from(`\ufeff${xml}`),
    Buffer.concat([Buffer.from(xml), Buffer.from([0xff])]),
  ]
  for (const text of texts) {
    const form = { SAMLResponse: text.toString('base64'), RelayState: asked.relayState }
    await refused(outer, asked.client, () => scene.send(asked.client, form), /^saml-(encoding|xml)$/)
  }
}

const replayed: Runner<Vector> = async (outer) => {
  const asked = await scene.depart()
  const honest = scene.honest(asked)
  const form = { SAMLResponse: Buffer.from(honest).toString('base64'), RelayState: asked.relayState }
  const both = await Promise.all([scene.send(asked.client, form), scene.send(asked.client, form)])
  expected.push(/^saml-replayed$/)
  assert.deepEqual(both.map(({ status }) => status).sort(), [303, 403], 'at once, one counts')
  const [other, again] = [new Client(), await scene.depart()]
  for (const client of [other, again.client])
    await refused(outer, client, () => scene.arrive({ ...again, client }, honest), /^saml-replayed$/)
  // The same assertion in another message, and at our other address.
  const assertion = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(honest)?.[0] ?? ''
  const renamed = responseXml(assertion, scene.says({ ...asked }))
  await refused(outer, other, () => scene.arrive({ ...again, client: other }, renamed), /^saml-replayed$/)
  const alias = '/openam/Consumer/metaAlias/staff/sp'
  await refused(outer, other, () => scene.arrive({ ...again, client: other }, honest, alias), /^saml-destination$/)
  await logged()
}

/** Whoever posts it has not asked for it, or for something else. */
const otherRequest: Runner<Vector> = async (outer) => {
  const [attacker, victim] = [await scene.depart(), await scene.depart()]
  const stranger = new Client()
  const answer = await scene.arrive({ ...attacker, client: stranger }, scene.honest(attacker))
  assert.equal(answer.status, 403)
  assert.equal(stranger.cookie(...LOGIN_COOKIE), undefined)
  const mixed = await scene.arrive(
    { ...attacker, client: victim.client, relayState: victim.relayState },
    scene.honest(attacker),
  )
  assert.equal(mixed.status, 200, 'the login begins anew')
  expected.push(/^provider-refused$/)
  const asked = await scene.depart()
  for (const inResponseTo of [undefined, '_made-up']) {
    const other = await scene.depart()
    const again = await scene.arrive(other, scene.honest(asked, { inResponseTo }))
    expected.push(inResponseTo === undefined ? /^saml-in-response-to$/ : /^provider-refused$/)
    assert.notEqual(again.status, 303)
    assert.equal(other.client.cookie(...LOGIN_COOKIE), undefined)
  }
  outer.tally.sent++
  outer.tally.checks++
}

const weaker: Runner<Vector> = async (outer) => {
  const asked = await scene.depart('strong')
  const answer = await scene.arrive(asked, scene.honest(asked))
  assert.equal(answer.status, 200)
  assert.match(answer.body, /has not asked for enough|not (?:as )?strong|enough/i)
  expected.push(/^provider-too-weak$/)
  assert.equal(asked.client.cookie(...LOGIN_COOKIE), undefined)
  const again = await scene.depart('strong')
  await signsIn(again, scene.honest(again, { context: MFA }))
  outer.tally.sent++
  outer.tally.checks++
}

const otherDomain: Runner<Vector> = async (outer) => {
  const says = (mail: string) => ({ idp: `${IDS.corp}/mail`, name: `n-${mail}`, attributes: { mail } })
  for (const mail of ['admin@victim.example', 'admin@victim.example@corp.example', 'admin@corp.example.evil.example']) {
    const asked = await scene.depart('mail')
    const answer = await scene.arrive(asked, scene.honest(asked, says(mail)))
    assert.equal(answer.status, 200, answer.body)
    expected.push(/^provider-nobody$/)
    assert.equal(asked.client.cookie(...LOGIN_COOKIE), undefined)
  }
  const asked = await scene.depart('mail')
  await signsIn(asked, scene.honest(asked, says('alice@corp.example')))
  outer.tally.sent++
  outer.tally.checks++
}

/** Markup in what somebody chose for themselves stays text. */
const markup: Runner<Vector> = async (outer) => {
  const asked = await scene.depart()
  const nick = '&lt;/saml:AttributeValue&gt;&lt;/saml:Attribute&gt;&lt;saml:NameID&gt;admin&lt;/saml:NameID&gt;'
  await signsIn(asked, scene.honest(asked, { attributes: { nick } }))
  assert.match((await asked.client.open(`${scene.login}/`)).body, /\balice\b/)
  outer.tally.sent++
  outer.tally.checks++
}

const paos: Runner<Vector> = async (outer) => {
  const headers = { accept: 'text/html; application/vnd.paos+xml', paos: 'ver="urn:liberty:paos:2003-08"' }
  const answer = await new Client().call(`http://app.acme.test:${scene.rig.port}/x`, { headers })
  assert.ok([302, 303, 401].includes(answer.status))
  assert.doesNotMatch(answer.body, /Envelope|AuthnRequest/)
  outer.tally.sent++
  outer.tally.checks++
}

const otherForms: Runner<Vector> = async (outer) => {
  const asked = await scene.depart()
  const { client, relayState } = asked
  const field = Buffer.from(scene.honest(asked)).toString('base64')
  const pair = `SAMLResponse=${encodeURIComponent(field)}`
  const queries = [`${pair}&RelayState=${relayState}`, `provider=corp&state=${relayState}&ticket=x&${pair}`]
  for (const query of queries) assert.ok([403, 404].includes((await client.call(`${scene.acs}?${query}`)).status))
  const boundary = `--b\r\ncontent-disposition: form-data; name="SAMLResponse"\r\n\r\n${field}\r\n--b--\r\n`
  const statuses = [
    await scene.raw(JSON.stringify({ SAMLResponse: field }), 'application/json'),
    await scene.raw(boundary, 'multipart/form-data; boundary=b'),
    await scene.raw(`${pair}&${pair}`, 'application/x-www-form-urlencoded'),
  ]
  assert.deepEqual(statuses, [403, 403, 403])
  assert.equal(client.cookie(...LOGIN_COOKIE), undefined)
  outer.tally.sent++
  outer.tally.checks++
}

const tooLarge: Runner<Vector> = async (outer) => {
  const asked = await scene.depart()
  const body = `SAMLResponse=${'A'.repeat(20_000_000)}`
  const answer = await scene.send(asked.client, { SAMLResponse: body }).catch(() => undefined)
  assert.ok(answer === undefined || answer.status === 413)
  await refused(
    outer,
    asked.client,
    () => scene.arrive(asked, scene.honest(asked) + ' '.repeat(65_536)),
    /^saml-encoding$/,
  )
  await signsIn(asked)
}

const artifact: Runner<Vector> = async (outer) => {
  const client = new Client()
  const SAMLart = Buffer.concat([Buffer.from([0, 4, 0, 0]), Buffer.alloc(40, 7)]).toString('base64')
  const answers = [
    await client.call(`${scene.acs}?${new URLSearchParams({ SAMLart })}`),
    await client.call(scene.acs, { form: { SAMLart }, headers: { 'sec-fetch-site': 'cross-site' } }),
  ]
  assert.deepEqual(
    answers.map(({ status }) => status),
    [404, 403],
  )
  assert.equal(client.cookie(...LOGIN_COOKIE), undefined)
  outer.tally.sent++
  outer.tally.checks++
}

const expiredCertificate: Runner<Vector> = async (outer) => {
  const asked = await scene.depart('expired')
  const xml = signedResponse(scene.expired, scene.says(asked, { idp: `${IDS.corp}/expired` }))
  await refused(outer, asked.client, () => scene.arrive(asked, xml), /^saml-certificate$/)
  await logged()
}

const C14N = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315'
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#'
const prefixes = (list: string) => `<ec:InclusiveNamespaces xmlns:ec="${EXCLUSIVE}" PrefixList="${list}"/>`

runVectors<Vector>('saml_sp', {
  beyond() {
    test('what was refused was refused for the attack in it: the honest answer to the same request signs in', () =>
      signsIn(patient))
  },
  async setUp() {
    scene = await startSamlRig()
    afterwards(() => scene.close())
    patient = await scene.depart()
  },
  only: {
    'xsw-2': attack((asked) => {
      const all = scene.says(asked)
      const signed = wholeSigned(scene.corp, responseXml(assertionXml(all), all), all.responseId)
      const signature = /<ds:Signature[\s\S]*<\/ds:Signature>/.exec(signed)?.[0] ?? ''
      const bare = signed.replace(signature, '')
      const evil = bare.replace(/ ID="[^"]+"/, ' ID="_forged"').replace('>alice<', '>admin<')
      return [evil.replace('</saml:Issuer>', (end) => `${end}${bare}${signature}`)]
    }, WRAPPED),
    'xsw-3': attack(shape('a forged assertion before the signed one'), WRAPPED),
    'xsw-4': attack(shape('the signed assertion in the forged one'), WRAPPED),
    'xsw-5': attack(shape('the signature in the forged assertion, the original after it'), WRAPPED),
    'xsw-6': attack(shape('the original in the signature, which moved into the forged assertion'), WRAPPED),
    'xsw-7': attack(shape('a forged assertion in Extensions'), WRAPPED),
    'xsw-9': attack(shape('two SignedInfo'), WRAPPED),
    'xsw-10': attack(shape('a forged assertion after the signed one'), WRAPPED),
    'xsw-11': attack(shape('the signed assertion in StatusDetail'), WRAPPED),
    'xsw-12': attack(shape('the signed assertion in Advice'), WRAPPED),
    'xsw-13': attack(shape('the signed assertion in SubjectConfirmationData'), WRAPPED),
    'xsw-14': attack(capturedIn('LogoutRequest', '<saml:NameID>admin</saml:NameID>'), WRAPPED),
    'xsw-15': attack(capturedIn('AuthnRequest'), WRAPPED),
    'xsw-16': wrappedMetadata,
    'xsw-17': attack(capturedIn('ArtifactResponse'), WRAPPED),
    'sig-removed': tampered([(xml) => xml.replaceAll(/<ds:Signature[\s\S]*?<\/ds:Signature>/g, '')], /^saml-unsigned$/),
    'sig-two-refs': tampered(
      [(xml) => xml.replace(/<ds:Reference[\s\S]*<\/ds:Reference>/, (each) => each + each)],
      WRAPPED,
    ),
    'sig-ref-other': tampered([reference('#_session'), reference('#_response')], WRAPPED),
    'sig-ref-xpointer': tampered(
      ["#xpointer(id('x'))", '#', '', 'http://127.0.0.1:9/evil', '#xpointer(/)'].map(reference),
      WRAPPED,
    ),
    'sig-transform-xslt': tampered(
      [
        transform('http://www.w3.org/TR/1999/REC-xslt-19991116'),
        transform('http://www.w3.org/TR/1999/REC-xpath-19991116'),
      ],
      /^saml-algorithm$/,
    ),
    'sig-transform-many': tampered(
      [10_000, 300].map(
        (count) => (xml: string) =>
          xml.replace(/<ds:Transform .*?\/>/, (each) => '<ds:Transform Algorithm="a"/>'.repeat(count) + each),
      ),
      /^saml-(encoding|xml|algorithm|signature-shape)$/,
    ),
    'sig-c14n-comments': tampered(
      [`${EXCLUSIVE}WithComments`, C14N, `${C14N}#WithComments`, 'urn:unknown'].map(canonical),
      /^saml-algorithm$/,
    ),
    'sig-c14n-prefixlist': tampered(
      [
        swap(
          /(<ds:CanonicalizationMethod[^>]*)\/>/,
          `<ds:CanonicalizationMethod Algorithm="${EXCLUSIVE}">${prefixes('saml')}</ds:CanonicalizationMethod>`,
        ),
        ...['#default', 'x y z '.repeat(9), '*', ''].map((list) =>
          swap(
            `<ds:Transform Algorithm="${EXCLUSIVE}"/>`,
            `<ds:Transform Algorithm="${EXCLUSIVE}">${prefixes(list)}</ds:Transform>`,
          ),
        ),
        swap(
          `<ds:Transform Algorithm="${EXCLUSIVE}"/>`,
          `<ds:Transform Algorithm="${EXCLUSIVE}">${prefixes('xs')}</ds:Transform>`,
        ),
      ],
      /^saml-(algorithm|signature-shape|signature)$/,
    ),
    'sig-multi-signedinfo': attack(shape('two SignedInfo'), WRAPPED),
    'sig-hmac': tampered([`${DSIG}hmac-sha1`, `${MORE}hmac-sha256`].map(method), /^saml-algorithm$/),
    'sig-sha1': tampered(
      [method(`${DSIG}rsa-sha1`), swap(/(?<=DigestMethod Algorithm=")[^"]+/, `${DSIG}sha1`)],
      /^saml-algorithm$/,
    ),
    'sig-md5': tampered([method(`${MORE}rsa-md5`)], /^saml-algorithm$/),
    'sig-alg-unknown': tampered([method('urn:unknown'), method('')], /^saml-algorithm$/),
    'sig-keyinfo-self': attack((asked) => signedResponse(ATTACKER, scene.says(asked)), /^saml-signature$/),
    'sig-keyinfo-clone': attack(
      (asked) => signedResponse({ ...ATTACKER, certificate: scene.corp.certificate }, scene.says(asked)),
      /^saml-signature$/,
    ),
    'sig-other-idp': attack((asked) => signedResponse(scene.other, scene.says(asked)), /^saml-signature$/),
    'sig-expired-cert': expiredCertificate,
    'sig-root-only-wanted': attack((asked) => {
      const all = scene.says(asked)
      return wholeSigned(scene.corp, responseXml(assertionXml(all), all), all.responseId)
    }, /^saml-unsigned$/),
    'id-attr-forms': tampered(
      ['Id', 'id', 'xml:id', 'AssertionID', 'evil:ID'].flatMap((name) => [
        (xml: string) => xml.replace('<samlp:Status>', `<samlp:Status xmlns:evil="urn:evil" ${name}="_x">`),
        (xml: string) =>
          xml.replace(/<saml:Assertion ([^>]*) ID=/, `<saml:Assertion $1 xmlns:evil="urn:evil" ${name}=`),
      ]),
      /^saml-xml$/,
    ),
    'void-c14n': tampered(
      ['', '1', 'relative/path', '//evil'].map((uri) => swap('<samlp:Status>', `<samlp:Status xmlns:v="${uri}">`)),
      /^saml-xml$/,
    ),
    'parser-diff-ns': tampered(
      [
        swap('<samlp:Status>', '<samlp:Status xmlns:v="urn:\u0080x">'),
        (xml) => `<!DOCTYPE x [<!ATTLIST saml:Assertion ID CDATA #FIXED "_x">]>${xml}`,
      ],
      /^saml-xml$/,
    ),
    'pi-attr': tampered(
      [
        inName('ali<?x y?>ce'),
        swap('@corp.example<', '@corp<?x?>.example<'),
        swap('<saml:Audience>', '<saml:Audience><?x?>'),
      ],
      /^saml-xml$/,
    ),
    'cdata-nameid': tampered(
      [inName('<![CDATA[alice]]>'), inName('ali<![CDATA[]]>ce'), inName('ali<!---->ce')],
      /^saml-xml$/,
    ),
    'ws-nameid': makes(
      [' alice', 'alice ', '\n alice', 'ali\u200bce', 'alice\u00a0'].map((name) => ({ says: { name } })),
      /^saml-shape$/,
    ),
    'nested-nameid': makes([{ says: { name: '<saml:x/>alice' } }], /^saml-shape$/),
    'two-subject': signedSo(
      [
        twice('Subject'),
        (xml) => xml.replace(/<saml:AuthnStatement[\s\S]*<\/saml:AuthnStatement>/, (each) => each + each),
      ],
      /^saml-(shape|authn)$/,
    ),
    dtd: tampered(
      [(xml) => `<!DOCTYPE foo>${xml}`, (xml) => `<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "alice">]>${xml}`],
      /^saml-xml$/,
    ),
    'xxe-param': tampered(
      [(xml) => `<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]>${xml}`, inName('&xxe;')],
      /^saml-xml$/,
    ),
    xinclude: makes(
      [{ says: { name: '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>' } }],
      /^saml-shape$/,
    ),
    attrs: tampered(
      [50_000, 60].map((count) =>
        swap('<samlp:Status>', `<samlp:Status ${Array.from({ length: count }, (_, i) => `a${i}="1"`).join(' ')}>`),
      ),
      /^saml-(encoding|xml)$/,
    ),
    big: tooLarge,
    'b64-junk': encodings,
    utf16: charsets,
    'two-roots': tampered([(xml) => xml + xml, (xml) => `<x/>${xml}`], /^saml-xml$/),
    replay: replayed,
    'irt-wrong': otherRequest,
    'irt-split': makes(
      [
        { assertion: swap(/ InResponseTo="[^"]+"/, '') },
        { assertion: swap(/(?<=InResponseTo=")[^"]+/, '_other') },
        { response: swap(/ InResponseTo="[^"]+"/, '') },
        { response: swap(/(?<=InResponseTo=")[^"]+/, '_other') },
      ],
      /^saml-in-response-to$/,
    ),
    'dest-wrong': attack(
      (asked) =>
        ['https://evil.example/acs', `${scene.acs}/`, scene.acs.replace('http:', 'https:'), '', `${scene.acs}?x=1`]
          .map((uri) => made(asked, { response: swap(/(?<=Destination=")[^"]+/, uri) }))
          .concat(made(asked, { response: swap(/ Destination="[^"]+"/, '') })),
      /^saml-destination$/,
    ),
    'recipient-wrong': makes(
      [
        { assertion: swap(/(?<=Recipient=")[^"]+/, 'https://evil.example/acs') },
        { assertion: swap(/ Recipient="[^"]+"/, '') },
      ],
      /^saml-destination$/,
    ),
    'cond-missing': makes(
      [
        { assertion: swap(/<saml:Conditions[\s\S]*<\/saml:Conditions>/, '') },
        { assertion: swap(/<saml:AudienceRestriction>[\s\S]*<\/saml:AudienceRestriction>/, '') },
        { assertion: swap(/(?<=<saml:Audience>)[^<]+/, 'https://other.example') },
        ...['saml:Condition', 'saml:ProxyRestriction', 'x:Odd xmlns:x="urn:x"'].map((name) => ({
          assertion: swap('<saml:AudienceRestriction>', `<${name}/><saml:AudienceRestriction>`),
        })),
      ],
      /^saml-(shape|audience|conditions)$/,
    ),
    time: makes(
      () => [
        { assertion: window('NotBefore', iso(60_000)) },
        { assertion: window('NotOnOrAfter', iso(-1)) },
        { says: { sessionEnds: Date.now() - 1 } },
        { says: { authnInstant: Date.now() + 60_000 } },
        { response: swap(/(?<=IssueInstant=")[^"]+/, iso(60_000)) },
        { response: swap(/(?<=IssueInstant=")[^"]+/, iso(-600_000)) },
        ...[
          'yesterday',
          '2040-01-01T00:00:00',
          '2040-01-01T00:00:00+14:00',
          '2040-06-30T23:59:60Z',
          '2040-02-30T00:00:00Z',
          '',
        ].map((text) => ({ assertion: window('NotOnOrAfter', text) })),
      ],
      /^saml-(time|authn)$/,
    ),
    confirm: makes(
      [
        { assertion: swap(/<saml:SubjectConfirmation [\s\S]*<\/saml:SubjectConfirmation>/, '') },
        { assertion: swap('cm:bearer', 'cm:holder-of-key') },
        { assertion: swap('cm:bearer', 'cm:sender-vouches') },
        {
          assertion: (xml) =>
            xml.replace(/<saml:SubjectConfirmation [\s\S]*<\/saml:SubjectConfirmation>/, (each) => each + each),
        },
        {
          assertion: swap(
            '<saml:SubjectConfirmationData ',
            `<saml:SubjectConfirmationData NotBefore="${iso(-1_000)}" `,
          ),
        },
        { assertion: swap(/(<saml:SubjectConfirmationData) NotOnOrAfter="[^"]+"/, '<saml:SubjectConfirmationData') },
        { assertion: confirmed('') },
      ],
      /^saml-(shape|subject|time|destination)$/,
    ),
    issuer: makes(
      [
        { response: swap(/<saml:Issuer[^>]*>[^<]*<\/saml:Issuer>/, '') },
        {
          response: swap(
            '<saml:Issuer ',
            '<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" ',
          ),
        },
        { response: swap(`>${IDS.corp}<`, `>${IDS.corp.toUpperCase()}<`) },
        { response: swap(`>${IDS.corp}<`, `>${IDS.corp} <`) },
        { response: swap(`>${IDS.corp}<`, `>${IDS.other}<`) },
        { says: { idp: IDS.other }, response: swap(`>${IDS.other}<`, `>${IDS.corp}<`) },
      ],
      /^saml-(issuer|shape|signature)$/,
    ),
    status: makes(
      [
        { response: swap(/status:Success/, 'status:Responder') },
        {
          response: swap(
            /<samlp:StatusCode[^>]*\/>/,
            '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext"/></samlp:StatusCode>',
          ),
        },
        { response: (xml) => xml.replace(/<samlp:StatusCode[^>]*\/>/, (each) => each + each) },
        { response: swap(/<samlp:Status>[\s\S]*<\/samlp:Status>/, '') },
      ],
      /^saml-(status|shape)$/,
    ),
    version: makes(
      ['1.1', '3.0', ''].flatMap((version) => [
        { response: swap(/(?<=Version=")2\.0/, version) },
        { assertion: swap(/(?<=Version=")2\.0/, version) },
      ]),
      /^saml-version$/,
    ),
    acr: weaker,
    'sub-domain': otherDomain,
    'attr-inject': markup,
    ecp: paos,
    'content-type': otherForms,
    artifact,
  },
})
