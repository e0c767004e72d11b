import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { AccessRequest } from './access-request.ts'
import { profileOf, quietLog, sessionOf, siteOf } from './gateway.fixture.ts'
import { createStreams, type OpenExchange } from './streams.ts'

const site = siteOf(profileOf('http://127.0.0.1:1'))

function requestOf(id: string): AccessRequest {
  return {
    id,
    raw: new IncomingMessage(new Socket()),
    method: 'GET',
    target: { path: '/', query: '', target: '/', alternatives: [] },
    client: { ip: '127.0.0.1', scheme: 'http', peer: '127.0.0.1' },
    site,
    upgrade: false,
    approved: false,
    transaction: undefined,
    stages: { sessionMs: undefined, policyMs: undefined },
  }
}

test('an exchange that cannot be ended keeps no other of its session open; it is logged and its connection cut', async (t) => {
  const logged: object[] = []
  const streams = createStreams({
    sessions: { touch: () => undefined },
    log: { ...quietLog, error: (fields: object) => logged.push(fields) },
  })
  t.after(() => streams.close())
  const session = sessionOf('s1')
  const broken = requestOf('id-1')
  const ended: string[] = []
  streams.opened({
    request: broken,
    session,
    openAt: -1,
    abort: () => {
      throw new Error('no')
    },
  })
  streams.opened({ request: requestOf('id-2'), session, openAt: -1, abort: () => ended.push('id-2') })
  streams.sessionEnded('s1')
  await turn()
  assert.deepEqual(ended, ['id-2'])
  assert.equal(broken.raw.socket.destroyed, true)
  assert.deepEqual(logged, [{ err: new Error('no'), requestId: 'id-1' }])
})

test('whatever comes and goes between, the end of a session ends what is open for it, once, and nothing else', async (t) => {
  const streams = createStreams({ sessions: { touch: () => undefined }, log: quietLog })
  t.after(() => streams.close())
  const ended: string[] = []
  const open = (id: string, sid: string): OpenExchange => {
    const exchange: OpenExchange = {
      request: requestOf(id),
      session: sessionOf(sid),
      openAt: -1,
      abort: () => {
        ended.push(id)
        streams.closed(exchange)
        streams.closed(exchange)
      },
    }
    streams.opened(exchange)
    return exchange
  }
  const [a, b, c, d, e] = ['s1', 's2', 's1', 's1', 's2'].map((sid, at) => open('abcde'.charAt(at), sid))
  for (const gone of [b, e, b]) streams.closed(gone!)
  const f = open('f', 's2')
  for (const sid of ['s1', 's3', 's1']) streams.sessionEnded(sid)
  await turn()
  assert.deepEqual(ended.toSorted(), ['a', 'c', 'd'])
  assert.deepEqual(
    [a, c, d].map((one) => one!.openAt),
    [-1, -1, -1],
  )
  assert.deepEqual(streams.all(), [f])
})

test('WebSockets are counted for each session and site, and no longer when they are closed, however often that is said', (t) => {
  const streams = createStreams({ sessions: { touch: () => undefined }, log: quietLog })
  t.after(() => streams.close())
  const session = sessionOf('s1')
  const request = { ...requestOf('id'), upgrade: true }
  const open = (upgrade: boolean): OpenExchange => {
    const exchange = { request: { ...request, upgrade }, session, openAt: -1, abort: () => undefined }
    streams.opened(exchange)
    return exchange
  }
  const [first, second] = [open(true), open(true), open(false)]
  assert.equal(streams.webSockets(request, session), 2)
  assert.equal(streams.webSockets(request, sessionOf('s2')), 0)
  for (const gone of [first, first, second]) streams.closed(gone)
  assert.equal(streams.webSockets(request, session), 0)
})
