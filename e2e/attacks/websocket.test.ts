import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headersExact, isDead, noServerError, upstreamSilent } from './oracles.ts'
import { WEB_SOCKET, webSocket } from './requests.ts'
import { startRig, type Rig, type SignedIn } from './rig.ts'
import { runVectors, type Vector } from './suite.ts'
import { Wire, type WireAnswer } from './wire.ts'

interface SocketVector extends Vector {
  readonly h?: Readonly<Record<string, string>>
  readonly target?: string
}

let bob: SignedIn

interface Upgrade {
  readonly method?: string
  readonly path?: string
  readonly lines?: string
  readonly after?: string
}

function bytesOf({ method = 'GET', path = '/ws', lines = WEB_SOCKET, after = '' }: Upgrade): string {
  return `${method} ${path} HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}${lines}\r\n${after}`
}

async function refused(rig: Rig, upgrade: Upgrade, statuses: readonly number[]): Promise<void> {
  for (const path of [upgrade.path ?? '/ws', ...(upgrade.path === undefined ? ['/public/ws'] : [])]) {
    const mark = rig.mark()
    const connections = rig.upstream.connections()
    const answer = await rig.ask(bytesOf({ ...upgrade, path }))
    noServerError(rig, answer, path)
    assert.ok(statuses.includes(answer?.status ?? 0), `${path}: ${answer?.status}`)
    upstreamSilent(rig, mark, path)
    assert.equal(rig.upstream.connections(), connections, 'refused before the application is dialled')
  }
}

async function open(rig: Rig, upgrade: Upgrade = {}): Promise<Wire> {
  const wire = new Wire(rig.dial)
  rig.tally.sent++
  wire.send(bytesOf(upgrade))
  assert.equal((await wire.answer())?.status, 101)
  return wire
}

/** A client frame with an empty mask. */
function frame(first: number, payload: string): string {
  return `${String.fromCharCode(first, 0x80 | payload.length)}\0\0\0\0${payload}`
}

async function answerOf(
  rig: Rig,
  answer: string,
): Promise<{ readonly answer: WireAnswer | undefined; readonly wire: Wire }> {
  rig.upstream.behave('/public/other', (socket) => socket.write(answer))
  const wire = new Wire(rig.dial)
  rig.tally.sent++
  wire.send(bytesOf({ path: '/public/other', after: 'GET /admin/smuggled HTTP/1.1\r\nHost: a\r\n\r\n' }))
  return { answer: await wire.answer(), wire }
}

