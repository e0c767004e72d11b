import { createServer, request as requestHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import * as openid from 'openid-client'

/* An application that signs people in by `openid-client`, as its documentation has it. */

export interface RelyingParty {
  readonly origin: string
  readonly callback: string
  /** Registered there as `backchannelLogoutUri`. */
  readonly backchannel: string
  /** Where it asks; `token` is the port that gets codes and refresh tokens. */
  connect(issuer: string, ports: { readonly usual: number; readonly token: number }): Promise<void>
  close(): Promise<void>
}

interface Visitor {
  readonly idToken: string
  readonly sid: unknown
  readonly refreshToken: string | undefined
  readonly told: Readonly<Record<string, unknown>>
}

interface Begun {
  readonly checks: openid.AuthorizationCodeGrantChecks
  readonly then: string
}

const { ['allowInsecureRequests']: overHttp } = openid

export async function startRelyingParty(clientId: string, secret: string): Promise<RelyingParty> {
  const visitors = new Map<string, Visitor>()
  const begun = new Map<string, Begun>()
  let config: openid.Configuration | undefined
  let keys: ReturnType<typeof createLocalJWKSet> | undefined
  const server = createServer((asked, response) => {
    answer(asked, response).catch((error: unknown) => response.writeHead(502).end(String(error)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const origin = `http://rp.localhost:${port}`
  const callback = `${origin}/cb`
  const needed = (): openid.Configuration => {
    if (config === undefined) throw new Error('it knows no provider yet')
    return config
  }

  async function leave(response: ServerResponse, then: string, more: Readonly<Record<string, string>>): Promise<void> {
    const [pkceCodeVerifier, expectedState, expectedNonce] = [
      openid.randomPKCECodeVerifier(),
      openid.randomState(),
      openid.randomNonce(),
    ]
    const url = openid.buildAuthorizationUrl(needed(), {
      ...{ redirect_uri: callback, scope: 'openid profile email groups', state: expectedState, nonce: expectedNonce },
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      ...more,
    })
    begun.set(expectedState, { checks: { pkceCodeVerifier, expectedState, expectedNonce }, then })
    response.writeHead(302, { location: url.href }).end()
  }

  async function arrive(url: URL, response: ServerResponse): Promise<void> {
    const { checks, then } = begun.get(url.searchParams.get('state') ?? '') ?? { checks: {}, then: '/' }
    const tokens = await openid.authorizationCodeGrant(needed(), url, checks)
    const claims = tokens.claims()
    const told = { ...(await openid.fetchUserInfo(needed(), tokens.access_token, claims?.sub ?? '')), ...claims }
    const name = randomUUID()
    const { id_token: idToken = '', refresh_token: refreshToken } = tokens
    visitors.set(name, { idToken, sid: claims?.['sid'], refreshToken, told })
    response.writeHead(302, { location: then, 'set-cookie': `rp=${name}; HttpOnly; Path=/` }).end()
  }

  async function answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(asked.url ?? '/', origin)
    const name = /\brp=([\w-]+)/.exec(asked.headers.cookie ?? '')?.[1] ?? ''
    const visitor = visitors.get(name)
    switch (url.pathname) {
      case '/cb':
        return arrive(url, response)
      case '/backchannel': {
        const token = new URLSearchParams(await text(asked)).get('logout_token') ?? ''
        const { payload } = await jwtVerify(token, keys ?? createLocalJWKSet({ keys: [] }), {
          ...{ issuer: needed().serverMetadata().issuer, audience: clientId, typ: 'logout+jwt' },
        })
        for (const [each, { sid }] of visitors) if (sid === payload['sid']) visitors.delete(each)
        response.writeHead(204).end()
        return
      }
      case '/bye':
        response.end('signed out')
        return
      case '/logout': {
        if (visitor === undefined) break
        visitors.delete(name)
        const more = { id_token_hint: visitor.idToken, post_logout_redirect_uri: `${origin}/bye` }
        response.writeHead(302, { location: openid.buildEndSessionUrl(needed(), more).href }).end()
        return
      }
      case '/refresh': {
        const tokens = await openid.refreshTokenGrant(needed(), visitor?.refreshToken ?? '')
        response.end(JSON.stringify({ hasNew: tokens.refresh_token !== visitor?.refreshToken }))
        return
      }
      default:
    }
    if (visitor === undefined) return leave(response, url.pathname, {})
    if (url.pathname === '/strong' && visitor.told['acr'] !== '2')
      return leave(response, '/strong', { acr_values: '2' })
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(visitor.told))
  }

  return {
    origin,
    callback,
    backchannel: `http://127.0.0.1:${port}/backchannel`,
    async connect(issuer, { usual, token }) {
      const fetch: openid.CustomFetch = (address, options) =>
        ask(new URL(address), new URL(address).pathname.endsWith('/access_token') ? token : usual, options)
      const authentication = openid.ClientSecretBasic(secret)
      config = await openid.discovery(new URL(issuer), clientId, undefined, authentication, {
        [openid.customFetch]: fetch,
        execute: [overHttp, openid.enableNonRepudiationChecks],
      })
      const keySet = await fetch(config.serverMetadata().jwks_uri ?? '', {
        method: 'GET',
        headers: {},
        body: undefined,
        redirect: 'manual',
      })
      keys = createLocalJWKSet((await keySet.json()) as JSONWebKeySet)
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** The names of the gateway are known to browsers alone: programs go to the address. */
export function ask(url: URL, port: number, { method, headers, body }: openid.CustomFetchOptions): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sent = requestHttp(
      { host: '127.0.0.1', port, path: url.pathname + url.search, method, headers: { ...headers, host: url.host } },
      (response) => {
        const { statusCode: status = 0 } = response
        const known = Object.entries(response.headersDistinct).flatMap(([name, values = []]) =>
          values.map((value): [string, string] => [name, value]),
        )
        text(response).then(
          (content) => resolve(new Response(status === 204 ? null : content, { status, headers: known })),
          reject,
        )
      },
    )
    sent.once('error', reject)
    sent.end(body instanceof URLSearchParams || typeof body === 'string' ? body.toString() : undefined)
  })
}
