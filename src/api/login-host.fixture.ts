import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as send, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import type { RealmName } from '../base/brand.ts'
import { ALICE, createMachine, established, type Process } from '../session/processes.fixture.ts'
import type { IssuedSession } from '../session/session.ts'
import { createOpenAm } from './openam/open-am.ts'

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

export const ORIGIN = 'http://login.acme.test'

/** The REST of one process behind a real socket, on a store of its own. */
export async function createLoginHost(t: TestContext) {
  const machine = createMachine(t)
  const process = await machine.start()
  const touched: string[] = []
  const touch: Process['sessions']['touch'] = (session) => {
    touched.push(session.sid)
    process.sessions.touch(session)
  }
  const url = await listen(t, machine, { ...process, sessions: { ...process.sessions, touch } })
  const signIn = (username: string, realm = '/employees'): Promise<IssuedSession> => {
    assert.ok(PEOPLE[realm]?.[username], `${username} of ${realm} is nobody`)
    const draft = { ...ALICE, realm: realm as RealmName, username, userId: `u-${username}` }
    return established(process.sessions.establish(draft, { requestId: 'r-login', clientIp: '192.0.2.1' }))
  }
  const call = (path: string, call: Call = {}): Promise<Answer> => ask(url + path, call)
  return { ...machine, process, touched, signIn, call }
}

async function listen(
  t: TestContext,
  machine: ReturnType<typeof createMachine>,
  process: Omit<Process, 'sessions'> & { readonly sessions: Omit<Process['sessions'], 'close'> },
): Promise<string> {
  const { clock, log, audited } = machine
  const answers = createOpenAm({
    ...{ loginUrl: ORIGIN, cookieName: 'SSOTokenID', version: '1.2.3', clock, log },
    sessions: process.sessions,
    records: process.store.sessions,
    audit: { record: (event) => void audited.push(event) },
    people: {
      hasRealm: (realm) => realm in PEOPLE,
      administratorsOf: (realm) => ADMINISTRATORS[realm] ?? [],
      groupsOf: ({ realm, username }) => Promise.resolve(new Set(PEOPLE[realm]?.[username])),
      userIdOf: (realm, username) => (PEOPLE[realm]?.[username] === undefined ? undefined : `u-${username}`),
    },
  })
  const client = { ip: '192.0.2.9', scheme: 'http', peer: '192.0.2.9' } as const
  const server = createServer((request, response) => {
    if (!answers(request, response, { requestId: 'r-9', client })) response.writeHead(404).end('{"page":true}')
  }).listen(0, '127.0.0.1')
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
