import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { openKeyRing } from '../../src/crypto/key-ring.ts'
import { openEmbeddedStore } from '../../src/store/embedded/open.ts'
import { until } from '../until.ts'
import { isDead, upstreamSilent } from './oracles.ts'
import { readVectors, type Vector } from './pending.ts'
import type { Rig } from './rig.ts'
import { PASSWORDS, type User } from './rig-config.ts'
import { useRig } from './suite.ts'

/* Every row of the JWT vectors, as an access token at an application and as a refresh token at the login host. */

interface JwtVector extends Vector {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly payload?: string
  readonly sig?: string
}

type Kind = 'access' | 'refresh'
type Claims = Readonly<Record<string, unknown>>

interface Forge {
  readonly kid: string
  readonly key: KeyObject
  readonly claims: Claims
}

const rig = useRig('bearer', { setUp: learnKeys, tests })
const forges = new Map<Kind, Forge>()
const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }
const stranger = generateKeyPairSync('ed25519').privateKey

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

interface Pair {
  readonly accessToken: string
  readonly refreshToken: string
}

async function post(path: string, authorization: string): Promise<{ readonly status: number; readonly body: string }> {
  const answer = await rig().ask(
    `POST ${path} HTTP/1.1\r\nHost: gw.example.com\r\nAuthorization: ${authorization}\r\nContent-Length: 0\r\n\r\n`,
  )
  assert.ok(answer)
  return { status: answer.status, body: answer.body }
}

async function logIn(user: User): Promise<Pair> {
  const basic = Buffer.from(`${user}:${PASSWORDS[user]}`).toString('base64')
  const { status, body } = await post('/api/v1/auth/login', `Basic ${basic}`)
  assert.equal(status, 200, body)
  const pair = JSON.parse(body) as Pair
  for (const token of [pair.accessToken, pair.refreshToken]) rig().canaries.add(token.split('.')[2] ?? token)
  return pair
}

const claimsOf = (token: string): Claims =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims

async function learnKeys({ root }: Rig): Promise<void> {
  const pair = await logIn('bob')
  const store = await openEmbeddedStore({ path: join(root, 'data/cts.db'), clock: systemClock, log: silent })
  const masterKey = readFileSync(join(root, 'data/master.key'), 'utf8')
  const ring = await openKeyRing({ documents: store.documents, masterKey, clock: systemClock, log: silent })
  forges.set('access', { ...ring.current('access-eddsa'), claims: claimsOf(pair.accessToken) })
  forges.set('refresh', { ...ring.current('refresh-eddsa'), claims: claimsOf(pair.refreshToken) })
  ring.close()
  await store.close()
}

/** Signed with our own key, whatever header and payload say. */
function signed({ kid, key }: Forge, header: object, payload: string, sig?: string): string {
  const input = `${encode({ alg: 'EdDSA', kid, typ: 'JWT', ...header })}.${payload}`
  return `${input}.${sig ?? sign(null, Buffer.from(input), key).toString('base64url')}`
}

function good(forge: Forge, claims: Claims = {}): string {
  return signed(forge, {}, encode({ ...forge.claims, ...claims }))
}

const now = (): number => Math.floor(Date.now() / 1_000)

/** Rows that say in words what to send. */
const WORDED: Readonly<Record<string, (forge: Forge) => readonly string[]>> = {
  'alg-missing': (forge) => [signed(forge, { alg: undefined }, encode(forge.claims))],
  'extra-segment': (forge) => [`${good(forge)}.x`, good(forge).split('.').slice(0, 2).join('.')],
  'hs-rs-pem': macs,
  'hs-ec-pem': macs,
  'weak-hs': macs,
  psychic: (forge) => ['A'.repeat(86), ''].map((sig) => signed(forge, {}, encode(forge.claims), sig)),
  'kid-flood': (forge) =>
    Array.from({ length: 100 }, (_, i) => signed(forge, { kid: `AAAAAAAAAAAA${1_000 + i}` }, encode(forge.claims))),
  'kid-dup': (forge) => [signed({ ...forge, key: stranger }, {}, encode(forge.claims))],
  'kid-other-issuer': otherKind,
  'wrong-use': otherKind,
  'next-key': otherKind,
  nested: (forge) => [signed(forge, { cty: 'JWT' }, encode(good(forge))), signed(forge, {}, encode(good(forge)))],
  'multi-sig': (forge) => [encode({ payload: encode(forge.claims), signatures: [{}, {}] })],
  'bad-utf8': (forge) => [signed(forge, {}, Buffer.from([0x7b, 0xc3, 0x28, 0x7d]).toString('base64url'))],
  'b64-pad': spelt,
  'b64-lowbits': spelt,
  'exp-past': (forge) => [good(forge, { exp: now() - 1 }), good(forge, { exp: -1 })],
  'exp-missing': (forge) => [signed(forge, {}, encode({ ...forge.claims, exp: undefined }))],
  'nbf-future': (forge) => [good(forge, { nbf: now() + 3_600 })],
  'skew-edges': (forge) => [good(forge, { exp: now() }), good(forge, { nbf: now() + 65 })],
  'iss-wrong': (forge) => [good(forge, { iss: 'https://evil.example' })],
  'iss-array': (forge) => [good(forge, { iss: [forge.claims['iss'], 'https://evil.example'] })],
  'iss-case': (forge) => [good(forge, { iss: 'HTTPS://GW.EXAMPLE.COM' })],
  'aud-wrong': (forge) => [good(forge, { aud: 'https://gw.example.com/customers' })],
  'aud-array-plus-evil': (forge) => [good(forge, { aud: [forge.claims['aud'], 'evil'] })],
  'groups-string': (forge) => [good(forge, { groups: 'admin' })],
  'typ-confuse': (forge) => [good(forge, { typ: 'ID' }), ...otherKind(forge)],
  big: (forge) => [good(forge, { x: 'x'.repeat(5_000) }), signed(forge, {}, encode([[[[[[forge.claims]]]]]]))],
  'replay-jti': (forge) => [good(forge, { jti: '0001.AAAAAAAAAAAAAAAA' })],
}

