import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import { createBench, EMPLOYEES, TOTP_SECRET, user, type Bench, type BenchOptions } from '../../authn/login.fixture.ts'
import type { EpochMs, RealmName } from '../../base/brand.ts'
import { NOTHING_PRESENTED, bearerOf, type PresentedCertificate } from '../../http/presented.ts'
import { createHandshakeService } from '../../session/handshake.ts'
import type { Session } from '../../session/session.ts'
import type { Service, ZitiDeps, ZitiRealm } from './call.ts'
import { createZiti } from './ziti.ts'

export const CLIENT = '/edge/client/v1'
export const MANAGEMENT = '/edge/management/v1'

export type Data = Readonly<Record<string, unknown>>

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The whole body. */
  readonly body: Data
  /** Its `data`, where that is an object. */
  readonly data: Data
  readonly list: readonly Data[]
  /** Of its `error`. */
  readonly code: unknown
}

export interface Ask {
  readonly token?: string | undefined
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface ZitiOptions extends BenchOptions {
  readonly deps?: (made: ZitiDeps, bench: Bench) => ZitiDeps
}

/** What everybody has here: alice nothing, bob an authenticator app, carol nothing, and she and bob administer. */
const USERS = [user('alice'), user('bob', { totp: TOTP_SECRET }), user('carol')]
const ADMINISTRATORS: ReadonlySet<string> = new Set(['bob', 'carol'])

/** The API on the real logins, sessions, keys and store, behind a real socket. */
export async function openZiti(t: TestContext, { deps: change = (made) => made, ...options }: ZitiOptions = {}) {
  const modules = { password: { type: 'password' }, totp: { type: 'totp' }, recovery: { type: 'recovery' } }
  const bench = await createBench(t, {
    users: USERS,
    ...options,
    authentication: { modules, ...options.authentication },
  })
  const { store, sessions, time } = bench
  const clock = (): EpochMs => time.now as EpochMs
  const audit = { record: (event: (typeof bench.audited)[number]) => void bench.audited.push(event) }
  const place = { siteId: '01', serverId: '01' }
  const touched: string[] = []
  /** What the next requests show, and whom the policies keep out of pay. */
  const state = { certificate: undefined as PresentedCertificate | undefined, deniesPay: false }
  const employees = zitiRealm(bench, EMPLOYEES)
  const logged: string[] = []
  const log = (fields: object, message: string) => void logged.push(`${JSON.stringify(fields)} ${message}`)
  const answers = createZiti(
    change(
      {
        ...employees,
        ...{ administered: employees, outer: [], store, audit, clock, version: '1.2.3', ownFactors: bench.ownFactors },
        authn: bench.telling,
        sessions: {
          ...sessions,
          touch: (session: Session) => {
            touched.push(session.sid)
            sessions.touch(session)
          },
        },
        factsOf: () => Promise.resolve({ groups: new Set(), attributes: {} }),
        handshakes: createHandshakeService({ store, clock, audit, place }),
        services: [serviceAt('app'), serviceAt('pay', () => !state.deniesPay)],
        userOf: (userId) =>
          Promise.resolve(USERS.some(({ username }) => username === userId) ? named(userId) : undefined),
        people: {
          hasRealm: () => true,
          administratorsOf: () => ['admins'],
          groupsOf: ({ username }) => Promise.resolve(new Set(ADMINISTRATORS.has(username) ? ['admins'] : [])),
          userIdOf: () => undefined,
        },
        presentedBy: ({ headers }) => ({
          ...NOTHING_PRESENTED,
          certificate: () => state.certificate,
          bearer: bearerOf(headers.authorization),
        }),
        loginOrigin: 'https://login.acme.example',
        log: { error: log, warn: log },
      },
      bench,
    ),
  )
  const facts = { requestId: 'r-1', client: { ip: '192.0.2.9', scheme: 'https', peer: '192.0.2.9' } } as const
  const server = createServer((request, response) => {
    if (!answers(request, response, facts)) response.writeHead(418).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const ask = (method: string, path: string, { token, body, headers = {} }: Ask = {}): Promise<Answer> =>
    send(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { 'zt-session': token }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
  const authenticate = (username: string, password = username, api = CLIENT): Promise<Answer> =>
    ask('POST', `${api}/authenticate?method=password`, { body: { username, password } })
  const tokenOf = async (username: string): Promise<string> => text((await authenticate(username)).data, 'token')
  /** Of the app with this secret, now. */
  const code = (secret = TOTP_SECRET): string =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: time.now })
  const full = async (username: string): Promise<string> => {
    const token = await tokenOf(username)
    const answer = await ask('POST', `${CLIENT}/authenticate/mfa`, { token, body: { code: code() } })
    assert.equal(answer.status, 200, answer.text)
    return token
  }
  return { bench, ask, authenticate, tokenOf, full, code, touched, state, logged, port, clock, place }
}

/** As one of the realms whose people may call. */
export function zitiRealm({ realms }: Pick<Bench, 'realms'>, realm: RealmName): ZitiRealm {
  const realmAuthn = realms.get(realm)
  assert.ok(realmAuthn)
  return { realm, realmAuthn, requestTokens: undefined }
}

function named(userId: string) {
  return { userId, username: userId }
}

function serviceAt(id: string, mayDial: () => boolean = () => true): Service {
  return {
    ...{ id, name: `The ${id}`, url: `https://${id}.acme.example`, audience: `agent:${id}`, cookie: 'SSOTokenID' },
    mayDial: () => Promise.resolve(mayDial()),
  }
}

async function send(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', ...init })
  const { status, headers } = response
  const text = await response.text()
  const isJson = headers.get('content-type')?.startsWith('application/json') === true
  const body = isJson ? (JSON.parse(text) as Data) : {}
  const { data, error } = body as { data?: Data | readonly Data[]; error?: Data }
  const list = Array.isArray(data) ? (data as readonly Data[]) : []
  return {
    status,
    headers,
    text,
    body,
    data: (list.length > 0 ? {} : (data ?? {})) as Data,
    list,
    code: error?.['code'],
  }
}

export function text(data: Data, name: string): string {
  const value = data[name]
  assert.ok(typeof value === 'string', `${name} is no text: ${JSON.stringify(data)}`)
  return value
}
