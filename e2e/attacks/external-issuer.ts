import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'
import assert from 'node:assert/strict'
import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client } from '../client.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml } from '../own-rig.ts'
import type { Rig } from './rig.ts'

const AUDIENCE = 'gatehouse-staff'
const [A, B] = ['https://a.example', 'https://b.example'] as const

/** Replays what an issuer, or who has stolen from one, may do with its keys, on a gateway that takes tokens of two issuers. */
export async function attackIssuer(outer: Rig, id: string): Promise<void> {
  const [own, other] = await Promise.all([keyPair(), keyPair()])
  const sets: Readonly<Record<string, readonly JWK[]>> = {
    a:
      id === 'kid-dup'
        ? [own.jwk, { ...other.jwk, kid: 'one' }]
        : [id === 'wrong-use' ? { ...own.jwk, use: 'enc' } : own.jwk],
    b: [{ ...other.jwk, kid: 'two' }],
  }
  const keys = createServer((asked, response) =>
    response.end(JSON.stringify({ keys: sets[(asked.url ?? '').slice(1)] ?? [] })),
  )
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve))
  const at = `http://127.0.0.1:${(keys.address() as AddressInfo).port}`
  const signer = (issuer: string, path: string): object => ({ issuer, jwks: `${at}/${path}`, audience: AUDIENCE })
  const jwt = { type: 'externalJwt', signers: [signer(A, 'a'), signer(B, 'b')] }
  const chains = { default: [{ module: 'jwt', criteria: 'REQUIRED' }] }
  const policies = [{ name: 'all', everyRequest: 'jwt' }]
  const rig = await startOwnRig({
    files: {
      'agent-config/gatehouse.yaml': gatehouseYaml(),
      'agent-config/app.yaml': agentYaml('app', 'http://127.0.0.1:9'),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': JSON.stringify({ authentication: { modules: { jwt }, chains, policies } }),
      'realms/staff/users.yaml': usersYaml([{ username: 'alice', hash: await hashOf('not used') }]),
    },
  })
  const tokenOf = (issuer: string, kid: string, key: typeof own.privateKey): Promise<string> => {
    const claims = { iss: issuer, aud: AUDIENCE, sub: 'alice', exp: Math.ceil(Date.now() / 1_000) + 600 }
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign(key)
  }
  const login = async (issuer: string, kid: string, key: typeof own.privateKey): Promise<number> => {
    const token = await tokenOf(issuer, kid, key)
    outer.tally.sent++
    outer.tally.checks++
    const { statusCode = 0, headers } = await get(rig.port, token)
    const cookies = headers['set-cookie'] ?? []
    assert.equal(
      cookies.some((cookie) => /SSOTokenID=[^;]{20}/.test(cookie)),
      statusCode === 303,
    )
    assert.ok(!rig.log().includes(token.slice(-43)), 'a token is logged')
    return statusCode
  }
  try {
    assert.equal(await login(B, 'two', other.privateKey), 303, 'the other issuer’s own is good')
    if (id === 'kid-other-issuer') assert.equal(await login(A, 'one', own.privateKey), 303, 'as is the first one’s')
    const forged = id === 'kid-other-issuer' ? login(A, 'two', other.privateKey) : login(A, 'one', own.privateKey)
    assert.equal(await forged, 403, id)
    outer.tally.checks++
    await onEveryRequest(rig.port, await tokenOf(B, 'two', other.privateKey), await tokenOf(A, 'two', other.privateKey))
  } finally {
    await rig.stop()
    keys.close()
  }
}

/** A session alone, and one with a token that does not count, opens nothing; with the right one the application is asked (which is away). */
async function onEveryRequest(port: number, good: string, forged: string): Promise<void> {
  const client = new Client()
  const site = `http://app.acme.test:${port}/x`
  const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
  await client.open(`http://login.acme.test:${port}/login/staff`, as(good))
  assert.equal((await client.open(site)).status, 401, 'the session alone')
  assert.notEqual(client.cookie('app.acme.test', 'SSOTokenID'), undefined, 'there is a session at the site')
  assert.equal((await client.call(site, as(forged))).status, 401, 'a forged token')
  assert.equal((await client.call(site, as(good))).status, 502, 'the right token')
}

async function keyPair() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: 'one' } }
}

function get(port: number, token: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { host: `login.acme.test:${port}`, authorization: `Bearer ${token}` }
    const sent = request({ host: '127.0.0.1', port, path: '/login/staff', headers }, (response) => {
      response.resume().once('end', () => resolve(response))
    })
    sent.once('error', reject).end()
  })
}