const rig = runVectors<SocketVector>('websocket', {
  beyond,
  async setUp(rig) {
    bob = await rig.signIn('bob')
  },
  async every(rig, { h = {} }) {
    const origin = h['Origin']?.replaceAll('gw.example.com', 'app.example.com')
    await refused(rig, { lines: webSocket(origin) }, [403])
  },
  only: {
    'origin-missing': (rig) => refused(rig, { path: '/ws', lines: webSocket(undefined) }, [403]),
    path: (rig, { target = '' }) => refused(rig, { path: target }, [400]),
    method: (rig) => refused(rig, { method: 'POST' }, [400]),
    version: (rig, { h = {} }) =>
      refused(rig, { lines: WEB_SOCKET.replace('Version: 13', `Version: ${h['Sec-WebSocket-Version']}`) }, [400, 426]),
    async 'fake-101'(rig) {
      for (const status of ['200 OK', '426 Upgrade Required']) {
        const mark = rig.mark()
        const { answer, wire } = await answerOf(rig, `HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nno`)
        noServerError(rig, answer, status)
        assert.equal(answer?.status, Number(status.slice(0, 3)))
        wire.send('GET /admin/smuggled HTTP/1.1\r\nHost: a\r\n\r\n')
        await wire.closed()
        assert.deepEqual(
          rig.since(mark).map(({ target }) => target),
          ['/public/other'],
        )
      }
      const { answer } = await answerOf(
        rig,
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n',
      )
      assert.equal(answer?.status, 502, 'a 101 without the right proof is none')
    },
    'key-missing': (rig) => refused(rig, { lines: WEB_SOCKET.replace(/Sec-WebSocket-Key: .*\r\n/, '') }, [400]),
    async h2c(rig) {
      const mark = rig.mark()
      const answer = await rig.ask(bytesOf({ path: '/public/x', lines: 'Connection: Upgrade\r\nUpgrade: h2c\r\n' }))
      noServerError(rig, answer, 'h2c')
      assert.equal(answer?.status, 200, 'an ordinary request')
      assert.doesNotMatch(rig.since(mark)[0]?.raw ?? '', /upgrade/i)
    },
    body: (rig) => refused(rig, { lines: `${WEB_SOCKET}Content-Length: 5\r\n`, after: 'abcde' }, [400]),
    async 'buffered-head'(rig) {
      const { wire } = await answerOf(rig, 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n')
      await wire.closed()
      const mark = rig.mark()
      const opened = await open(rig, { after: frame(0x81, 'early') })
      assert.match((await opened.text('early')) ?? '', /early/, 'after the 101 it arrives')
      headersExact(rig, rig.since(mark)[0]!, 'bob', 'early bytes')
      opened.destroy()
    },
    async headers(rig) {
      const mark = rig.mark()
      const wire = await open(rig, { lines: `${WEB_SOCKET}X-Remote-User: eve\r\nCookie: theme=dark\r\n` })
      const [seen] = rig.since(mark)
      assert.ok(seen)
      headersExact(rig, seen, 'bob', 'the upgrade')
      assert.doesNotMatch(seen.raw, /SSOTokenID/)
      wire.destroy()
    },
    async 'ext-bomb'(rig) {
      const wire = await open(rig, { lines: `${WEB_SOCKET}Sec-WebSocket-Extensions: permessage-deflate\r\n` })
      // RSV1 set: the bytes come back as they went, nobody looked inside.
      const compressed = frame(0xc1, '\x4a\x4c\xca\x04\x00')
      wire.send(compressed)
      assert.equal(await wire.text(compressed), compressed)
      rig.tally.checks++
      wire.destroy()
    },
    async idle() {
      const short = await startRig({ idleTimeout: '1s', employees: 'session: { maxIdle: 30m }\n' })
      try {
        const person = await short.signIn('bob')
        const upgrade = (): Wire =>
          new Wire(short.dial).send(
            `GET /ws HTTP/1.1\r\nHost: app.example.com\r\n${person.cookie('app')}${WEB_SOCKET}\r\n`,
          )
        const [silent, busy] = [upgrade(), upgrade()]
        for (const wire of [silent, busy]) assert.equal((await wire.answer())?.status, 101)
        let pings = 0
        const pinging = setInterval(() => busy.send(frame(0x89, `ping${pings++}`)), 50)
        try {
          await silent.closed()
          assert.equal(busy.ended, false, 'one that is used stays')
          await short.shiftClock(31 * 60_000)
          await busy.closed()
        } finally {
          clearInterval(pinging)
        }
        assert.ok(pings > 10, 'it was not the silence that ended it')
        await isDead(short, person.cookie('app'), 'pings keep nobody signed in')
      } finally {
        await short.stop()
      }
      rig().tally.sent++
      rig().tally.checks++
    },
    async count(rig) {
      const person = await rig.signIn('mallory')
      const own = { lines: WEB_SOCKET }
      const wires: Wire[] = []
      const statuses: number[] = []
      for (let i = 0; i < 70; i++) {
        const wire = new Wire(rig.dial)
        wires.push(wire)
        wire.send(bytesOf(own).replace(bob.cookie('app'), person.cookie('app')))
        statuses.push((await wire.answer())?.status ?? 0)
      }
      rig.tally.checks++
      assert.deepEqual([...new Set(statuses.slice(0, 64))], [101])
      assert.deepEqual([...new Set(statuses.slice(64))], [429])
      for (const wire of wires) wire.destroy()
    },
  },
})

function beyond(): void {
  test('cross-site WebSocket hijacking: no page of another origin opens a socket, sibling applications included', async () => {
    const origins = [
      'https://pay.example.com',
      'https://gw.example.com',
      'http://app.example.com',
      'https://app.example.com.',
      'https://APP.example.com',
      'https://app.example.com/',
      'app.example.com',
      '*',
      '',
    ]
    for (const origin of origins) await refused(rig(), { lines: webSocket(origin) }, [403])
    // Of two Origins none counts but the site's own, in either order, and two are never one.
    for (const lines of [
      `${WEB_SOCKET}Origin: https://evil.example\r\n`,
      `Origin: https://evil.example\r\n${WEB_SOCKET}`,
    ])
      await refused(rig(), { lines }, [400, 403])
  })
}
