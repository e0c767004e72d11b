import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { until } from '../until.ts'
import { calm, noServerError, upstreamSilent } from './oracles.ts'
import { assertionClaims, logoutClaims, withPartnerRealm } from './partner-realm.ts'
import { WEB_SOCKET } from './requests.ts'
import { ORIGINS } from './rig-config.ts'
import { withSamlRealm } from './saml-realm.ts'
import type { Rig, SignedIn } from './rig.ts'
import { isNoToken, steal } from './stateless.ts'
import { startTlsRig } from './tls-rig.ts'
import { runVectors, type Vector } from './suite.ts'
import { Wire, type WireAnswer } from './wire.ts'

let bob: SignedIn

/** Others are answered while something else is going on; that the loop is never blocked for long is for `calm` to say. */
async function othersAreServed(rig: Rig, about: string): Promise<void> {
  for (let i = 0; i < 5; i++) {
    const started = performance.now()
    assert.equal((await rig.ask('GET /public/others HTTP/1.1\r\nHost: app.example.com\r\n\r\n'))?.status, 200, about)
    assert.ok(performance.now() - started < 15_000, `${about}: others wait`)
  }
}

/** As many descriptors as before, or nearly, once whoever has gone was noticed. */
async function letGo(rig: Rig, before: number): Promise<void> {
  await until('all let go', () => descriptors(pidOf(rig)) <= before + 10)
}

async function refused(rig: Rig, bytes: string, statuses: readonly number[]): Promise<WireAnswer | undefined> {
  const mark = rig.mark()
  const answer = await rig.ask(bytes)
  noServerError(rig, answer, bytes.slice(0, 60))
  assert.ok(answer === undefined || statuses.includes(answer.status), `${bytes.slice(0, 60)}: ${answer?.status}`)
  upstreamSilent(rig, mark, bytes.slice(0, 60))
  await othersAreServed(rig, bytes.slice(0, 60))
  return answer
}

