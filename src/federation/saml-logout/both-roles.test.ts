import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newSigner, NOW, type Signer } from '../saml/partner.fixture.ts'
import { carried, writeLogoutRequest, writeLogoutResponse } from './messages.ts'
import { createPeers, type PeersDeps } from './peers.ts'
import { createRealmLogout } from './realm-logout.ts'

const THEM = 'https://both.example/saml'
const SLO = 'https://login.example/saml2/staff/slo'
const signer = newSigner()
const at = 'https://both.example/slo'
const role = { signing: [signer.partnerKey], logout: [{ binding: 'redirect', location: at }] }
const partner = { entityId: THEM, role }

interface Both {
  /** Who is signed in at which side. */
  readonly application: string[]
  readonly provider: string[]
  /** Who signs for the provider. */
  readonly by?: Signer
}

/** A partner that is an application and a provider by one name, as another gateway is. */
function logoutWith({ application, provider, by = signer }: Both) {
  const known = { config: { id: 'app', entityId: THEM }, title: 'Both', metadata: partner }
  const of = (entityId: string) => Promise.resolve(entityId === THEM ? known : undefined)
  const idp = { ...partner, role: { ...role, signing: [by.partnerKey] } }
  const sids = (all: string[]) => all.map((sid) => ({ sid, sessionIndex: '_1' }))
  const deps = {
    idp: { partners: { byEntityId: of }, sessions: { knownAs: () => Promise.resolve(sids(application)) } },
    providers: [
      {
        ...{ name: 'corp', config: { entityId: THEM }, metadata: { partner: () => Promise.resolve(idp) } },
        sessions: { sessionsOf: () => Promise.resolve(sids(provider)) },
      },
    ],
  }
  return createRealmLogout({
    ...{ realm: '/staff', destinations: [SLO], entityId: 'https://login.example/saml2/staff/metadata' },
    peers: createPeers(deps as unknown as PeersDeps),
    keys: { all: () => [], signing: () => signer },
    used: { use: () => Promise.resolve(true) },
    soap: () => Promise.reject(new Error('nobody is called')),
    ...{ clock: () => NOW, log: { info: () => undefined, error: () => undefined } },
  } as unknown as Parameters<typeof createRealmLogout>[0])
}

const sent = { id: '_r', now: NOW, destination: SLO, issuer: THEM }
const query = (xml: string, field: 'SAMLRequest' | 'SAMLResponse'): string =>
  new URL(
    carried(xml, { binding: 'redirect', location: SLO }, { field, id: '_r', relayState: undefined, signer }).url,
  ).search.slice(1)
const request = query(writeLogoutRequest(sent, { nameId: { value: 'alice' }, sessionIndex: '_1' }), 'SAMLRequest')

test('a partner in both roles ends what it knows in either; none of it is called over while it is not', async () => {
  const rows = [
    [[], ['theirs'], 'idp', ['theirs']],
    [['ours'], [], 'sp', ['ours']],
    [['ours'], ['theirs'], 'sp', ['ours', 'theirs']],
    [[], [], 'sp', []],
  ] as const
  for (const [application, provider, by, sids] of rows) {
    const logout = logoutWith({ application: [...application], provider: [...provider] })
    const heard = await logout.receive({ binding: 'redirect', query: request }, false)
    assert.ok(heard.kind === 'request', JSON.stringify(heard))
    assert.deepEqual([heard.peer.role, heard.reply.role, heard.sids], [by, by, sids])
  }
})

test('what one of its roles has signed is no word of the other', async () => {
  const logout = logoutWith({ application: ['ours'], provider: ['theirs'], by: newSigner() })
  const heard = await logout.receive({ binding: 'redirect', query: request }, false)
  assert.deepEqual(heard.kind === 'request' && heard.sids, ['ours'])
})

test('its answer is one to whichever side was asked', async () => {
  const logout = logoutWith({ application: [], provider: [] })
  const answer = query(writeLogoutResponse(sent, '_asked', 'success'), 'SAMLResponse')
  const heard = await logout.receive({ binding: 'redirect', query: answer }, true)
  assert.ok(heard.kind === 'answer')
  assert.deepEqual(
    heard.peers.map(({ role, id }) => [role, id]),
    [
      ['sp', 'app'],
      ['idp', 'corp'],
    ],
  )
})
