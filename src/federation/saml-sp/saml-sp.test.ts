import assert from 'node:assert/strict'
import { inflateRawSync } from 'node:zlib'
import { test, type TestContext } from 'node:test'
import type { EpochMs } from '../../base/brand.ts'
import { managedBench, newUser, REALM } from '../../identity/managed/managed.fixture.ts'
import type { LoginWish } from '../login-provider.ts'
import { readDocument } from '../saml/document.ts'
import { openMessage } from '../saml/gate.ts'
import {
  field,
  idpMetadata,
  newSigner,
  responseXml,
  said,
  SAID,
  signedAssertion,
  type Said,
} from '../saml/partner.fixture.ts'
import { openSamlProviders, type SamlProviders } from './open-providers.ts'
import { samlProviderSchema } from './providers.schema.ts'
import { markOf } from './session-mark.ts'

const ORIGIN = 'https://login.example'
const ACS = `${ORIGIN}/saml2${REALM}/acs`
const US = `${ORIGIN}/saml2${REALM}/metadata`
const PATH = `/saml2${REALM}/acs`
const WISH: LoginWish = { acr: [], maxAgeMs: undefined, loginHint: undefined }
const quiet = (): void => undefined

const corp = newSigner()
const ours = newSigner()

/** People of one realm who sign in by `corp`; `alice` is the NameID `alice` there. */
async function scene(t: TestContext, more: object = {}) {
  const people = managedBench(t)
  const { store, sealer, records, directory } = await people.process()
  await records.create({
    ...newUser('alice', 'hash of alice'),
    attributes: { externalId: ['alice'], mail: ['alice@corp.example'] },
  })
  const config = samlProviderSchema.parse({
    ...{ type: 'saml', title: 'Corp', entityId: SAID.idp, metadata: idpMetadata(corp) },
    ...{ link: { claim: 'sub', is: 'externalId' }, ...more },
  })
  const refusals: string[] = []
  const open = (): SamlProviders =>
    openSamlProviders([{ name: 'corp', config }], {
      ...{ realm: REALM, directory, store, sealer, entityId: US, longestMs: 60_000, loginOrigin: ORIGIN },
      provisioning: { records, noPassword: () => Promise.resolve('hash of nothing') },
      keys: { signing: () => ours, all: () => [ours] },
      sessions: { ofUser: () => Promise.resolve([]) },
      clock: () => Date.now() as EpochMs,
      log: { warn: quiet, info: (facts) => void refusals.push(Reflect.get(Object(facts), 'reason') as string) },
    })
  const { providers, consumer } = open()
  const provider = providers[0]
  assert.ok(provider !== undefined)
  const depart = async (wish: Partial<LoginWish> = {}) => {
    const departure = await provider.depart({ ...WISH, ...wish })
    assert.ok(departure.kind === 'departed')
    return departure
  }
  /** What the provider answers, and what becomes of it: a name, or why there is none. */
  const arrive = async (departure: Awaited<ReturnType<typeof depart>>, says: Partial<Said> = {}): Promise<string> => {
    const { ID } = requestIn(departure.url)
    const all = said({ sp: US, acs: ACS, inResponseTo: ID, ...says })
    const xml = responseXml(signedAssertion(corp, all), all)
    const received = await consumer.receive({ path: PATH, field: field(xml), relayState: departure.state })
    if (received.kind === 'refused') return received.reason
    const arrival = await provider.arrive(departure.pending, received.ticket)
    return arrival.kind === 'refused' ? arrival.reason : arrival.user.username
  }
  return { provider, consumer, depart, arrive, refusals, another: open }
}

/** Attributes of the request that an address brings. */
function requestIn(url: string): Readonly<Record<string, string>> {
  const message = new URL(url).searchParams.get('SAMLRequest') ?? ''
  return Object.fromEntries(readDocument(inflateRawSync(Buffer.from(message, 'base64')).toString()).attributes)
}

