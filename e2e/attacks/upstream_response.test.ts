import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { changeLive } from './live-config.ts'
import { WEB_SOCKET } from './requests.ts'
import { TOKEN_COOKIE, type Rig } from './rig.ts'
import { runVectors, type Vector } from './suite.ts'
import { headerOf, headersOf, Wire, type WireAnswer } from './wire.ts'

let nth = 0

interface Told {
  readonly answer: WireAnswer | undefined
  /** All bytes that came. */
  readonly text: string
}

/** What a client gets for these bytes of the application; the next client must get its own answer. */
async function answered(rig: Rig, answer: string, then: 'end' | 'stay' = 'stay', lines = ''): Promise<Told> {
  const path = `/public/behave-${nth++}`
  rig.upstream.behave(path, (socket) => {
    if (then === 'end') socket.end(answer, 'latin1')
    else socket.write(answer, 'latin1')
  })
  const wire = new Wire(rig.dial)
  rig.tally.sent++
  wire.send(`GET ${path} HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n${lines}\r\n`)
  await wire.closed()
  const text = wire.pending
  const parsed = await wire.answer()
  wire.destroy()
  const next = await rig.ask('GET /public/next HTTP/1.1\r\nHost: app.example.com\r\n\r\n')
  rig.tally.checks++
  // A connection that went bad may cost its next client an answer, but never gives it somebody else's.
  const broken = next?.status === 502 && answer.includes('Transfer-Encoding: gzip')
  if (!broken) assert.equal(next?.body, 'GET /public/next', 'the next client gets its own answer')
  return { answer: parsed, text }
}

async function isBadGateway(rig: Rig, answer: string, then: 'end' | 'stay' = 'stay'): Promise<void> {
  const { answer: told } = await answered(rig, answer, then)
  assert.equal(told?.status, 502)
  assert.doesNotMatch(told.body, /secret/, 'nothing of it is shown')
}

