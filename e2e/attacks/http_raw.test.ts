import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leadsNowhereElse, noServerError, oneForm } from './oracles.ts'
import { ORIGINS } from './rig-config.ts'
import { NOBODY, type Attacker, type Rig, type SignedIn } from './rig.ts'
import { runVectors } from './suite.ts'
import { headerOf, Wire, type WireAnswer } from './wire.ts'

interface RawVector {
  readonly id: string
  readonly raw: string
  readonly expect_gateway: string
}

let bob: SignedIn

const GENERATED: Readonly<Record<string, string>> = {
  bighdr: `GET / HTTP/1.1\r\nHost: a.test\r\nA: ${'x'.repeat(40_000)}\r\n\r\n`,
  manyhdr: `GET / HTTP/1.1\r\nHost: a.test\r\n${Array.from({ length: 2_100 }, (_, i) => `a${i}:1\r\n`).join('')}\r\n`,
}

/** The vector for the rig's host, at an open and at a protected path, with the attacker's cookie after its Host. */
function bytesOf({ id, raw }: RawVector, path: string, attacker: Attacker): string {
  const text = (GENERATED[id] ?? raw).replaceAll('a.test', 'app.example.com').replaceAll('evil.test', 'evil.example')
  return text
    .replace(/^(GET|POST|TRACE|QUERY|PROPFIND) \/ HTTP/, (_, method: string) => `${method} ${path} HTTP`)
    .replace(/(\r?\n)(Host: [^\r\n]+)(\r?\n)/, (whole) =>
      attacker.user === undefined ? whole : `${whole}${attacker.cookie('app')}`,
    )
}

/** Statuses that the vector allows; `undefined`: the request is an ordinary one. */
function allowedStatuses(expect: string): readonly number[] | undefined {
  if (/^(?:200|removed|X-Forwarded|each)/.test(expect)) return undefined
  return [
    400,
    405,
    413,
    431,
    501,
    505,
    ...(expect.includes('normalised') || expect.includes('host taken') ? [302, 401, 403] : []),
  ]
}

/** Its own answer when it comes after `before` and before `after` on one connection; each of the three is the right one. */
async function inBetween(rig: Rig, vector: RawVector, attacker: Attacker): Promise<void> {
  const bytes = bytesOf(vector, '/public/middle', attacker)
  const mark = rig.mark()
  const wire = new Wire(rig.dial)
  rig.tally.sent++
  try {
    wire.send('GET /public/before HTTP/1.1\r\nHost: app.example.com\r\n\r\n')
    assert.equal((await wire.answer())?.body, 'GET /public/before')
    wire.send(`${bytes}GET /public/after HTTP/1.1\r\nHost: app.example.com\r\n\r\n`)
    const middle = await wire.answer(/^[A-Z]+/.exec(bytes)?.[0])
    noServerError(rig, middle, vector.id)
    const allowed = allowedStatuses(vector.expect_gateway)
    if (allowed !== undefined)
      assert.ok(middle === undefined || allowed.includes(middle.status), `${vector.id}: ${middle?.status}`)
    const next =
      vector.id === 'pipeline' ? [await wire.answer(), await wire.answer()].at(-1) : await follower(wire, middle)
    if (next !== undefined && next.status === 200)
      assert.equal(next.body, 'GET /public/after', `${vector.id}: the second answer`)
    oneForm(rig, mark, attacker, vector.id)
    for (const { target } of rig.since(mark))
      assert.match(target, /^\/(?:public\/(?:before|middle|after)|1|2)$/, vector.id)
  } finally {
    wire.destroy()
  }
}

async function follower(wire: Wire, before: WireAnswer | undefined): Promise<WireAnswer | undefined> {
  if (before === undefined || headerOf(before, 'connection') === 'close') return undefined
  return wire.answer()
}

