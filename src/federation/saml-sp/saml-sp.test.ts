import assert from 'node:assert/strict'
import { inflateRawSync } from 'node:zlib'
import { test, type TestContext } from 'node:test'
import type { EpochMs } from '../../base/brand.ts'
import { managedBench, newUser, REALM } from '../../identity/managed/managed.fixture.ts'
import type { LoginWish } from '../login-provider.ts'
import { readDocument } from '../saml/document.ts'
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
  return { provider, consumer, depart, arrive, refusals }
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