function macs(forge: Forge): readonly string[] {
  const header = { alg: 'HS256', kid: forge.kid, typ: 'JWT' }
  const input = `${encode(header)}.${encode(forge.claims)}`
  return ['secret', '', 'changeme'].map(
    (secret) => `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`,
  )
}

/** What the other kind of token's key signed, under either name. */
function otherKind(forge: Forge): readonly string[] {
  return [...forges.values()]
    .filter(({ kid }) => kid !== forge.kid)
    .flatMap(({ kid, key }) =>
      [kid, forge.kid].map((name) => signed({ ...forge, kid: name, key }, {}, encode(forge.claims))),
    )
}

function spelt(forge: Forge): readonly string[] {
  const token = good(forge)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const twin = token.slice(0, -1) + (alphabet[alphabet.indexOf(token.at(-1) ?? '') ^ 1] ?? '')
  return [twin, `${token}=`, `${token}%3D`, token.replace('.', '=.')]
}

function forgeries(forge: Forge, { id, header, claims, payload, sig }: JwtVector): readonly string[] {
  const worded = WORDED[id]
  if (worded !== undefined) return worded(forge)
  if (payload !== undefined) return [signed(forge, {}, Buffer.from(payload).toString('base64url'))]
  const changed = encode({ ...forge.claims, ...claims })
  return [signed(forge, header ?? {}, changed, sig), ...(header === undefined ? [] : [signed(forge, header, changed)])]
}

async function refused(rig: Rig, kind: Kind, token: string, id: string): Promise<void> {
  if (kind === 'access') {
    await isDead(rig, `Authorization: Bearer ${token}\r\n`, id)
    return
  }
  rig.tally.checks++
  assert.equal((await post('/api/v1/auth/refresh', `Refresh ${token}`)).status, 401, id)
}

const opens = async (token: string): Promise<number | undefined> =>
  (await rig().ask(`GET /me HTTP/1.1\r\nHost: app.example.com\r\nAuthorization: Bearer ${token}\r\n\r\n`))?.status

function tests(): void {
  for (const kind of ['access', 'refresh'] as const)
    test(`each row of the JWT vectors is refused as ${kind} token, and stands in no log`, async () => {
      const forge = forges.get(kind)
      assert.ok(forge)
      if (kind === 'access')
        assert.equal(await opens(good(forge)), 200, 'what our own key signs is as good as what we give out')
      const from = rig().log().length
      const sent: string[] = []
      for (const vector of readVectors('jwt') as readonly JwtVector[]) {
        // The one row that is to be accepted.
        if (vector.id === 'exp-float') continue
        for (const token of forgeries(forge, vector)) {
          await refused(rig(), kind, token, `${kind}: ${vector.id}`)
          sent.push(token.split('.')[2] ?? token)
        }
      }
      await rig().logged()
      const lines = rig().log().slice(from)
      for (const signature of sent) assert.ok(signature.length < 20 || !lines.includes(signature))
    })

  test('jwt.exp-float: a time between two seconds is a time', async () => {
    const forge = forges.get('access')
    assert.ok(forge)
    assert.equal(await opens(good(forge, { exp: now() + 60.5 })), 200)
  })

  test('a token as Bearer and the cookie of somebody else: the token is who asks, and the application never sees it', async () => {
    const alice = await rig().signIn('alice')
    const { accessToken, refreshToken } = await logIn('bob')
    for (const [token, status] of [
      [accessToken, 200],
      [refreshToken, 401],
      [`${accessToken}x`, 401],
    ] as const) {
      const mark = rig().mark()
      const answer = await rig().ask(
        `GET /me HTTP/1.1\r\nHost: app.example.com\r\n${alice.cookie('app')}Authorization: Bearer ${token}\r\n\r\n`,
      )
      assert.equal(answer?.status, status)
      if (status === 401) {
        upstreamSilent(rig(), mark, 'a bad token beside a good cookie')
        continue
      }
      const [seen] = rig().since(mark)
      assert.ok(seen)
      assert.ok(seen.headers.some(([name, value]) => name.toLowerCase() === 'x-remote-user' && value === 'bob'))
      assert.ok(!seen.headers.some(([, value]) => value.includes(token)))
    }
  })

  test('a session that is ended takes its tokens along, at once and everywhere', async () => {
    const { accessToken, refreshToken } = await logIn('bob')
    const second = await rig().second()
    try {
      const there = async (): Promise<number | undefined> =>
        (await second.ask(`GET /me HTTP/1.1\r\nHost: app.example.com\r\nAuthorization: Bearer ${accessToken}\r\n\r\n`))
          ?.status
      assert.equal(await there(), 200)
      const sid = String(claimsOf(accessToken)['jti'])
      const gone = await rig().ask(
        `DELETE /api/v1/sessions/${sid} HTTP/1.1\r\nHost: gw.example.com\r\nAuthorization: Bearer ${accessToken}\r\n\r\n`,
      )
      assert.equal(gone?.status, 204)
      assert.equal(await opens(accessToken), 401, 'where it was ended')
      await until('the other process refuses it, too', async () => (await there()) === 401)
      assert.equal((await post('/api/v1/auth/refresh', `Refresh ${refreshToken}`)).status, 401)
    } finally {
      await second.stop()
    }
  })
}
