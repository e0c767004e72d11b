import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { signJws } from '../crypto/jws.ts'
import type { SigningPurpose } from '../crypto/purposes.ts'
import { FROM, revocationOf } from './processes.fixture.ts'
import { createTokenMachine, ISSUER, RULES, type TokenProcess } from './tokens.fixture.ts'
import type { Session } from './session.ts'

/** A token that says what it should, signed with a key of the ring, with some of it changed. */
function forged(
  { keyRing }: TokenProcess,
  session: Session,
  claims: Readonly<Record<string, unknown>>,
  purpose: SigningPurpose = 'access-eddsa',
): string {
  const iat = Math.floor(session.createdAt / 1_000)
  const { sid: jti, userId: sub } = session
  const all: Readonly<Record<string, unknown>> = {
    aud: `${ISSUER}/employees`,
    exp: iat + 600,
    iat,
    iss: ISSUER,
    jti,
    nbf: iat,
    seq: 1,
    sub,
    typ: 'Bearer',
  }
  const changed = Object.fromEntries(Object.entries({ ...all, ...claims }).filter(([, value]) => value !== undefined))
  return `Bearer ${signJws(purpose.endsWith('rsa') ? 'RS256' : 'EdDSA', keyRing.current(purpose), changed)}`
}

test('an access token is its session, in every process, until it expires', async (t) => {
  const { start, pass } = createTokenMachine(t)
  const [here, there] = [await start(), await start()]
  const session = await here.begin()
  const bearer = `Bearer ${here.pairs.issue(session, RULES).accessToken}`
  assert.deepEqual(await there.bearer.resolve(bearer), session)
  assert.deepEqual(await there.bearer.resolve(bearer.replace('Bearer', 'bearer')), session)
  assert.deepEqual(there.bearer.resolve(bearer), session, 'nobody is asked within the second')
  pass(RULES.accessTTL - 1_000)
  assert.ok(await there.bearer.resolve(bearer))
  pass(1_000)
  assert.equal(await there.bearer.resolve(bearer), undefined)
})

test('a session that one process ends is none for its access tokens in the other', async (t) => {
  const { start, pass } = createTokenMachine(t)
  const [here, there] = [await start(), await start()]
  const session = await here.begin()
  const bearer = `Bearer ${here.pairs.issue(session, RULES).accessToken}`
  assert.ok(await there.bearer.resolve(bearer))
  const seen = revocationOf(there, session.sid)
  await here.sessions.end(session.sid, 'admin', FROM)
  await seen
  assert.equal(await there.bearer.resolve(bearer), undefined)
  const late = await here.begin()
  const other = `Bearer ${here.pairs.issue(late, RULES).accessToken}`
  assert.ok(await there.bearer.resolve(other))
  // As if every event were late: the second is over, so the store is asked.
  await here.store.sessions.end(late.sid, 'admin')
  pass(1_001)
  assert.equal(await there.bearer.resolve(other), undefined)
})

test('claims of another kind, type or size open nothing, though a key of ours signed them', async (t) => {
  const { start } = createTokenMachine(t)
  const process = await start()
  const session = await process.begin()
  const iat = Math.floor(session.createdAt / 1_000)
  assert.ok(await process.bearer.resolve(forged(process, session, {})))
  const bad: readonly Readonly<Record<string, unknown>>[] = [
    ...['aud', 'exp', 'iat', 'iss', 'jti', 'nbf', 'seq', 'sub', 'typ'].map((name) => ({ [name]: undefined })),
    ...[iat, iat - 1, -1, String(iat + 600), [iat + 600], null, 1e300, {}].map((exp) => ({ exp })),
    ...[iat + 61, '0'].map((nbf) => ({ nbf })),
    ...['https://evil.example.com', [ISSUER, 'x'], ISSUER.toUpperCase()].map((iss) => ({ iss })),
    ...[`${ISSUER}/customers`, [`${ISSUER}/employees`], `${ISSUER}/employees/x`, `${ISSUER}/`].map((aud) => ({ aud })),
    ...['u-bob', 1, 'u-alice ', 'u-alice\0', { $ne: 1 }].map((sub) => ({ sub })),
    ...['Refresh', 'bearer', ''].map((typ) => ({ typ })),
    ...['', '0001.nobody', '__proto__', session.sid.slice(5)].map((jti) => ({ jti })),
    { extra: 1 },
  ]
  for (const claims of bad)
    assert.equal(await process.bearer.resolve(forged(process, session, claims)), undefined, JSON.stringify(claims))
})