async function alone(rig: Rig, vector: RawVector, attacker: Attacker, path: string): Promise<void> {
  const mark = rig.mark()
  const wire = new Wire(rig.dial)
  rig.tally.sent++
  try {
    const bytes = bytesOf(vector, path, attacker)
    wire.send(bytes)
    const answer = await wire.answer(/^[A-Z]+/.exec(bytes)?.[0])
    noServerError(rig, answer, vector.id)
    oneForm(rig, mark, attacker, vector.id)
    if (answer !== undefined) leadsNowhereElse(rig, answer, ORIGINS.app, vector.id)
    const allowed = allowedStatuses(vector.expect_gateway)
    if (allowed === undefined) return
    // The head of these is whole: who may not ask is told so before the broken body is looked at.
    const early = vector.id.startsWith('chunk_') && !path.startsWith('/public/') ? [401, 403] : []
    assert.ok(answer === undefined || [...allowed, ...early].includes(answer.status), `${vector.id}: ${answer?.status}`)
    assert.deepEqual(rig.since(mark), [], `${vector.id}: nothing arrives`)
    if (vector.expect_gateway.includes('connection closed')) await wire.closed()
  } finally {
    wire.destroy()
  }
}

const rig = runVectors<RawVector>('http_raw', {
  beyond,
  async setUp(rig) {
    bob = await rig.signIn('bob')
  },
  async every(rig, vector) {
    for (const attacker of [NOBODY, bob]) {
      for (const path of ['/public/x', '/me', '/admin/x']) await alone(rig, vector, attacker, path)
      await inBetween(rig, vector, attacker)
    }
  },
})

/** What a lenient application behind us might take for the start of another request. */
function beyond(): void {
  const SMUGGLED = 'GET /admin/smuggled HTTP/1.1\r\nHost: app.example.com\r\nX-Remote-User: alice\r\n\r\n'

  const FRAMINGS: Readonly<Record<string, string>> = {
    'CL that covers the smuggled request': `Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    'chunked with the smuggled request as data': `Transfer-Encoding: chunked\r\n\r\n${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`,
    'CL and TE': `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'TE and CL in other case': `transfer-encoding: CHUNKED\r\ncontent-length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'TE with a comma': `Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'TE quoted': `Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'TE x': `Transfer-Encoding: xchunked\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    'TE underscored': `Transfer_Encoding: chunked\r\nContent-Length: ${SMUGGLED.length + 5}\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'TE dotted': `Transfer.Encoding: chunked\r\nContent-Length: ${SMUGGLED.length + 5}\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'CL underscored': `Content_Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    'CL hidden by Connection': `Connection: Content-Length\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    'TE hidden by Connection': `Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`,
    'a chunk with an extension': `Transfer-Encoding: chunked\r\n\r\n5;x="\r\n\r\n";y\r\nabcde\r\n0\r\n\r\n${SMUGGLED}`,
    'trailers that look like a request': `Transfer-Encoding: chunked\r\n\r\n0\r\nGET /admin/smuggled HTTP/1.1: x\r\nX-Remote-User: alice\r\n\r\n`,
    'an obscured Expect': `Expect: y 100-continue\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    'Expect and a body at once': `Expect: 100-continue\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    h2c: `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    'a WebSocket that is none': `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n${SMUGGLED}`,
  }

  for (const [name, rest] of Object.entries(FRAMINGS))
    for (const method of ['POST', 'GET', 'DELETE', 'OPTIONS'])
      test(`request smuggling: ${method} with ${name} stays one request for the application`, async () => {
        const mark = rig().mark()
        const wire = new Wire(rig().dial)
        wire.send(`${method} /public/front HTTP/1.1\r\nHost: app.example.com\r\nCookie: a=b\r\n${rest}`)
        noServerError(rig(), await wire.answer(method), name)
        wire.send('GET /public/next HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n')
        await wire.closed()
        wire.destroy()
        for (const { target } of rig().since(mark)) assert.match(target, /^\/public\/(?:front|next)$/, name)
        oneForm(rig(), mark, NOBODY, name)
        const [other] = rig().since((await onward(rig()), rig().mark() - 1))
        assert.equal(other?.target, '/public/other', 'the next client gets its own answer')
      })

  async function onward(rig: Rig): Promise<void> {
    const answer = await rig.ask('GET /public/other HTTP/1.1\r\nHost: app.example.com\r\n\r\n')
    assert.equal(answer?.body, 'GET /public/other')
  }
}