test('there and back: the request is ours, the answer counts once, and who it is comes from signed octets', async (t) => {
  const { depart, arrive, provider, consumer } = await scene(t)
  const departure = await depart()
  const { Destination, AssertionConsumerServiceURL, ForceAuthn, IsPassive } = requestIn(departure.url)
  assert.deepEqual([Destination, AssertionConsumerServiceURL], ['https://idp.example/sso', ACS])
  assert.deepEqual([ForceAuthn, IsPassive], [undefined, undefined])
  assert.equal(await arrive(departure), 'alice')
  const { ID } = requestIn(departure.url)
  const all = said({ sp: US, acs: ACS, inResponseTo: ID })
  const form = { path: PATH, field: field(responseXml(signedAssertion(corp, all), all)), relayState: departure.state }
  const [one, other] = await Promise.all([consumer.receive(form), consumer.receive(form)])
  assert.deepEqual([one.kind, other.kind].sort(), ['parked', 'refused'], 'at once, one of two')
  const { ticket } = one.kind === 'parked' ? one : other.kind === 'parked' ? other : assert.fail()
  const arrival = await provider.arrive(departure.pending, ticket)
  assert.ok(arrival.kind === 'recognised')
  assert.equal(markOf(arrival)?.provider, 'corp')
  assert.equal(arrival.acr, SAID.context)
  assert.ok(
    !JSON.stringify(arrival.properties).includes('_session'),
    'what the provider calls its session is kept sealed',
  )
  const again = await provider.arrive(departure.pending, ticket)
  assert.equal(again.kind === 'refused' && again.reason, 'provider-replayed')
})

test('two processes on one store: an answer counts once, whichever gets it, and what one has kept the other finds', async (t) => {
  const { depart, consumer, another } = await scene(t)
  const departure = await depart()
  const all = said({ sp: US, acs: ACS, inResponseTo: requestIn(departure.url)['ID'] })
  const form = { path: PATH, field: field(responseXml(signedAssertion(corp, all), all)), relayState: undefined }
  const other = another()
  const received = await consumer.receive(form)
  assert.deepEqual(await other.consumer.receive(form), { kind: 'refused', reason: 'saml-replayed' })
  assert.ok(received.kind === 'parked')
  const arrival = await other.providers[0]?.arrive(departure.pending, received.ticket)
  assert.equal(arrival?.kind, 'recognised')
})

test('what was asked for is a condition: a class of the list, and a proof from after the request (ForceAuthn)', async (t) => {
  const { depart, arrive } = await scene(t)
  const acr = ['urn:strong', 'urn:stronger']
  const strong = await depart({ acr })
  assert.equal(await arrive(strong), 'provider-too-weak')
  assert.equal(await arrive(await depart({ acr }), { context: 'urn:stronger' }), 'alice')
  const forced = await depart({ maxAgeMs: 60_000, isPassive: true })
  assert.deepEqual([requestIn(forced.url)['ForceAuthn'], requestIn(forced.url)['IsPassive']], ['true', 'true'])
  assert.equal(await arrive(forced, { authnInstant: Date.now() - 10_000 }), 'provider-too-weak')
  assert.equal(await arrive(await depart({ maxAgeMs: 60_000 }), { authnInstant: Date.now() }), 'alice')
})

