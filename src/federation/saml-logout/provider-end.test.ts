import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newSigner, NOW } from '../saml/partner.fixture.ts'
import { createPeers, type PeersDeps } from './peers.ts'
import { createSamlProviderEnd } from './provider-end.ts'

const THEM = 'https://idp.example/saml'
const MARK = 'corp name index record'

/** A provider that does not answer, with its metadata or without, and what it is asked. */
function scene(endpoints: readonly object[] | undefined) {
  const called: string[] = []
  const forgotten: unknown[] = []
  const visited: unknown[] = []
  const role = endpoints && { entityId: THEM, role: { signing: [], logout: endpoints } }
  const corp = {
    ...{ name: 'corp', config: { entityId: THEM, title: 'Corp' }, metadata: { partner: () => Promise.resolve(role) } },
    sessions: {
      of: () => Promise.resolve({ nameId: { value: 'alice' }, sessionIndex: '_1' }),
      sessionsOf: () => Promise.resolve([]),
      forget: (session: unknown) => Promise.resolve(void forgotten.push(session)),
    },
  }
  const deps = {
    ...{ destinations: [], entityId: 'https://login.example', keys: { signing: newSigner }, clock: () => NOW },
    peers: createPeers({ idp: undefined, providers: [corp] } as unknown as PeersDeps),
    soap: (url: string) => Promise.reject(new Error(`${called.push(url)} in vain`)),
  }
  const marks = {
    of: () => Promise.resolve({ marks: [{ kind: 'saml', provider: 'corp', text: MARK }] }),
    visited: (...what: unknown[]) => Promise.resolve(void visited.push(what)),
  }
  const end = createSamlProviderEnd(deps as never, marks as never)
  return { end, called, forgotten, visited }
}

test('what is kept of a provider session goes when the provider has heard, knows, or cannot hear; not before', async () => {
  const rows = [
    ['it does not answer', [{ binding: 'soap', location: 'https://idp.example/slo' }], false, 1, 0],
    ['it knows', [{ binding: 'soap', location: 'https://idp.example/slo' }], true, 0, 1],
    ['browsers alone', [{ binding: 'redirect', location: 'https://idp.example/slo' }], false, 0, 1],
    ['its metadata is not to be had', undefined, false, 0, 0],
  ] as const
  for (const [why, endpoints, isTold, calls, removed] of rows) {
    const { end, called, forgotten } = scene(endpoints)
    if (removed === 0) await assert.rejects(end.ended(MARK, isTold), why)
    else await end.ended(MARK, isTold)
    assert.deepEqual([called.length, forgotten.length], [calls, removed], why)
  }
})

test('a provider that asks as the application that it is as well is not told back', async () => {
  const { end, visited } = scene([])
  assert.deepEqual([...(await end.untold('s'))], ['corp'])
  await end.endedBy('https://else.example', 's')
  assert.deepEqual(visited, [])
  await end.endedBy(THEM, 's')
  assert.deepEqual(visited, [['s', 'saml', 'corp']])
})
