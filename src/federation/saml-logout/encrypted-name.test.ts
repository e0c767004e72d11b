import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inflateRawSync } from 'node:zlib'
import { nameIdOf } from '../saml/assertion.ts'
import { readDocument } from '../saml/document.ts'
import { newSigner, NOW } from '../saml/partner.fixture.ts'
import { createPeers, type PeersDeps } from './peers.ts'
import { createRealmLogout } from './realm-logout.ts'

const signer = newSigner()
const at = 'https://app.example/slo'
const stop = { protocol: 'saml-sp', partner: 'app', title: 'App', state: 'waiting' } as const
const data = JSON.stringify({ nameId: { value: 'alice' }, sessionIndex: '_1' })

/** What a browser takes to a partner whose assertions are encrypted, or are not. */
async function carriedTo(encrypt: boolean, notAfter = NOW + 1): Promise<string | undefined> {
  const encryption = [{ ...signer.partnerKey, notAfter, methods: [] }]
  const role = { signing: [], encryption, logout: [{ binding: 'redirect', location: at }] }
  const known = { config: { id: 'app', entityId: 'urn:app', encrypt }, title: 'App', metadata: { role } }
  const idp = { partners: { byId: () => Promise.resolve(known) } }
  const logout = createRealmLogout({
    ...{ realm: '/staff', destinations: [], entityId: 'urn:us', keys: { signing: () => signer }, clock: () => NOW },
    peers: createPeers({ idp, providers: [] } as unknown as PeersDeps),
  } as unknown as Parameters<typeof createRealmLogout>[0])
  const carried = await logout.protocols.sp.request('/staff' as never, { ...stop, data })
  const message = carried && new URL(carried.url).searchParams.get('SAMLRequest')
  return typeof message !== 'string' ? undefined : inflateRawSync(Buffer.from(message, 'base64')).toString()
}

test('where assertions are encrypted for a partner, no address of a logout shows what it calls somebody', async () => {
  assert.match((await carriedTo(false)) ?? '', />alice<\/saml:NameID>/)
  const xml = (await carriedTo(true)) ?? assert.fail('nothing is sent')
  assert.doesNotMatch(xml, /alice/)
  assert.equal(nameIdOf(readDocument(xml), [signer.key]).value, 'alice')
  assert.equal(await carriedTo(true, NOW - 1), undefined, 'never in the clear where it was to be encrypted')
})
