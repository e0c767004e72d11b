import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as send, ServerResponse, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { json } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import type { RealmName } from '../base/brand.ts'
import { ALICE, createMachine, established, type Process } from '../session/processes.fixture.ts'
import type { IssuedSession } from '../session/session.ts'
import { createTransactions } from '../session/transactions.ts'
import { createGotoCheck } from '../authn/goto.ts'
import { zeroPageSchema } from './openam/authenticate/zero-page.schema.ts'
import { createNotificationsEndpoint } from './openam/notifications/endpoint.ts'
import { createNotifications } from './openam/notifications/notifications.ts'
import { createOpenAm, type OpenAmDeps } from './openam/open-am.ts'
import type { AuditEvent } from '../telemetry/audit.ts'
import { createAgents } from './agents.fixture.ts'
import type { Agents } from './openam/agents.ts'
import type { People } from './ports.ts'
import { createXacml } from './xacml/xacml.ts'

export interface Call {
  readonly method?: string
  /** In the header named like the cookie. */
  readonly token?: string
  readonly cookie?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON, unless `headers` say otherwise; a text is sent as it is. */
  readonly body?: unknown
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

/** By realm, and by user: the groups. */
const PEOPLE: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  '/': { root: ['admins'], guest: [] },
  '/employees': { alice: [], bob: ['admins'], 'o,ne': [] },
  '/employees/contractors': { carl: ['leads'], erin: [] },
  '/customers': { dave: [], alice: [] },
}

/** Nobody administers `/employees`, though it has a group of that name. */
const ADMINISTRATORS: Readonly<Record<string, readonly string[]>> = {
  '/': ['admins'],
  '/employees/contractors': ['leads'],
}

const people: People = {
  hasRealm: (realm) => realm in PEOPLE,
  administratorsOf: (realm) => ADMINISTRATORS[realm] ?? [],
  groupsOf: ({ realm, username }) => Promise.resolve(new Set(PEOPLE[realm]?.[username])),
  userIdOf: (realm, username) => (PEOPLE[realm]?.[username] === undefined ? undefined : `u-${username}`),
}

export const ORIGIN = 'http://login.acme.test'
/** Where people of the employees' realm may be sent. */
export const APPLICATION = 'https://app.acme.test'

export interface LoginHostOptions {
  /** Milliseconds. */
  readonly heartbeatMs?: number
  readonly tokensInAddresses?: boolean
  /** `zeroPageLogin` of every realm. */
  readonly zeroPage?: object
  /** Logins, on a store of their own. */
  readonly authenticate?: OpenAmDeps['authenticate']
  /** Where all who call are. */
  readonly clientIp?: string
  /** What happens between the answer to whose a token is and what is made of it. */
  readonly resolved?: () => unknown
  /** None where absent. */
  readonly policiesOf?: OpenAmDeps['policiesOf']
  /** Nothing can be changed where absent. */
  readonly policyAdmin?: OpenAmDeps['policyAdmin']
  /** Access tokens; none is good where absent. */
  readonly bearer?: OpenAmDeps['bearer']
  /** None where absent. */
  readonly pages?: OpenAmDeps['pages']
}

/** The REST of one process behind a real socket, on a store of its own, and its WebSocket. */
export async function createLoginHost(t: TestContext, options: LoginHostOptions = {}) {
  const machine = createMachine(t)
  const process = await machine.start()
  const touched: string[] = []
  const touch: Process['sessions']['touch'] = (session) => {
    touched.push(session.sid)
    process.sessions.touch(session)
  }
  const { heartbeatMs } = options
  const { revocations } = process.store
  const notifications = createNotifications({
    ...{ revocations, log: machine.log },
    ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
  })
  t.after(() => {
    notifications.drain()
    notifications.close()
  })
  const resolve: Process['sessions']['resolve'] = async (...asked) => {
    const session = await process.sessions.resolve(...asked)
    await options.resolved?.()
    return session
  }
  const sessions = { ...process.sessions, touch, resolve }
  const audit = { record: (event: AuditEvent) => void machine.audited.push(event) }
  const { agents, ...asAgent } = createAgents(process, { audit, clock: machine.clock })
  const url = await listen(t, machine, { process: { ...process, sessions }, notifications, options, agents })
  const signIn = (username: string, realm = '/employees'): Promise<IssuedSession> => {
    assert.ok(PEOPLE[realm]?.[username], `${username} of ${realm} is nobody`)
    const draft = { ...ALICE, realm: realm as RealmName, username, userId: `u-${username}` }
    return established(process.sessions.establish(draft, { requestId: 'r-login', clientIp: '192.0.2.1' }))
  }
  const call = (path: string, call: Call = {}): Promise<Answer> => ask(url + path, call)
  return { ...machine, ...asAgent, process, touched, signIn, call, notifications, url }
}

