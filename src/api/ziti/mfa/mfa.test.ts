import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIENT, MANAGEMENT, openZiti, text, type Answer, type ZitiOptions } from '../ziti.fixture.ts'

const MFA = `${CLIENT}/current-identity/mfa`

/** A realm whose authentication policy wants a second factor of everybody. */
const DEMANDING: ZitiOptions = { authentication: { policies: [{ name: 'all', secondFactors: ['totp'] }] } }

function secretIn(answer: Answer): string {
  const { searchParams } = new URL(text(answer.data, 'provisioningUrl'))
  return searchParams.get('secret') ?? ''
}

test('whoever owes a second factor and has none sets it up with half a login, which its first code makes full', async (t) => {
  const { ask, authenticate, code, bench } = await openZiti(t, DEMANDING)
  const { data } = await authenticate('alice')
  const token = text(data, 'token')
  assert.deepEqual([data['isMfaRequired'], (data['authQueries'] as unknown[]).length], [true, 1])
  assert.equal((await ask('GET', MFA, { token })).code, 'NOT_FOUND', 'nobody asked for one yet')
  assert.equal((await ask('POST', `${MFA}/verify`, { token, body: { code: '123456' } })).code, 'NOT_FOUND')
  const unset = await ask('POST', `${CLIENT}/authenticate/mfa`, { token, body: { code: '123456' } })
  assert.deepEqual([unset.status, unset.code], [409, 'MFA_NOT_ENROLLED'])

  const begun = await ask('POST', MFA, { token })
  assert.deepEqual([begun.status, begun.data['id']], [201, 'alice'])
  assert.equal((await ask('POST', MFA, { token })).code, 'MFA_EXISTS')
  const shown = await ask('GET', MFA, { token })
  assert.deepEqual([shown.status, shown.data['isVerified']], [200, false])
  assert.match(text(shown.data, 'provisioningUrl'), /^otpauth:\/\/totp\//)
  const picture = await ask('GET', `${MFA}/qr-code`, { token })
  assert.deepEqual([picture.status, picture.headers.get('content-type')], [200, 'image/svg+xml; charset=utf-8'])
  assert.match(picture.text, /^<svg/)
  assert.equal((await ask('GET', `${MFA}/qr-text`, { token })).text, shown.data['provisioningUrl'])

  const wrong = await ask('POST', `${MFA}/verify`, { token, body: { code: '000000' } })
  assert.deepEqual([wrong.status, wrong.code], [400, 'MFA_INVALID_TOKEN'])
  const same = await ask('GET', MFA, { token })
  assert.equal(secretIn(same), secretIn(shown), 'the same secret, or the picture would be void')
  const verified = await ask('POST', `${MFA}/verify`, { token, body: { code: code(secretIn(shown)) } })
  assert.equal(verified.status, 200, verified.text)
  const current = await ask('GET', `${CLIENT}/current-api-session`, { token })
  assert.deepEqual([current.status, current.data['isMfaComplete']], [200, true])
  assert.ok(bench.audited.some((event) => event.event === 'FactorEnrolled' && event.username === 'alice'))
})

test('a password alone sets nothing up beside the factor that somebody has', async (t) => {
  const { ask, tokenOf } = await openZiti(t, DEMANDING)
  const token = await tokenOf('bob')
  const begun = await ask('POST', MFA, { token })
  assert.deepEqual([begun.status, begun.code], [409, 'MFA_EXISTS'])
  for (const path of ['verify', 'qr-code', 'qr-text']) {
    const method = path === 'verify' ? 'POST' : 'GET'
    const body = method === 'POST' ? { body: { code: '123456' } } : {}
    assert.equal((await ask(method, `${MFA}/${path}`, { token, ...body })).code, 'NOT_FOUND', path)
  }
})

test('a session sets one up, too; from then on every login owes it', async (t) => {
  const { ask, tokenOf, authenticate, code } = await openZiti(t)
  const token = await tokenOf('alice')
  assert.equal((await ask('POST', MFA, { token })).status, 201)
  assert.equal((await ask('POST', MFA, { token })).code, 'MFA_EXISTS')
  const secret = secretIn(await ask('GET', MFA, { token }))
  assert.equal((await ask('POST', `${MFA}/verify`, { token, body: { code: '000000' } })).code, 'MFA_INVALID_TOKEN')
  assert.equal(secretIn(await ask('GET', MFA, { token })), secret)
  const verified = await ask('POST', `${MFA}/verify`, { token, body: { code: code(secret) } })
  assert.deepEqual([verified.status, verified.body], [200, { data: {}, meta: {} }])
  assert.equal((await ask('GET', MFA, { token })).data['isVerified'], true)
  assert.equal(((await authenticate('alice')).data['authQueries'] as unknown[]).length, 1)
})

test('what is set up and not confirmed is given up without a code', async (t) => {
  const { ask, tokenOf } = await openZiti(t)
  const token = await tokenOf('alice')
  await ask('POST', MFA, { token })
  assert.equal((await ask('DELETE', MFA, { token })).status, 200)
  assert.equal((await ask('GET', MFA, { token })).code, 'NOT_FOUND')
  assert.equal((await ask('DELETE', MFA, { token })).code, 'MFA_NOT_ENROLLED')
})

test('a session whose last proof is minutes old changes nothing without a new one', async (t) => {
  const { ask, tokenOf, bench } = await openZiti(t)
  const token = await tokenOf('alice')
  bench.time.now += 301_000
  const answer = await ask('POST', MFA, { token })
  assert.deepEqual([answer.status, answer.code], [401, 'UNAUTHORIZED'])
})

test('recovery codes are made and shown for a code of the app, and each of them completes one login', async (t) => {
  const { ask, full, tokenOf, code, bench } = await openZiti(t)
  const token = await full('bob')
  const codesAt = `${MFA}/recovery-codes`
  assert.equal((await ask('POST', codesAt, { token, body: { code: code() } })).code, 'MFA_INVALID_TOKEN', 'a used code')
  bench.time.now += 30_000
  const made = await ask('POST', codesAt, { token, body: { code: code() } })
  const codes = made.data['recoveryCodes'] as readonly string[]
  assert.deepEqual([made.status, codes.length], [200, 10])
  bench.time.now += 30_000
  const shown = await ask('GET', codesAt, { token, headers: { 'mfa-validation-code': code() } })
  assert.deepEqual(shown.data['recoveryCodes'], codes)
  bench.time.now += 11 * 60_000
  const later = await ask('GET', codesAt, { token, headers: { 'mfa-validation-code': code() } })
  assert.deepEqual([later.status, later.code], [404, 'NOT_FOUND'])
  const [one = ''] = codes
  const answer = async (given: string): Promise<number> =>
    (await ask('POST', `${CLIENT}/authenticate/mfa`, { token: await tokenOf('bob'), body: { code: given } })).status
  assert.deepEqual([await answer(one), await answer(one), await answer(codes[1] ?? '')], [200, 400, 200])
})

test('after a code on paper that was wrong, one of the app is taken', async (t) => {
  const { ask, full, tokenOf, code, bench } = await openZiti(t)
  const token = await full('bob')
  bench.time.now += 30_000
  await ask('POST', `${MFA}/recovery-codes`, { token, body: { code: code() } })
  bench.time.now += 30_000
  const half = await tokenOf('bob')
  const mfa = (given: string) => ask('POST', `${CLIENT}/authenticate/mfa`, { token: half, body: { code: given } })
  assert.equal((await mfa('AAAA-BBBB-CCCC-DDDD')).code, 'MFA_INVALID_TOKEN')
  assert.equal((await mfa(code())).status, 200)
})

test('an app is removed for a code of it; one of the configuration stays', async (t) => {
  const { ask, full, tokenOf, code, bench } = await openZiti(t)
  const token = await tokenOf('alice')
  await ask('POST', MFA, { token })
  const secret = secretIn(await ask('GET', MFA, { token }))
  await ask('POST', `${MFA}/verify`, { token, body: { code: code(secret) } })
  assert.equal((await ask('DELETE', MFA, { token })).code, 'MFA_INVALID_TOKEN')
  bench.time.now += 30_000
  assert.equal((await ask('DELETE', MFA, { token, body: { code: code(secret) } })).status, 200)
  assert.equal((await ask('GET', MFA, { token })).code, 'NOT_FOUND')
  assert.ok(bench.audited.some((event) => event.event === 'FactorRemoved' && event.username === 'alice'))
  const bob = await full('bob')
  bench.time.now += 30_000
  assert.equal((await ask('DELETE', MFA, { token: bob, body: { code: code() } })).status, 409)
})

test('a full session proves its second factor once more, for what needs a fresh one', async (t) => {
  const { ask, full, tokenOf, code, bench } = await openZiti(t)
  const token = await full('bob')
  bench.time.now += 60_000
  const again = await ask('POST', `${MANAGEMENT}/authenticate/mfa`, { token, body: { code: code() } })
  assert.deepEqual([again.status, again.data['token'], again.data['isMfaComplete']], [200, token, true])
  const alice = await tokenOf('alice')
  const none = await ask('POST', `${CLIENT}/authenticate/mfa`, { token: alice, body: { code: '123456' } })
  assert.deepEqual([none.status, none.code], [409, 'MFA_NOT_ENROLLED'])
})
