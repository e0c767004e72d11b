import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWK } from 'jose'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An OpenID provider that says whatever a test has it say. It asks nobody anything: browsers come back at once, with what `answer` makes. */
export interface Liar {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Paths that were asked, in order. */
  readonly asked: string[]
  /** Forms that its token endpoint got. */
  readonly grants: URLSearchParams[]
  /** Reset by `honest`. */
  lies: Lies
  honest(): void
  /** The query that a browser brings back for this departure. */
  answer(departure: string, more?: Readonly<Record<string, string>>): string
  sign(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>
  close(): Promise<void>
}

export interface Lies {
  /** Of the ID token, over what would be right; `undefined` leaves a claim out. */
  claims?: Readonly<Record<string, unknown>>
  userinfo?: unknown
  metadata?: Readonly<Record<string, unknown>>
  /** Of the token endpoint's answer; `undefined` leaves a member out. */
  token?: Readonly<Record<string, unknown>>
  tokenStatus?: number
  /** Makes the ID token itself. */
  forge?: (claims: Readonly<Record<string, unknown>>) => Promise<string>
  /** Answers in the place of the endpoint of this path. */
  serve?: Readonly<Record<string, (response: ServerResponse) => void>>
  /** Is shown each form; with a status it is the answer, without a body. */
  receive?: (path: string, form: URLSearchParams) => number | undefined
  /** Awaited before the token endpoint answers. */
  hold?: Promise<unknown>
}

interface Ticket {
  readonly nonce: string
  readonly acr: string | undefined
}

export async function startLiar(clientId = 'gatehouse'): Promise<Liar> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid: 'one', use: 'sig', alg: 'ES256' }
  const tickets = new Map<string, Ticket>()
  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let codes = 0

  const liar: Liar = {
    issuer,
    clientId,
    clientSecret: 'the secret of the liar',
    asked: [],
    grants: [],
    lies: {},
    honest: () => void (liar.lies = {}),
    answer(departure, more = {}) {
      const { searchParams } = new URL(departure)
      const code = `code-${codes++}`
      tickets.set(code, { nonce: searchParams.get('nonce') ?? '', acr: searchParams.get('acr_values') ?? undefined })
      return new URLSearchParams({ code, state: searchParams.get('state') ?? '', iss: issuer, ...more }).toString()
    },
    sign: (claims, header = {}) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'one', ...header }).sign(privateKey),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0] ?? ''
    liar.asked.push(path)
    const own = liar.lies.serve?.[path]
    if (own !== undefined) {
      own(response)
      return
    }
    if (path === '/authorize') {
      const departure = `${issuer}${request.url ?? ''}`
      const back = new URL(departure).searchParams.get('redirect_uri') ?? ''
      response.writeHead(302, { location: `${back}?${liar.answer(departure)}` }).end()
      return
    }
    const form = new URLSearchParams(await textOf(request))
    const received = liar.lies.receive?.(path, form)
    if (received !== undefined) {
      response.writeHead(received).end()
      return
    }
    if (path === '/token') liar.grants.push(form)
    if (path === '/token') await liar.lies.hold
    const [status, body] = await bodyOf(path, form)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  async function bodyOf(path: string, form: URLSearchParams): Promise<readonly [number, unknown]> {
    switch (path) {
      case '/.well-known/openid-configuration':
        return [
          200,
          {
            issuer,
            authorization_endpoint: `${issuer}/authorize`,
            token_endpoint: `${issuer}/token`,
            userinfo_endpoint: `${issuer}/userinfo`,
            jwks_uri: `${issuer}/jwks`,
            end_session_endpoint: `${issuer}/logout`,
            authorization_response_iss_parameter_supported: true,
            ...liar.lies.metadata,
          },
        ]
      case '/jwks':
        return [200, { keys: [jwk] }]
      case '/userinfo':
        return [200, liar.lies.userinfo ?? { sub: 'alice' }]
      case '/token':
        return [liar.lies.tokenStatus ?? 200, await tokensFor(form)]
      default:
        return [404, {}]
    }
  }

  async function tokensFor(form: URLSearchParams): Promise<object> {
    const ticket = tickets.get(form.get('code') ?? '')
    const now = Math.floor(Date.now() / 1_000)
    const { nonce, acr } = ticket ?? { nonce: undefined, acr: undefined }
    const claims = {
      ...{ iss: issuer, aud: clientId, sub: 'alice', iat: now, exp: now + 300, auth_time: now, sid: 'their-session' },
      ...{ nonce, acr },
      ...liar.lies.claims,
    }
    const idToken = await (liar.lies.forge?.(claims) ?? liar.sign(claims))
    return {
      access_token: 'the access token of the liar',
      token_type: 'Bearer',
      expires_in: 300,
      id_token: idToken,
      ...liar.lies.token,
    }
  }

  return liar
}

export function unsigned(claims: Readonly<Record<string, unknown>>): string {
  return new UnsecuredJWT({ ...claims }).encode()
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** Of a provider's configuration, to be completed by its schema. */
export function liarConfig({ issuer, clientId, clientSecret }: Liar, more: object = {}): object {
  return { title: 'Corp', issuer, clientId, clientSecret, algorithm: 'ES256', ...more }
}