function factsOf({ clientIp: ip = '192.0.2.9' }: LoginHostOptions) {
  return { requestId: 'r-9', client: { ip, scheme: 'http', peer: ip } } as const
}

interface Served {
  readonly process: Omit<Process, 'sessions'> & { readonly sessions: Omit<Process['sessions'], 'close'> }
  readonly notifications: ReturnType<typeof createNotifications>
  readonly options: LoginHostOptions
  readonly agents: Agents
}

async function listen(
  t: TestContext,
  { clock, log, audited }: ReturnType<typeof createMachine>,
  { process, notifications, options, agents }: Served,
): Promise<string> {
  const deps = {
    ...{ loginUrl: ORIGIN, cookieName: 'SSOTokenID', version: '1.2.3', clock, log, notifications },
    tokensInAddresses: options.tokensInAddresses ?? true,
    sessions: process.sessions,
    records: process.store.sessions,
    audit: { record: (event: (typeof audited)[number]) => void audited.push(event) },
    ...{ people, agents },
    policiesOf: options.policiesOf ?? (() => undefined),
    policyAdmin: options.policyAdmin ?? {
      change: () => Promise.resolve({ kind: 'conflict' as const, why: 'nothing is changed here' }),
    },
    bearer: options.bearer ?? { resolve: () => undefined },
    transactions: createTransactions(process.store),
    pages: options.pages ?? new Map(),
    authenticate: options.authenticate ?? (() => Promise.reject(new TypeError('nobody signs in here'))),
    zeroPageRules: () => zeroPageSchema.parse(options.zeroPage),
    checkGoto: createGotoCheck({ loginOrigin: ORIGIN, origins: new Map([[ALICE.realm, [APPLICATION]]]) }),
  }
  const facts = factsOf(options)
  const apis = [createOpenAm(deps), createXacml(deps)]
  const upgrades = createNotificationsEndpoint(deps)
  const server = createServer((request, response) => {
    if (!apis.some((answers) => answers(request, response, facts))) response.writeHead(404).end('{"page":true}')
  }).listen(0, '127.0.0.1')
  server.on('upgrade', (request, socket: Socket, head) => {
    const response = new ServerResponse(request)
    response.assignSocket(socket)
    response.once('finish', () => socket.end())
    const takeOver = () => {
      response.detachSocket(socket)
      return { socket, head }
    }
    if (!upgrades({ request, response, facts, takeOver })) response.writeHead(404).end('page')
  })
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function ask(url: string, { method = 'POST', token, cookie, headers, body }: Call): Promise<Answer> {
  const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body)
  const all = {
    'accept-api-version': 'resource=4.0, protocol=1.0',
    ...(token === undefined ? {} : { SSOTokenID: token }),
    ...(cookie === undefined ? {} : { cookie: `SSOTokenID=${cookie}` }),
    ...(text === undefined ? {} : { 'content-type': 'application/json' }),
    ...headers,
  }
  return new Promise((resolve, reject) => {
    const outgoing = send(url, { method, headers: all, agent: false }, (incoming) => {
      const { statusCode: status = 0, headers } = incoming
      json(incoming).then((read) => resolve({ status, headers, body: read }), reject)
    })
    outgoing.on('error', reject)
    outgoing.end(text)
  })
}
