import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import {
  createRemoteJWKSet,
  customFetch,
  errors,
  generateKeyPair,
  jwtVerify,
  SignJWT,
  type JWTVerifyResult,
} from 'jose'
import type { Client } from '../client.ts'
import { exchange, signedIn, type Reply } from './exchange.ts'
import { startGateway, type Gateway } from './gateway.ts'
import { closeServer } from './program.ts'

/** How an application would check the assertion with a library of its choice: all that it needs to know is in here. */
interface Verifier {
  verify(assertion: string, audience: string): Promise<JWTVerifyResult>
}

const running = new AsyncDisposableStack()
let application: Server
let gateway: Gateway
let alice: Client
let keys: Verifier

before(async () => {
  // `wiki` lets in who brings an assertion that holds for it, wherever the request came from, and believes no other header.
  application = createServer((request, response) => {
    const header = request.headers['x-gatehouse-assertion']
    const assertion = typeof header === 'string' ? header : ''
    keys.verify(assertion, gateway.site('wiki')).then(
      ({ payload, protectedHeader }) => response.end(JSON.stringify({ payload, protectedHeader, assertion })),
      (error: unknown) => {
        response.writeHead(401).end(error instanceof errors.JOSEError ? error.code : String(error))
      },
    )
  })
  application.listen(0, '127.0.0.1')
  await once(application, 'listening')
  running.defer(() => closeServer(application))
  const upstream = { servers: [direct()] }
  gateway = await startGateway({
    agents: {
      wiki: { ssoOnly: true, upstream, notEnforced: [{ path: '/open/*' }] },
      blog: { ssoOnly: true, upstream },
      plain: { ssoOnly: true, upstream, identity: { assertion: false } },
    },
  })
  running.defer(() => gateway.stop())
  const keySet = createRemoteJWKSet(new URL('/.well-known/jwks.json', gateway.login), { [customFetch]: fetchKeys })
  keys = {
    verify: (assertion, audience) =>
      jwtVerify(assertion, keySet, {
        audience,
        issuer: gateway.login,
        typ: 'gatehouse-assertion+jwt',
        algorithms: ['ES256'],
        requiredClaims: ['sub', 'exp', 'iat', 'jti'],
        maxTokenAge: '2 minutes',
      }),
  }
  alice = await signedInEverywhere()
})

after(() => running.disposeAsync())

const direct = (): string => `http://127.0.0.1:${(application.address() as AddressInfo).port}`

/** Names below `localhost` are this machine (RFC 6761 §6.3), which Node's resolver does not know. */
async function fetchKeys(url: string): Promise<Response> {
  const { status, bytes, headers } = await exchange(url)
  return new Response(new Uint8Array(bytes), { status, headers: { 'content-type': headers['content-type'] ?? '' } })
}

async function signedInEverywhere(): Promise<Client> {
  const client = await signedIn(gateway, 'wiki', 'alice')
  for (const agent of ['blog', 'plain']) await client.open(`${gateway.site(agent)}/`)
  return client
}

interface Accepted {
  readonly payload: Readonly<Record<string, unknown>> & { readonly iat: number; readonly exp: number }
  readonly protectedHeader: { readonly alg: string; readonly typ: string; readonly kid: string }
  readonly assertion: string
}

const accepted = (reply: Reply): Accepted => {
  assert.equal(reply.status, 200, reply.text)
  return JSON.parse(reply.text) as Accepted
}

test('an application verifies the assertion with jose and the published keys', async () => {
  const { payload, protectedHeader } = accepted(await exchange(`${gateway.site('wiki')}/`, { client: alice }))
  assert.deepEqual(
    [payload['iss'], payload['aud'], payload['username'], payload['realm'], payload['groups'], payload['auth_level']],
    [gateway.login, gateway.site('wiki'), 'alice', '/staff', ['operators'], 1],
  )
  assert.deepEqual([protectedHeader.alg, protectedHeader.typ], ['ES256', 'gatehouse-assertion+jwt'])
  assert.ok(payload.exp - payload.iat <= 60)
  assert.equal(typeof payload['sub'], 'string')
})

test('the published key set has public keys of known kinds only, among them the one that assertions name', async () => {
  const { assertion, protectedHeader } = accepted(await exchange(`${gateway.site('wiki')}/`, { client: alice }))
  const { status, text, headers } = await exchange(`${gateway.login}/.well-known/jwks.json`)
  assert.equal(status, 200)
  assert.match(headers['content-type'] ?? '', /^application\/(?:jwk-set\+)?json/)
  const { keys: published } = JSON.parse(text) as { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  assert.equal(published.find(({ kid }) => kid === protectedHeader.kid)?.['alg'], 'ES256')
  for (const key of published) {
    const kind = [key['kty'], key['crv'], key['alg'], key['use']].join(' ')
    // Of assertions, and of access tokens in both algorithms.
    assert.ok(['EC P-256 ES256 sig', 'OKP Ed25519 EdDSA sig', 'RSA  RS256 sig'].includes(kind), kind)
    for (const secret of ['d', 'k', 'p', 'q', 'dp', 'dq', 'qi']) assert.ok(!Object.hasOwn(key, secret))
  }
  await assert.rejects(keys.verify(assertion, gateway.site('blog')), errors.JWTClaimValidationFailed)
})

test('an assertion for another site does not hold: audiences are kept apart', async () => {
  // The same application behind another site: what it receives there is addressed to that site.
  const reply = await exchange(`${gateway.site('blog')}/`, { client: alice })
  assert.deepEqual([reply.status, reply.text], [401, 'ERR_JWT_CLAIM_VALIDATION_FAILED'])
})

test('whoever goes around the gateway, or forges, is refused by the application', async () => {
  assert.equal((await exchange(`${direct()}/`)).status, 401)
  assert.equal((await exchange(`${direct()}/`, { headers: ['X-Remote-User', 'alice'] })).status, 401)

  const { assertion, payload, protectedHeader } = accepted(
    await exchange(`${gateway.site('wiki')}/`, { client: alice }),
  )
  const { privateKey } = await generateKeyPair('ES256')
  const forged = await new SignJWT({ ...payload, username: 'root' })
    .setProtectedHeader(protectedHeader)
    .sign(privateKey)
  const [head = '', , signature = ''] = assertion.split('.')
  const altered = Buffer.from(JSON.stringify({ ...payload, username: 'root' })).toString('base64url')
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: protectedHeader.typ })).toString('base64url')
  for (const attempt of [forged, `${head}.${altered}.${signature}`, `${none}.${altered}.`, `${head}.${altered}.`]) {
    const reply = await exchange(`${direct()}/`, { headers: ['X-Gatehouse-Assertion', attempt] })
    assert.equal(reply.status, 401, reply.text)
    const through = await exchange(`${gateway.site('wiki')}/`, {
      client: alice,
      headers: ['X-Gatehouse-Assertion', attempt],
    })
    assert.equal(accepted(through).payload['username'], 'alice')
  }
})

test('no assertion where no session was needed or the profile wants none, not even one that the client brings', async () => {
  const { assertion } = accepted(await exchange(`${gateway.site('wiki')}/`, { client: alice }))
  const brought = ['X-Gatehouse-Assertion', assertion, 'X_Gatehouse_Assertion', assertion]
  assert.equal((await exchange(`${gateway.site('wiki')}/open/x`, { headers: brought })).status, 401)
  assert.equal((await exchange(`${gateway.site('plain')}/`, { client: alice, headers: brought })).status, 401)
})
