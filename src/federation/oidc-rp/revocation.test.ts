import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochMs } from '../../base/brand.ts'
import type { Session } from '../../session/session.ts'
import { managedBench, newUser, REALM } from '../../identity/managed/managed.fixture.ts'
import { createIdentityProvider } from './identity-provider.ts'
import { liarConfig, startLiar } from './liar.fixture.ts'
import { openIdProviderSchema } from './providers.schema.ts'

const quiet = (): void => undefined
const log = { error: quiet, warn: quiet, info: quiet, debug: quiet }
const UNTOLD = { userId: 'u-alice', isTold: false }

test('the end of a session takes its tokens back at the provider (RFC 7009), once', async (t) => {
  const [corp, people] = [await startLiar(), managedBench(t)]
  t.after(() => corp.close())
  const { store, sealer, records, directory } = await people.process()
  await records.create({ ...newUser('alice', 'hash of alice'), attributes: { externalId: ['alice'] } })
  /** Sessions of hers that go on. */
  let others: readonly Pick<Session, 'properties'>[] = []
  const provider = (more: object = {}) =>
    createIdentityProvider(
      'corp',
      openIdProviderSchema.parse(
        liarConfig(corp, { keepTokens: true, link: { claim: 'sub', is: 'externalId' }, ...more }),
      ),
      {
        ...{ realm: REALM, directory, store, sealer, log, longestMs: 60_000, loginOrigin: 'http://login.example' },
        provisioning: undefined,
        sessions: { end: () => Promise.resolve(true), ofUser: () => Promise.resolve(others as readonly Session[]) },
        clock: () => Date.now() as EpochMs,
      },
    )
  const revocation = `${corp.issuer}/revoke`
  const revoked: string[] = []
  let status = 200
  /** The mark of a login, and the provider as it is then. */
  const login = async (at: string | undefined, token: object = {}, more: object = {}) => {
    const by = provider(more)
    corp.lies = {
      metadata: { revocation_endpoint: at },
      token: { refresh_token: 'a refresh token', ...token },
      receive: (path, form) => {
        if (path !== '/revoke') return undefined
        revoked.push(`${form.get('token_type_hint')}: ${form.get('token')}`)
        return status
      },
    }
    const departed = await by.depart({ acr: [], maxAgeMs: undefined, loginHint: undefined })
    assert.ok(departed.kind === 'departed')
    const arrived = await by.arrive(departed.pending, corp.answer(departed.url))
    assert.ok(arrived.kind === 'recognised', JSON.stringify(arrived))
    const mark = arrived.properties['oidc'] ?? ''
    return { mark, end: async (end = UNTOLD) => by.ended?.(mark, end) }
  }
  const took = () => revoked.splice(0)

  const usual = await login(revocation)
  status = 503
  await assert.rejects(usual.end(), /not revoked: it cannot be reached/)
  assert.equal(took().length, 1)
  status = 200
  await usual.end()
  await usual.end()
  assert.deepEqual(took(), ['refresh_token: a refresh token'])

  const without = await login(revocation, { refresh_token: undefined })
  await without.end()
  assert.deepEqual(took(), ['access_token: the access token of the liar'])

  const known = await login(revocation)
  await known.end({ ...UNTOLD, isTold: true })
  await known.end()
  assert.deepEqual(took(), [], 'it knows, and nothing is kept of it')

  const [one, two] = [await login(revocation), await login(revocation)]
  others = [{ properties: { oidc: two.mark } }]
  await one.end()
  assert.deepEqual(took(), [], 'the same session of the provider goes on here')
  others = []
  await two.end()
  assert.equal(took().length, 1)

  await (await login(undefined)).end()
  await (await login(revocation, {}, { keepTokens: false })).end()
  assert.deepEqual(took(), [], 'nowhere to take them back, or nothing kept')
  await assert.rejects((await login('https://10.0.0.1/revoke')).end(), /cannot be reached/, 'never into this network')
  const { host } = new URL(corp.issuer)
  const endpoints = Object.fromEntries(['authorization', 'token', 'jwks'].map((at) => [at, `http://${host}/${at}`]))
  const named = { endpoints: { ...endpoints, authorization: `http://${host}/authorize`, revocation } }
  await (await login(undefined, {}, named)).end()
  assert.equal(took().length, 1, 'without discovery')
})