test('somebody is known by a name that lasts: a transient one is nobody’s without an attribute that is', async (t) => {
  const transient = { nameFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' }
  const bare = await scene(t)
  assert.equal(await bare.arrive(await bare.depart(), transient), 'provider-nobody')
  const { depart, arrive } = await scene(t, { subject: 'uid' })
  const says = (uid: string) => ({ ...transient, name: '_once', attributes: { uid } })
  assert.equal(await arrive(await depart(), says('alice')), 'alice')
  assert.equal(await arrive(await depart(), says('nobody')), 'provider-nobody')
  assert.equal(await arrive(await depart(), { ...transient, attributes: {} }), 'provider-nobody')
  const byMail = await scene(t, { link: { claim: 'mail', is: 'mail' }, domains: ['corp.example'] })
  const mail = (address: string) => ({ name: `n-${address}`, attributes: { mail: address } })
  assert.equal(await byMail.arrive(await byMail.depart(), mail('alice@corp.example')), 'alice')
  const elsewhere = await scene(t, { link: { claim: 'mail', is: 'mail' }, domains: ['other.example'] })
  assert.equal(await elsewhere.arrive(await elsewhere.depart(), mail('alice@corp.example')), 'provider-nobody')
  // Names of accounts are compared folded (NFKC): made by one of these signs, it would be the other company's name here.
  const made = await scene(t, { link: undefined, create: { username: 'mail' }, domains: ['corp.example'] })
  for (const sign of ['@', '\uff20', '\ufe6b'])
    assert.equal(await made.arrive(await made.depart(), mail(`boss${sign}other.example`)), 'provider-nobody', sign)
})

test('a name of another form than the provider was asked for is another name', async (t) => {
  const { depart, arrive } = await scene(t, { nameIdFormat: 'persistent' })
  const form = (name: string): string => `urn:oasis:names:tc:SAML:${name}`
  assert.equal(await arrive(await depart(), { nameFormat: form('2.0:nameid-format:persistent') }), 'alice')
  for (const name of ['1.1:nameid-format:emailAddress', '1.1:nameid-format:unspecified'])
    assert.equal(await arrive(await depart(), { nameFormat: form(name) }), 'provider-nobody', name)
  const any = await scene(t, { nameIdFormat: 'unspecified' })
  assert.equal(await any.arrive(await any.depart()), 'alice')
})

test('unasked: where a provider may; the answer to a request is none', async (t) => {
  const send = async ({ consumer }: Awaited<ReturnType<typeof scene>>, inResponseTo: string | undefined) => {
    const all = said({ sp: US, acs: ACS, inResponseTo })
    return consumer.receive({ path: PATH, field: field(responseXml(signedAssertion(corp, all), all)), relayState: 'x' })
  }
  const usual = await scene(t)
  assert.ok(!('arriveUnasked' in usual.provider))
  assert.deepEqual(await send(usual, undefined), { kind: 'refused', reason: 'saml-in-response-to' })
  const open = await scene(t, { unsolicited: true })
  const [unasked, answer] = [await send(open, undefined), await send(open, '_made-up')]
  assert.ok(unasked.kind === 'parked' && answer.kind === 'parked')
  assert.deepEqual([unasked.isAnswer, answer.isAnswer], [false, true])
  assert.equal((await open.provider.arriveUnasked?.(unasked.ticket))?.kind, 'recognised')
  assert.equal((await open.provider.arriveUnasked?.(answer.ticket))?.kind, 'refused')
  const departure = await open.depart()
  const again = await send(open, undefined)
  assert.ok(again.kind === 'parked')
  assert.equal((await open.provider.arrive(departure.pending, again.ticket)).kind, 'refused')
  const other = await send(open, '_made-up')
  assert.ok(other.kind === 'parked')
  assert.equal((await open.provider.arrive(departure.pending, other.ticket)).kind, 'refused')
})

test('a request in a form is signed as a message', async (t) => {
  const { depart } = await scene(t, { binding: 'post', nameIdFormat: 'email' })
  const { url, fields, state } = await depart()
  assert.deepEqual([url, fields?.['RelayState']], ['https://idp.example/sso', state])
  const opened = openMessage(
    { binding: 'post', field: fields?.['SAMLRequest'] ?? '', relayState: state },
    {
      ...{ expects: 'AuthnRequest', destinations: [url], signed: 'message', moment: { now: Date.now(), skewMs: 0 } },
      partner: (entityId) => ({ entityId, keys: [ours.partnerKey] }),
    },
  )
  assert.ok(opened.kind === 'message', JSON.stringify(opened))
  assert.equal(opened.partner.entityId, US)
})
