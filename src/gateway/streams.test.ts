import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
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

test('an exchange that cannot be ended keeps no other of its session open; it is logged and its connection cut', (t) => {
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
  assert.deepEqual(ended, ['id-2'])
  assert.equal(broken.raw.socket.destroyed, true)
  assert.deepEqual(logged, [{ err: new Error('no'), requestId: 'id-1' }])
})

test('whatever comes and goes between, the end of a session ends what is open for it, once, and nothing else', (t) => {
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
  streams.sessionEnded('s1')
  assert.deepEqual(ended.toSorted(), ['a', 'c', 'd'])
  assert.deepEqual(
    [a, c, d].map((one) => one!.openAt),
    [-1, -1, -1],
  )
  assert.deepEqual(streams.all(), [f])
})
