import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import { FROM } from './processes.fixture.ts'
import type { TokenPair } from './token-pairs.ts'
import { createTokenMachine, ISSUER, RULES, type TokenProcess } from './tokens.fixture.ts'

async function refreshed({ pairs }: TokenProcess, token: string, rules = RULES): Promise<TokenPair> {
  const outcome = await pairs.refresh(token, rules, FROM)
  assert.ok(outcome.kind === 'refreshed', outcome.kind)
  return outcome.pair
}

for (const algorithm of ['EdDSA', 'RS256'] as const) {
  test(`${algorithm}: an access token is verified by anybody with the JWKS, and a refresh token by nobody`, async (t) => {
    const { start, time } = createTokenMachine(t)
    const process = await start()
    const { pairs, keyRing } = process
    const session = await process.begin()
    const pair = pairs.issue(session, { ...RULES, algorithm })
    const jwks = createLocalJWKSet(JSON.parse(JSON.stringify(keyRing.jwks())) as JSONWebKeySet)
    const expected = { issuer: ISSUER, audience: `${ISSUER}/employees`, algorithms: [algorithm], typ: 'JWT' }
    const { payload } = await jwtVerify(pair.accessToken, jwks, { ...expected, currentDate: new Date(time.now) })
    const iat = time.now / 1_000
    const { exp, jti, nbf, sub } = payload
    assert.deepEqual({ exp, jti, nbf, sub }, { exp: iat + 600, jti: session.sid, nbf: iat, sub: 'u-alice' })
    assert.deepEqual([payload['typ'], pair.accessExpire, pair.refreshExpire], ['Bearer', iat + 600, iat + 3_600])
    const refresh = decodeJwt(pair.refreshToken)
    assert.deepEqual([refresh.jti, refresh['typ'], refresh.exp], [session.sid, 'Refresh', pair.refreshExpire])
    assert.equal(decodeProtectedHeader(pair.refreshToken).alg, algorithm)
    await assert.rejects(jwtVerify(pair.refreshToken, jwks), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
  })
}

test('a refresh gives the next pair of the same session, and the session lives on by it', async (t) => {
  const { start, pass, time } = createTokenMachine(t)
  const process = await start()
  const session = await process.begin()
  const first = process.pairs.issue(session, RULES)
  pass(50 * 60_000)
  const second = await refreshed(process, first.refreshToken)
  assert.equal(decodeJwt(second.accessToken).jti, session.sid)
  assert.equal(second.accessExpire, time.now / 1_000 + 600)
  await process.sessions.close()
  pass(50 * 60_000)
  const third = await refreshed(process, second.refreshToken)
  assert.equal(third.accessExpire, time.now / 1_000 + 600)
  assert.equal(third.refreshExpire, session.maxExpiresAt / 1_000, 'never beyond the life of the session')
})

test('many refreshes of one token at once, in two processes, all get one and the same pair', async (t) => {
  const { start, pass } = createTokenMachine(t)
  const [here, there] = [await start(), await start()]
  const first = here.pairs.issue(await here.begin(), RULES)
  const all = await Promise.all([here, there, here, there, here, there].map((at) => refreshed(at, first.refreshToken)))
  assert.equal(new Set(all.map((pair) => JSON.stringify(pair))).size, 1)
  pass(9_000)
  assert.deepEqual(await refreshed(there, first.refreshToken), all[0], 'within the grace still')
  assert.ok((await refreshed(here, all[0]?.refreshToken ?? '')).accessToken !== all[0]?.accessToken)
})

test('a refresh token that comes back after the grace ends the session, for whoever holds the newer one as well', async (t) => {
  const { start, pass, audited } = createTokenMachine(t)
  const process = await start()
  const session = await process.begin()
  const first = process.pairs.issue(session, RULES)
  const second = await refreshed(process, first.refreshToken)
  pass(11_000)
  assert.deepEqual(await process.pairs.refresh(first.refreshToken, RULES, FROM), { kind: 'reused' })
  assert.equal(await process.sessions.find(session.sid), undefined)
  assert.deepEqual(await process.pairs.refresh(second.refreshToken, RULES, FROM), { kind: 'invalid' })
  assert.equal(await process.bearer.resolve(`Bearer ${second.accessToken}`), undefined)
  const ended = audited.find((event) => event.event === 'SessionEnded')
  assert.ok(ended?.event === 'SessionEnded' && ended.cause === 'token-reused')
})

test('a refresh token whose successor was used is reused within the grace as well', async (t) => {
  const { start } = createTokenMachine(t)
  const process = await start()
  const first = process.pairs.issue(await process.begin(), RULES)
  const second = await refreshed(process, first.refreshToken)
  await refreshed(process, second.refreshToken)
  assert.deepEqual(await process.pairs.refresh(first.refreshToken, RULES, FROM), { kind: 'reused' })
})

test('a token whose pair the store lost is still good: what a fail-over loses ends nobody', async (t) => {
  const { start } = createTokenMachine(t)
  const process = await start()
  const session = await process.begin()
  const second = await refreshed(process, process.pairs.issue(session, RULES).refreshToken)
  await process.store.versioned.remove('token-pair', session.sid)
  assert.equal(decodeJwt((await refreshed(process, second.refreshToken)).refreshToken)['seq'], 3)
})

test('access tokens, expired ones, altered ones and those of an ended session refresh nothing', async (t) => {
  const { start, pass } = createTokenMachine(t)
  const process = await start()
  const session = await process.begin()
  const { accessToken, refreshToken } = process.pairs.issue(session, RULES)
  const foreign = await process.begin({ userId: 'u-bob', username: 'bob' })
  await process.sessions.end(foreign.sid, 'logout', FROM)
  const bad = [accessToken, '', 'x.y.z', `${refreshToken}=`, refreshToken.slice(0, -1), `${refreshToken}.`]
  for (const token of [...bad, process.pairs.issue(foreign, RULES).refreshToken])
    assert.deepEqual(await process.pairs.refresh(token, RULES, FROM), { kind: 'invalid' }, token)
  pass(RULES.refreshTTL - 1_000)
  process.sessions.touch(session)
  await process.sessions.close()
  pass(1_000)
  assert.ok(await process.sessions.find(session.sid))
  assert.deepEqual(await process.pairs.refresh(refreshToken, RULES, FROM), { kind: 'invalid' })
})