test('what another key signed, or nobody, is believed under no name of ours', async (t) => {
  const { start } = createTokenMachine(t)
  const process = await start()
  const session = await process.begin()
  const stranger = { ...process.keyRing.current('access-eddsa'), key: generateKeyPairSync('ed25519').privateKey }
  const keyRing = { ...process.keyRing, current: () => stranger }
  const [header = '', , signature = ''] = forged(process, session, {}).split('.')
  const payload = forged(process, session, { seq: 2 }).split('.')[1] ?? ''
  for (const text of [
    forged({ ...process, keyRing }, session, {}),
    `${header}.${payload}.${signature}`,
    `${header}.${payload}.${'A'.repeat(86)}`,
  ])
    assert.equal(await process.bearer.resolve(text), undefined)
})

test('keys of other purposes and keys whose time has not come sign nothing that is believed', async (t) => {
  const { start, pass } = createTokenMachine(t)
  const process = await start()
  const session = await process.begin()
  for (const purpose of ['refresh-eddsa', 'refresh-rsa'] as const)
    assert.equal(await process.bearer.resolve(forged(process, session, {}, purpose)), undefined, purpose)
  const kid = await process.keyRing.rotate('access-eddsa')
  const upcoming = process.keyRing.known('access-eddsa', kid)
  assert.ok(upcoming)
  const keyRing = { ...process.keyRing, current: () => upcoming }
  // Another process may be a minute ahead, and no more.
  pass(upcoming.notBefore - session.createdAt - 61_000)
  const later = await process.begin()
  const early = forged({ ...process, keyRing }, later, {})
  assert.equal(await process.bearer.resolve(early), undefined)
  pass(1_000)
  assert.ok(await process.bearer.resolve(early))
})

test('a token has one spelling', async (t) => {
  const { start } = createTokenMachine(t)
  const process = await start()
  const session = await process.begin()
  const bearer = forged(process, session, {})
  const last = bearer.at(-1) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const slack = bearer.slice(0, -1) + (alphabet[alphabet.indexOf(last) ^ 1] ?? '')
  for (const text of [
    slack,
    `${bearer}=`,
    `${bearer} `,
    `${bearer}\n`,
    `${bearer}.x`,
    bearer.replace(' ', '  '),
    bearer.slice(7),
  ])
    assert.equal(await process.bearer.resolve(text), undefined, text)
  assert.ok(await process.bearer.resolve(bearer))
})

test('what is ours to judge is recognised in any dress, and what is not ours is left to applications', async (t) => {
  const { start } = createTokenMachine(t)
  const process = await start()
  const session = await process.begin()
  const { bearer, pairs } = process
  const { accessToken, refreshToken } = pairs.issue(session, RULES)
  const none = `eyJhbGciOiJub25lIn0.${accessToken.split('.')[1] ?? ''}.`
  for (const token of [accessToken, refreshToken, none, `${accessToken}=`, forged(process, session, { exp: 1 })])
    for (const text of [`Bearer ${token}`, token, `token=${token}`, `Bearer "${token}"`, `X ${token}, Y z`])
      assert.ok(bearer.isOurs(text), text)
  const theirs = forged(process, session, { iss: 'https://idp.example.com' })
  for (const text of [
    'Basic YWxpY2U6eA==',
    'Bearer opaque',
    theirs,
    'Bearer eyJ.eyJ.eyJ',
    forged(process, session, { typ: 'ID' }),
    '',
  ])
    assert.ok(!bearer.isOurs(text), text)
})

test('a key that is taken out of the store verifies nothing from then on, not even what it verified before', async (t) => {
  const { start } = createTokenMachine(t)
  const process = await start()
  const { pairs, bearer, keyRing, store } = process
  const token = `Bearer ${pairs.issue(await process.begin(), RULES).accessToken}`
  assert.ok(await bearer.resolve(token))
  await store.documents.remove('keys', 'access-eddsa.1')
  await keyRing.refresh()
  assert.equal(await bearer.resolve(token), undefined)
})

test('a header full of beginnings of tokens is ours to refuse, without a parse of each (work that strangers order)', async (t) => {
  const { bearer } = await createTokenMachine(t).start()
  const parse = t.mock.method(JSON, 'parse')
  assert.equal(bearer.isOurs(`Bearer ${'eyJ '.repeat(16)}`), false)
  assert.equal(bearer.isOurs('eyJ '.repeat(8_000)), true)
  assert.equal(parse.mock.callCount(), 16)
})
