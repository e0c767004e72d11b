import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as send } from 'node:http'
import { test, type TestContext } from 'node:test'
import { WebSocket, type ClientOptions } from 'ws'
import { APP, createMachine, FROM } from '../../../session/processes.fixture.ts'
import { createLoginHost, ORIGIN } from '../../login-host.fixture.ts'
import { createNotifications, MOST_OF_USER } from './notifications.ts'
import { MOST_TOPICS } from './subscriber.ts'

const PROTOCOL = 'v1.notifications.forgerock.org'
const SUBSCRIBE = { action: 'subscribe', topic: '/agent/session', id: 'x' }
const REGISTERED = { topic: '/agent/session', message: 'subscription registered', id: 'x' }

type Host = Awaited<ReturnType<typeof createLoginHost>>

/** A program that listens, and everything that it was told. */
class Listener {
  readonly heard: unknown[] = []
  readonly socket: WebSocket
  readonly closed: Promise<readonly [number, string]>
  #wake = (): void => undefined

  constructor(t: TestContext, { url }: Host, token: string, options: ClientOptions = {}) {
    const headers = { SSOTokenID: token, ...options.headers }
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/notifications`, PROTOCOL, { ...options, headers })
    this.socket.on('message', (data: Buffer) => {
      this.heard.push(JSON.parse(data.toString('utf8')))
      this.#wake()
    })
    this.socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => resolve([code, reason.toString('utf8')]))
    })
    t.after(() => this.socket.terminate())
  }

  /** Settles when so much was heard. */
  async until(count: number): Promise<readonly unknown[]> {
    while (this.heard.length < count) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.heard
  }

  async opened(): Promise<this> {
    await once(this.socket, 'open')
    return this
  }

  async ask(message: unknown): Promise<unknown> {
    const before = this.heard.length
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    return (await this.until(before + 1))[before]
  }
}

async function listening(t: TestContext, host: Host, token: string, options: ClientOptions = {}): Promise<Listener> {
  const listener = await new Listener(t, host, token, options).opened()
  assert.deepEqual(await listener.ask(SUBSCRIBE), REGISTERED)
  return listener
}

const eventOf = (host: Host, sid: string, eventType: string) => ({
  topic: '/agent/session',
  timestamp: new Date(host.clock()).toISOString(),
  body: { tokenId: `shandle:${sid}`, eventType },
})

/** Status of the answer to a handshake that is refused. */
function refusal(host: Host, headers: Record<string, string>, path = '/notifications', method = 'GET') {
  const handshake = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  }
  return new Promise<number>((resolve, reject) => {
    const outgoing = send(host.url + path, { method, headers: { ...handshake, ...headers }, agent: false })
    outgoing.once('response', (incoming) => {
      incoming.resume()
      resolve(incoming.statusCode ?? 0)
    })
    outgoing.once('upgrade', (_, socket) => {
      socket.destroy()
      resolve(101)
    })
    outgoing.once('error', reject).end()
  })
}

test('a person hears of their own sessions, an administrator of those of the realms below, nobody of others', async (t) => {
  const host = await createLoginHost(t)
  const [alice, other, bob] = [await host.signIn('alice'), await host.signIn('alice'), await host.signIn('bob')]
  const [root, carl] = [await host.signIn('root', '/'), await host.signIn('carl', '/employees/contractors')]
  const namesake = await host.signIn('alice', '/customers')
  const last = await host.signIn('erin', '/employees/contractors')
  const [byAlice, byRoot, byCarl] = [
    await listening(t, host, alice.token),
    await listening(t, host, root.token),
    await listening(t, host, carl.token),
  ]
  const ends = [
    [other.session.sid, 'logout', 'LOGOUT'],
    [bob.session.sid, 'admin', 'DESTROY'],
    [namesake.session.sid, 'idle', 'IDLE_TIMEOUT'],
    [last.session.sid, 'max-life', 'MAX_TIMEOUT'],
  ] as const
  for (const [sid, cause] of ends) await host.process.sessions.end(sid, cause, FROM)
  const events = ends.map(([sid, , type]) => eventOf(host, sid, type))
  assert.deepEqual(await byRoot.until(5), [REGISTERED, ...events])
  assert.deepEqual(await byCarl.until(2), [REGISTERED, events[3]])
  byAlice.socket.send(JSON.stringify(SUBSCRIBE))
  assert.deepEqual(await byAlice.until(3), [REGISTERED, events[0], REGISTERED])
  const administered = host.audited.filter(({ event }) => event === 'SessionsAdministered')
  assert.deepEqual(
    administered.map((event) => event.event === 'SessionsAdministered' && [event.username, event.action, event.target]),
    [
      ['root', 'list', { realm: '/' }],
      ['carl', 'list', { realm: '/employees/contractors' }],
    ],
  )
})

test('an agent hears of the ends of the sessions of its realm, and is closed when it signs out', async (t) => {
  const host = await createLoginHost(t, { heartbeatMs: 20 })
  const alice = await host.signIn('alice')
  const [dave, carl] = [await host.signIn('dave', '/customers'), await host.signIn('carl', '/employees/contractors')]
  const token = await host.signInAgent('legacy')
  const listener = await listening(t, host, token)
  for (const { session } of [dave, carl, alice]) await host.process.sessions.end(session.sid, 'logout', FROM)
  assert.deepEqual(await listener.until(2), [REGISTERED, eventOf(host, alice.session.sid, 'LOGOUT')])
  await host.call('/json/sessions?_action=logout', { token })
  assert.deepEqual(await listener.closed, [1008, 'the session has ended'])
})

test('the end of the session that opened the connection is told, and is the end of the connection', async (t) => {
  const host = await createLoginHost(t)
  const { token, session } = await host.signIn('alice')
  const silent = await new Listener(t, host, token).opened()
  const listener = await listening(t, host, token)
  await host.process.sessions.end(session.sid, 'logout', FROM)
  assert.deepEqual(await listener.closed, [1008, 'the session has ended'])
  assert.deepEqual(listener.heard, [REGISTERED, eventOf(host, session.sid, 'LOGOUT')])
  assert.deepEqual(await silent.closed, [1008, 'the session has ended'])
  assert.deepEqual(silent.heard, [])
})

test('without a token of its own in the header nobody is let in, whatever the cookie says', async (t) => {
  const host = await createLoginHost(t)
  const { token, session } = await host.signIn('alice')
  const to = { agent: APP, audience: 'agent:app', goto: 'https://app.test/' } as const
  const grant = { ...to, binding: 'b', interactive: true }
  const code = await host.process.handshakes.issue(session, grant)
  const redeemed = await host.process.handshakes.redeem(code, APP, 'b', FROM)
  assert.ok(redeemed.kind === 'issued')
  const dead = await host.signIn('alice')
  await host.process.sessions.end(dead.session.sid, 'logout', FROM)
  const cookie = `SSOTokenID=${token}`
  const refusals: readonly (readonly [Record<string, string>, number])[] = [
    [{}, 401],
    [{ cookie }, 401],
    [{ cookie, origin: ORIGIN }, 401],
    [{ SSOTokenID: dead.token }, 401],
    [{ SSOTokenID: redeemed.token }, 401],
    [{ SSOTokenID: token, origin: 'https://evil.example' }, 403],
    [{ SSOTokenID: token, origin: 'null' }, 403],
    [{ SSOTokenID: token, 'sec-fetch-site': 'cross-site' }, 403],
    [{ SSOTokenID: token, 'sec-fetch-site': 'same-site', origin: ORIGIN }, 403],
    [{ SSOTokenID: token, 'sec-websocket-key': 'short' }, 400],
    [{ SSOTokenID: token, 'sec-websocket-version': '8' }, 400],
    [{ SSOTokenID: token, 'content-length': '1' }, 400],
    [{ SSOTokenID: token, origin: ORIGIN }, 101],
    [{ SSOTokenID: token }, 101],
  ]
  for (const [headers, status] of refusals) assert.equal(await refusal(host, headers), status, JSON.stringify(headers))
  for (const path of ['/am/notifications', '/openam/notifications?realm=/'])
    assert.equal(await refusal(host, { SSOTokenID: token }, path), 101, path)
  for (const path of ['/notifications/', '/json/notifications', `/notifications/${token}`])
    assert.equal(await refusal(host, { SSOTokenID: token }, path), 404, path)
})

test('a session has eight connections, and room for another when one of them is gone', async (t) => {
  const host = await createLoginHost(t)
  const [{ token }, other] = [await host.signIn('alice'), await host.signIn('alice')]
  const listeners: Listener[] = []
  for (let n = 0; n < 8; n++) listeners.push(await listening(t, host, token))
  assert.equal(await refusal(host, { SSOTokenID: token }), 429)
  await listening(t, host, other.token)
  listeners[0]?.socket.close()
  await listeners[0]?.closed
  await listening(t, host, token)
})

test('a session has eight connections, however many are opened at once', async (t) => {
  const known = Promise.withResolvers<undefined>()
  let asked = 0
  const resolved = (): Promise<undefined> => {
    if (++asked === 20) known.resolve(undefined)
    return known.promise
  }
  const host = await createLoginHost(t, { resolved })
  const { token } = await host.signIn('alice')
  const answers: (number | undefined)[] = []
  const all = Array.from({ length: 20 }, () => new Listener(t, host, token))
  await Promise.all(
    all.map(async ({ socket }) => {
      socket.once('unexpected-response', (_, incoming) => answers.push(incoming.statusCode))
      await Promise.race([once(socket, 'open').then(() => answers.push(101)), once(socket, 'unexpected-response')])
    }),
  )
  assert.deepEqual(
    answers.sort((a = 0, b = 0) => a - b),
    [...Array.from({ length: 8 }, () => 101), ...Array.from({ length: 12 }, () => 429)],
  )
})

test('a person has sixty-four, with however many sessions, and takes nothing from anybody else', async (t) => {
  const host = await createLoginHost(t)
  for (let opened = 0; opened < MOST_OF_USER; opened += 8) {
    const { token } = await host.signIn('alice')
    await Promise.all(Array.from({ length: 8 }, () => new Listener(t, host, token).opened()))
  }
  const { token } = await host.signIn('alice')
  assert.equal(await refusal(host, { SSOTokenID: token }), 429)
  for (const [username, realm] of [
    ['bob', '/employees'],
    ['alice', '/customers'],
  ] as const) {
    assert.equal(await refusal(host, { SSOTokenID: (await host.signIn(username, realm)).token }), 101, realm)
  }
})

test('a client is told what is wrong with its message, and so with the subscription that is one too many', async (t) => {
  const host = await createLoginHost(t)
  const listener = await new Listener(t, host, (await host.signIn('alice')).token).opened()
  assert.equal(listener.socket.protocol, PROTOCOL)
  const answers: readonly (readonly [unknown, object])[] = [
    ['{', { error: 'the message is no JSON object' }],
    ['[]', { error: 'the message is no JSON object' }],
    [{ id: 1 }, { error: '"id" must be a string' }],
    [{ id: 'x' }, { error: 'missing required field "action"', id: 'x' }],
    [{ action: 'subscribe' }, { error: 'missing required field "topic"' }],
    [{ action: 'subscribe', topic: ['/a'] }, { error: '"topic" must be a string' }],
    [
      { ...SUBSCRIBE, topic: 'agent' },
      { error: '"topic" must be like "/agent/session"', id: 'x' },
    ],
    [
      { ...SUBSCRIBE, action: 'unsubscribe' },
      { error: 'unknown action: the only one is "subscribe"', id: 'x' },
    ],
    [
      { action: 'subscribe', topic: '/agent/policy' },
      { topic: '/agent/policy', message: 'subscription registered' },
    ],
  ]
  for (const [message, answer] of answers) assert.deepEqual(await listener.ask(message), answer)
  for (let n = 1; n < MOST_TOPICS; n++) await listener.ask({ ...SUBSCRIBE, topic: `/t/${n}` })
  const error = 'a connection has at most 16 subscriptions'
  assert.deepEqual(await listener.ask(SUBSCRIBE), { error, id: 'x' })
  assert.deepEqual(await listener.ask({ ...SUBSCRIBE, topic: '/t/1' }), { ...REGISTERED, topic: '/t/1' })
})

function pingUntilCut(socket: WebSocket): void {
  const many = 1_000
  let answered = 0
  const send = (): void => {
    for (let i = 0; i < many; i++) socket.ping()
  }
  socket.on('pong', () => {
    answered++
    if (answered % many === 0) send()
  })
  send()
}

test('what no client has to send ends its connection: bytes, long messages, very many of them', async (t) => {
  const host = await createLoginHost(t)
  const { token } = await host.signIn('alice')
  const sends: readonly (readonly [number, (socket: WebSocket) => void])[] = [
    [1003, (socket) => socket.send(Buffer.from('{}'))],
    [1009, (socket) => socket.send(JSON.stringify({ ...SUBSCRIBE, id: 'x'.repeat(5_000) }))],
    [1008, (socket) => Array.from({ length: 101 }, () => socket.send('{}'))],
    // A library that would queue an answer to each, cuts it: where a hundred are read at once, which a busy machine may not do at first.
    [1006, pingUntilCut],
  ]
  for (const [code, sendIt] of sends) {
    const listener = await new Listener(t, host, token).opened()
    sendIt(listener.socket)
    assert.equal((await listener.closed)[0], code, String(sendIt))
  }
})

test('who does not answer pings is dropped, who does stays', async (t) => {
  const host = await createLoginHost(t, { heartbeatMs: 20 })
  const { token } = await host.signIn('alice')
  const [lively, dead] = [await listening(t, host, token), await listening(t, host, token, { autoPong: false })]
  const [payload] = (await once(lively.socket, 'ping')) as [Buffer]
  assert.equal(payload.toString(), 'ping')
  assert.equal((await dead.closed)[0], 1006)
  assert.deepEqual(await lively.ask(SUBSCRIBE), REGISTERED)
})

test('a token that a stronger login replaced keeps no connection', async (t) => {
  const host = await createLoginHost(t, { heartbeatMs: 20 })
  const { token, session } = await host.signIn('alice')
  const listener = await listening(t, host, token)
  await host.process.sessions.upgrade(session, { authLevel: 2, authModules: ['totp'], properties: {} }, FROM)
  assert.deepEqual(await listener.closed, [1008, 'the session has ended'])
})

test('another configuration closes everything, and whoever was being let in under the one before', async (t) => {
  let meanwhile: () => void = () => undefined
  const host = await createLoginHost(t, { resolved: () => meanwhile() })
  const { token } = await host.signIn('alice')
  const before = await listening(t, host, token)
  const again = [1012, 'come back, and ask anew for what you keep']
  host.notifications.restart()
  assert.deepEqual(await before.closed, again)
  meanwhile = () => {
    meanwhile = () => undefined
    host.notifications.restart()
  }
  assert.deepEqual(await new Listener(t, host, token).closed, again)
  await listening(t, host, token)
})

test('a session that ends while its connection is being opened has none', async (t) => {
  let meanwhile: () => unknown = () => undefined
  const host = await createLoginHost(t, { resolved: () => meanwhile() })
  const { token, session } = await host.signIn('alice')
  meanwhile = () => {
    meanwhile = () => undefined
    return host.process.sessions.end(session.sid, 'logout', FROM)
  }
  assert.deepEqual(await new Listener(t, host, token).closed, [1008, 'the session has ended'])
})

test('entries of the log that may have been missed send everybody away', (t) => {
  const gap = { tell: (): void => undefined }
  const notifications = createNotifications({
    revocations: {
      subscribe: (_, onGap) => {
        gap.tell = onGap ?? gap.tell
        return { close: () => undefined }
      },
    },
    log: createMachine(t).log,
  })
  t.after(() => notifications.close())
  const before = notifications.era()
  gap.tell()
  assert.equal(notifications.era(), before + 1)
})

test('a process that stops says so, and lets nobody in any more', async (t) => {
  const host = await createLoginHost(t)
  const { token } = await host.signIn('alice')
  const listener = await listening(t, host, token)
  host.notifications.drain()
  assert.deepEqual(await listener.closed, [1001, 'the server stops'])
  assert.equal(await refusal(host, { SSOTokenID: token }), 503)
})

test('a store that cannot be asked lets nobody in, and keeps nobody', async (t) => {
  const host = await createLoginHost(t, { heartbeatMs: 20 })
  const { token } = await host.signIn('alice')
  const listener = await listening(t, host, token)
  await host.process.store.close()
  host.pass(5_000)
  assert.equal((await listener.closed)[0], 1011)
  assert.equal(await refusal(host, { SSOTokenID: token }), 503)
})