function form(body: string, path = '/login/employees'): string {
  return `POST ${path} HTTP/1.1\r\nHost: gw.example.com\r\nOrigin: ${ORIGINS.login}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

function pidOf(rig: Rig): number {
  return Number(/"pid":(\d+)/.exec(rig.log())?.[1] ?? 0)
}

const rig = runVectors<Vector>(
  'dos',
  {
    beyond,
    async setUp(rig) {
      bob = await rig.signIn('bob')
    },
    only: {
      'deflate-saml': (rig) =>
        withSamlRealm(rig, async ({ sso, acs }) => {
          // A thousand times its size; and as much of it as fits into a form.
          const bombs = [8_000_000, 60_000_000].map((size) => deflateRawSync(Buffer.alloc(size, 0x20), { level: 9 }))
          const { rssBytes } = await rig.vitals('collected')
          for (const bomb of bombs) {
            const field = encodeURIComponent(bomb.toString('base64'))
            for (let count = 0; count < 5; count++) {
              const query = `${sso}?SAMLRequest=${field}&RelayState=x`
              if (query.length < 15_000)
                await refused(rig, `GET ${query} HTTP/1.1\r\nHost: gw.example.com\r\n\r\n`, [400, 403])
              await refused(rig, form(`SAMLRequest=${field}`, sso), [400, 403, 413])
              await refused(rig, form(`SAMLResponse=${field}`, acs), [400, 403, 413])
            }
          }
          rig.tally.checks++
          assert.ok((await rig.vitals('collected')).rssBytes - rssBytes < 60_000_000, 'nothing of it was unpacked')
        }),
      'jwks-flood': (rig) =>
        withPartnerRealm(rig, async ({ liar, depart, arrive, signOut, show }) => {
          const named = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `kid-${i}`)
          const asked = (): number => liar.asked.filter((path) => path === '/jwks').length
          const flood = async (about: string, attack: () => Promise<void>, most = 2): Promise<void> => {
            const before = asked()
            await attack()
            rig.tally.checks++
            assert.ok(asked() - before <= most, `${about}: its keys were asked for ${asked() - before} times`)
            await othersAreServed(rig, about)
          }
          await flood('tokens of the back channel', async () => {
            for (const kid of named(40)) {
              const token = await liar.sign(logoutClaims(liar, kid), { kid, typ: 'logout+jwt' })
              assert.equal(await signOut(token), 400)
            }
          })
          await flood('ID tokens', async () => {
            for (const kid of named(8)) {
              const browser = rig.browser()
              const query = liar.answer(await depart(browser))
              liar.lies = { forge: (claims) => liar.sign(claims, { kid }) }
              const page = await arrive(browser, query)
              liar.honest()
              assert.notEqual(page.status, 303, 'nobody is signed in')
            }
          })
          assert.equal(
            await show(await liar.sign(assertionClaims('right'))),
            'invalid_grant',
            'the client is who it is',
          )
          await flood('assertions of clients', async () => {
            for (const kid of named(20))
              assert.equal(await show(await liar.sign(assertionClaims(kid), { kid })), 'invalid_client')
          })
        }),
      async 'slow-body'(rig) {
        const connections = rig.upstream.connections()
        const mark = rig.mark()
        const wires = Array.from({ length: 100 }, () =>
          new Wire(rig.dial).send(
            'POST /admin/x HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: 1000000\r\n\r\na',
          ),
        )
        rig.tally.sent += wires.length
        for (const wire of wires) assert.equal((await wire.answer())?.status, 401)
        upstreamSilent(rig, mark, 'slow bodies of strangers')
        assert.equal(rig.upstream.connections(), connections, 'no connection of the application is held')
        await othersAreServed(rig, 'slow bodies')
        for (const wire of wires) wire.destroy()
      },
      async 'slow-read'(rig) {
        await flood(rig)
      },
      async 'idle-conns'(rig) {
        const before = descriptors(pidOf(rig))
        const wires = Array.from({ length: 500 }, () => new Wire(rig.dial))
        rig.tally.sent += wires.length
        await othersAreServed(rig, 'idle connections')
        for (const wire of wires) wire.destroy()
        await othersAreServed(rig, 'after idle connections')
        await calm(rig, 'idle connections', 400)
        await letGo(rig, before)
      },
      async 'hdr-size'(rig) {
        for (const size of [33_000, 65_536, 300_000])
          await refused(rig, `GET /public/x HTTP/1.1\r\nHost: app.example.com\r\nA: ${'x'.repeat(size)}\r\n\r\n`, [431])
        await refused(rig, `GET /public/${'x'.repeat(40_000)} HTTP/1.1\r\nHost: app.example.com\r\n\r\n`, [431])
      },
      async 'hdr-count'(rig) {
        for (const count of [201, 2_001])
          await refused(
            rig,
            `GET /public/x HTTP/1.1\r\nHost: app.example.com\r\n${'a: b\r\n'.repeat(count)}\r\n`,
            [431],
          )
      },
      async 'body-login'(rig) {
        const wire = new Wire(rig.dial)
        rig.tally.sent++
        wire.send(form('').replace('Content-Length: 0', 'Content-Length: 10000000'))
        wire.send('a'.repeat(100_000))
        assert.equal((await wire.answer('POST'))?.status, 413, 'before it has arrived')
        wire.destroy()
        await refused(rig, form('a'.repeat(20_000)), [413])
        await refused(
          rig,
          form('').replace('Content-Length: 0', 'Transfer-Encoding: chunked') +
            `${(100_000).toString(16)}\r\n${'a'.repeat(100_000)}\r\n0\r\n\r\n`,
          [413],
        )
      },
      async params(rig) {
        await refused(
          rig,
          form(
            Array.from({ length: 3_000 }, (_, i) => `a${i}=1`)
              .join('&')
              .slice(0, 16_000),
          ),
          [400, 403, 413],
        )
        await refused(rig, form(`a${'[0]'.repeat(1_000)}=1`), [400, 403])
        await refused(rig, form('authId=1&'.repeat(39) + 'authId=1'), [400, 403])
        const query = Array.from({ length: 2_000 }, (_, i) => `a${i}=`)
          .join('&')
          .slice(0, 15_000)
        await refused(rig, `GET /login/employees?${query} HTTP/1.1\r\nHost: gw.example.com\r\n\r\n`, [200])
        await calm(rig, 'many parameters')
      },
      async 'json-deep'(rig) {
        const deep = '['.repeat(15_000)
        await refused(rig, form(deep).replace('application/x-www-form-urlencoded', 'application/json'), [400, 403, 415])
      },
      async 'zip-jwe'(rig) {
        const { header, sealed } = await steal(rig)
        const bomb = deflateRawSync(Buffer.alloc(10_000_000, 0x20), { level: 9 }).subarray(0, 2_500)
        for (let i = 0; i < 100; i++) await isNoToken(rig, sealed({ ...header, zip: 'DEF' }, bomb), 'a bomb in a token')
        await calm(rig, 'bombs in tokens')
      },
      async 'gzip-req'(rig) {
        await refused(
          rig,
          form('a=b').replace('Content-Type', 'Content-Encoding: gzip\r\nContent-Type'),
          [400, 403, 415],
        )
      },
      async 'gzip-resp'(rig) {
        rig.upstream.behave('/public/gzip', (socket) =>
          socket.write(
            `HTTP/1.1 200 OK\r\nContent-Encoding: ${'gzip, '.repeat(200)}gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8b\x08\0\0`,
            'latin1',
          ),
        )
        const answer = await rig.ask(
          'GET /public/gzip HTTP/1.1\r\nHost: app.example.com\r\nAccept-Encoding: gzip\r\n\r\n',
        )
        noServerError(rig, answer, 'encodings')
        assert.equal(answer?.body, '\x1f\x8b\x08\0\0', 'passed as it is')
      },
      async 'async-stack'(rig) {
        await refused(rig, form(`IDToken1=${'%5B'.repeat(5_000)}`), [400, 403])
        await refused(rig, `GET /${'a/'.repeat(7_000)} HTTP/1.1\r\nHost: app.example.com\r\n\r\n`, [401, 404])
      },
      async 'session-flood'(rig) {
        const { rssBytes } = await rig.vitals('collected')
        const wire = new Wire(rig.dial)
        for (let i = 0; i < 3_000; i++) {
          rig.tally.sent++
          wire.send(`GET /me?${i} HTTP/1.1\r\nHost: app.example.com\r\nAccept: text/html\r\n\r\n`)
          assert.equal((await wire.answer())?.status, 302)
        }
        wire.destroy()
        await calm(rig, 'a flood of strangers', 400)
        assert.ok((await rig.vitals('collected')).rssBytes - rssBytes < 80e6, 'strangers leave nothing behind')
      },
      async 'tls-handshake-flood'(rig) {
        const tls = await startTlsRig()
        const wires: Wire[] = []
        try {
          const others = async (): Promise<void> => {
            const started = performance.now()
            assert.equal(await tls.status('app.acme.test', tls.host('app'), '/open/x'), 200)
            assert.ok(performance.now() - started < 30_000, 'others wait')
            rig.tally.checks++
          }
          await others()
          const before = tls.rssBytes()
          // Hellos that go nowhere, silence, and another protocol: none of it is a TLS connection yet.
          const openings = [
            '\x16\x03\x01\x02\0\x01',
            '',
            'GET / HTTP/1.1\r\n\r\n',
            `\x16\x03\x01\xff\xff${'\0'.repeat(16_000)}`,
          ]
          for (const bytes of openings)
            for (let i = 0; i < 150; i++) wires.push(new Wire({ port: tls.port }).send(bytes))
          rig.tally.sent += wires.length
          await others()
          await Promise.all(Array.from({ length: 60 }, () => tls.status('app.acme.test', tls.host('app'), '/open/x')))
          await others()
          for (const wire of wires) wire.destroy()
          await others()
          assert.ok(tls.rssBytes() - before < 100e6, 'nothing is kept')
          assert.ok(tls.running())
        } finally {
          // Whatever was found: who stays connected keeps the gateway waiting for the end of its drain.
          for (const wire of wires) wire.destroy()
          await tls.stop()
        }
      },
      async 'ws-flood'(rig) {
        const wires: Wire[] = []
        const statuses: number[] = []
        for (let i = 0; i < 300; i++) {
          const wire = new Wire(rig.dial)
          wires.push(wire)
          wire.send(`GET /public/ws HTTP/1.1\r\nHost: app.example.com\r\n${WEB_SOCKET}\r\n`)
          statuses.push((await wire.answer())?.status ?? 0)
          rig.tally.sent++
        }
        assert.deepEqual([...new Set(statuses)], [101, 429], 'strangers of one address share a limit')
        assert.ok(statuses.indexOf(429) <= 256)
        await othersAreServed(rig, 'a flood of WebSockets')
        const own = new Wire(rig.dial)
        own.send(`GET /ws HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}${WEB_SOCKET}\r\n`)
        assert.equal((await own.answer())?.status, 101, 'who has a session is not kept out')
        for (const wire of [...wires, own]) wire.destroy()
        await calm(rig, 'a flood of WebSockets', 400)
      },
      async 'expect-100'(rig) {
        const mark = rig.mark()
        const wire = new Wire(rig.dial)
        wire.send('POST /me HTTP/1.1\r\nHost: app.example.com\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n')
        assert.equal((await wire.answer('POST'))?.status, 401, 'refused without asking for the body')
        upstreamSilent(rig, mark, 'a stranger who expects')
        wire.destroy()
        for (const value of ['y 100-continue', '100-continue, x', '200-ok', '100-continue;q=1'])
          await refused(
            rig,
            `POST /public/x HTTP/1.1\r\nHost: app.example.com\r\nExpect: ${value}\r\nContent-Length: 1\r\n\r\na`,
            [417],
          )
        assert.equal(
          (
            await rig.ask(
              'POST /public/x HTTP/1.1\r\nHost: app.example.com\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na',
            )
          )?.status,
          200,
        )
        assert.doesNotMatch(rig.since(mark).at(-1)?.raw ?? '', /expect/i, 'never forwarded')
      },
      async trailers(rig) {
        const trailers = Array.from({ length: 10_000 }, (_, i) => `t${i}: 1\r\n`).join('')
        const answer = await rig.ask(
          `POST /public/x HTTP/1.1\r\nHost: app.example.com\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n${trailers}\r\n`,
        )
        assert.ok(answer === undefined || [200, 400, 431, 502].includes(answer.status), String(answer?.status))
        await othersAreServed(rig, 'trailers')
        await calm(rig, 'trailers', 400)
      },
      async 'chunk-ext'(rig) {
        const answer = await rig.ask(
          `POST /public/x HTTP/1.1\r\nHost: app.example.com\r\nTransfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(1_000_000)}\r\na\r\n0\r\n\r\n`,
        )
        assert.ok(answer === undefined || answer.status === 413 || answer.status === 400)
        await othersAreServed(rig, 'chunk extensions')
        await calm(rig, 'chunk extensions', 400)
      },
      async 'upstream-slow'(rig) {
        rig.upstream.behave('/public/never', () => undefined)
        const slow = Array.from({ length: 20 }, () =>
          rig.ask('GET /public/never HTTP/1.1\r\nHost: app.example.com\r\n\r\n'),
        )
        await othersAreServed(rig, 'a slow application')
        for (const answer of await Promise.all(slow)) assert.equal(answer?.status, 504)
        await calm(rig, 'a slow application', 400)
      },
      async 'upstream-flood'(rig) {
        await flood(rig)
      },
    },
  },
  { own: true },
)

/** A client that does not read: the application is slowed down with it, and memory stays where it was. */
async function flood(rig: Rig): Promise<void> {
  let written = 0
  rig.upstream.behave('/account/flood', (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n')
    const chunk = Buffer.alloc(262_144)
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk)) written += chunk.length
      written += chunk.length
    }
    socket.on('drain', more)
    more()
  })
  const { rssBytes } = await rig.vitals('collected')
  const wires = Array.from({ length: 8 }, () => {
    const wire = new Wire(rig.dial)
    wire.socket.pause()
    return wire.send(`GET /account/flood HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}\r\n`)
  })
  rig.tally.sent += wires.length
  await othersAreServed(rig, 'a flood')
  let before = -1
  while (before !== written) {
    before = written
    await othersAreServed(rig, 'a flood')
  }
  assert.ok(written < 8 * 20e6, `${written} bytes were taken from the application`)
  assert.ok((await rig.vitals('collected')).rssBytes - rssBytes < 120e6, 'nothing is buffered without bound')
  for (const wire of wires) wire.destroy()
  await calm(rig, 'a flood', 400)
}

function beyond(): void {
  test('connections that were refused are let go, whatever their clients do', async () => {
    const before = descriptors(pidOf(rig()))
    const refusals = [
      `GET /ws HTTP/1.1\r\nHost: app.example.com\r\n${WEB_SOCKET}\r\n`,
      'GET /public/x HTTP/1.1\r\nHost: app.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      `GET /login/employees HTTP/1.1\r\nHost: gw.example.com\r\n${WEB_SOCKET}\r\n`,
      'GARBAGE\r\n\r\n',
      'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
    ]
    const wires = refusals.flatMap((bytes) => Array.from({ length: 20 }, () => new Wire(rig().dial).send(bytes)))
    for (const wire of wires) {
      await wire.answer()
      wire.send('and more that nobody reads')
    }
    await Promise.all(wires.map((wire) => wire.closed()))
    await othersAreServed(rig(), 'refused connections')
    await letGo(rig(), before)
  })

  test('an upgrade or CONNECT behind an unanswered request does not end the process', async () => {
    rig().upstream.behave('/public/slow', (socket) =>
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow'), 100),
    )
    const slow = 'GET /public/slow HTTP/1.1\r\nHost: app.example.com\r\n\r\n'
    for (const behind of [
      `GET /public/ws HTTP/1.1\r\nHost: app.example.com\r\n${WEB_SOCKET}\r\n`,
      `GET /login/employees HTTP/1.1\r\nHost: gw.example.com\r\n${WEB_SOCKET}\r\n`,
      'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
      'GARBAGE\r\n\r\n',
    ]) {
      const wire = new Wire(rig().dial)
      wire.send(slow + behind)
      const first = await wire.answer()
      assert.ok(first === undefined || first.body === 'slow' || first.status === 400, behind)
      wire.destroy()
      await othersAreServed(rig(), behind)
    }
    assert.ok(rig().running())
  })

  test('slow heads are ended in time and keep nobody waiting (slowloris)', async () => {
    const wires = Array.from({ length: 200 }, () =>
      new Wire(rig().dial).send('GET /public/x HTTP/1.1\r\nHost: app.example.com\r\nX: '),
    )
    await othersAreServed(rig(), 'slow heads')
    for (const wire of wires) wire.send('a')
    await othersAreServed(rig(), 'slow heads')
    for (const wire of wires) wire.destroy()
  })
}