const rig = runVectors<Vector>('upstream_response', {
  beyond,
  only: {
    async 'short-body'(rig) {
      const { text } = await answered(rig, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345', 'end')
      assert.match(text, /Content-Length: 10\r\n/i)
      assert.match(text, /12345$/, 'cut off, not filled up or shortened')
    },
    async 'bad-chunk'(rig) {
      const { text } = await answered(
        rig,
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nzz\r\n',
        'end',
      )
      assert.doesNotMatch(text, /\r\n0\r\n\r\n$/, 'the end of the body is not made up')
    },
    async '100-many'(rig) {
      const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n'.repeat(1_000)
      const { answer, text } = await answered(rig, `${hints}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`)
      assert.ok(answer === undefined || [200, 502].includes(answer.status))
      assert.ok((text.match(/ 103 /g) ?? []).length <= 20, 'bounded')
    },
    async '204-cl'(rig) {
      const { answer, text } = await answered(rig, 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHTTP/')
      assert.ok(answer?.status === 204 || answer?.status === 502)
      assert.doesNotMatch(text, /content-length: 5/i)
    },
    'bare-lf': (rig) => isBadGateway(rig, 'HTTP/1.1 200 OK\nX-A: secret\nContent-Length: 0\n\n', 'end'),
    'nul-header': (rig) => isBadGateway(rig, 'HTTP/1.1 200 OK\r\nX-A: sec\0ret\r\nContent-Length: 0\r\n\r\n'),
    http09: (rig) => isBadGateway(rig, '<html>secret</html>', 'end'),
    'hdr-64k': (rig) => isBadGateway(rig, `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(65_536)}\r\nContent-Length: 0\r\n\r\n`),
    async 'location-internal'(rig) {
      for (const name of ['Location', 'Content-Location']) {
        const { answer } = await answered(
          rig,
          `HTTP/1.1 302 Found\r\n${name}: ${rig.upstream.url}/x?y=1\r\nContent-Length: 0\r\n\r\n`,
        )
        assert.ok(answer)
        assert.equal(headerOf(answer, name.toLowerCase()), 'https://app.example.com/x?y=1')
      }
    },
    async 'auth-headers'(rig) {
      const { answer } = await answered(
        rig,
        'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="x"\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n',
      )
      assert.ok(answer)
      assert.equal(headerOf(answer, 'proxy-authenticate'), undefined, 'a challenge for proxies is not for clients')
      assert.equal(headerOf(answer, 'www-authenticate'), 'Basic realm="x"', "the application's own challenge passes")
    },
    async 'identity-echo'(rig) {
      const { answer } = await answered(
        rig,
        'HTTP/1.1 200 OK\r\nX-Gatehouse-Assertion: secret\r\nContent-Length: 0\r\n\r\n',
      )
      assert.ok(answer)
      assert.equal(headerOf(answer, 'x-gatehouse-assertion'), undefined)
    },
    async 'server-leak'(rig) {
      const headers = 'Server: Apache/2.4.1\r\nx-powered-by: PHP/5\r\nSERVER: twice\r\nX-Other: 1\r\n'
      const answer = `HTTP/1.1 200 OK\r\n${headers}Content-Length: 2\r\n\r\nok`
      const file = 'agent-config/app.yaml'
      const before = readFileSync(join(rig.root, file), 'utf8')
      await changeLive(rig, { [file]: `${before}responses: { remove: [Server, X-Powered-By] }\n` })
      try {
        const bob = await rig.signIn('bob')
        const upgrade = `HTTP/1.1 101 Switching Protocols\r\n${headers}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n`
        rig.upstream.behave('/account/leak', (socket) => socket.write(answer))
        rig.upstream.behave('/account/leak-ws', (socket) => socket.write(upgrade))
        for (const bytes of [
          `GET /account/leak HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}\r\n`,
          `GET /account/leak-ws HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}${WEB_SOCKET}\r\n`,
        ]) {
          const told = await rig.ask(bytes)
          assert.ok(told)
          assert.equal(headerOf(told, 'x-other'), '1')
          assert.doesNotMatch(JSON.stringify(told), /apache|php|twice/i)
        }
        const { text } = await answered(rig, answer)
        assert.match(text, /x-other: 1/i)
        assert.doesNotMatch(text, /apache|php|twice/i)
      } finally {
        await changeLive(rig, { [file]: before })
        // How long the loop took to read another configuration is nobody's attack.
        await rig.vitals()
      }
    },
    async trailers(rig) {
      const harmful = `Set-Cookie: ${TOKEN_COOKIE}=evil\r\nSet-Cookie: a=b\r\nLocation: https://evil.example/\r\nCache-Control: public\r\nX-Gatehouse-Assertion: x\r\n`
      for (const lines of ['', 'TE: trailers\r\n'])
        for (const framing of ['', 'Content-Length: 5\r\n', 'Transfer-Encoding: gzip\r\n']) {
          const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Set-Cookie\r\n\r\n'
          const { answer, text } = await answered(rig, `${head}2\r\nok\r\n0\r\n${harmful}${framing}\r\n`, 'stay', lines)
          // A trailer that frames is a fault of the application: its answer is cut off.
          if (framing === '' || answer !== undefined) assert.equal(answer?.body, 'ok')
          assert.doesNotMatch(text, /set-cookie: |location: |assertion|cache-control: public|gzip/i)
        }
    },
    async retry(rig) {
      let posts = 0
      rig.upstream.behave('/public/reset', (socket) => {
        posts++
        socket.destroy()
      })
      const post = 'POST /public/reset HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: 4\r\n\r\nbody'
      const answer = await rig.ask(post)
      rig.tally.checks++
      assert.equal(answer?.status, 502)
      assert.equal(posts, 1, 'a POST that may have been carried out is not sent twice')
    },
  },
})

function beyond(): void {
  test('response-queue poisoning: a second answer to one request reaches nobody', async () => {
    const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Evil: 1\r\n\r\nevil'
    for (const glued of [evil, `\r\n${evil}`, 'HTTP/1.1 100 Continue\r\n\r\n']) {
      const { answer } = await answered(rig(), `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${glued}`)
      assert.ok(answer === undefined || headersOf(answer, 'x-evil').length === 0)
    }
  })
}
