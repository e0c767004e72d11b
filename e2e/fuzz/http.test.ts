import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { oneForm } from '../attacks/oracles.ts'
import { WEB_SOCKET } from '../attacks/requests.ts'
import { NOBODY, type Rig } from '../attacks/rig.ts'
import { Wire } from '../attacks/wire.ts'
import { mutate, splice } from './mutate.ts'
import { fuzzInput, vectors, wellAnswered } from './run.ts'
import type { Choices } from './seed.ts'

interface Vector {
  readonly raw?: string
  readonly path?: string
  readonly method?: string
  readonly host?: string
  readonly h?: unknown
}

const CORPUS = ['http_raw', 'path', 'method', 'host', 'forwarded', 'hop_by_hop', 'identity_header', 'websocket']
const HOSTS = ['app.example.com', 'app.example.com', 'gw.example.com', 'www.example.com', 'club.example.com']
/** Not `/internal`, which this rig opens to this address and the second writing of its policy does not know. */
const PATHS = ['/public/x', '/public/x', '/admin/x', '/me', '/', '/ws', '/login/employees', '/.gatehouse/whoami', '/*']
const METHODS = ['GET', 'GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PRI', 'M-SEARCH', 'get']
const FIELDS = [
  'Content-Length: 5',
  'Content-Length: 0',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Expect: 100-continue',
  'Connection: close',
  'Connection: keep-alive, X-Remote-User',
  'Range: bytes=0-',
  'TE: trailers',
  'Upgrade: h2c',
  'Accept: text/html',
  'Sec-Fetch-Mode: navigate',
  'X-Remote-User: alice',
  'X-Forwarded-For: 10.0.0.5',
  'Content-Encoding: gzip',
]

const SEEDS: readonly string[] = CORPUS.flatMap((name) => (vectors(name) as readonly Vector[]).map(requestOf))

/** The vector as a request to the rig. */
function requestOf({ raw, path, method = 'GET', host = 'app.example.com', h }: Vector): string {
  if (raw !== undefined) return raw.replaceAll('a.test', 'app.example.com')
  const pairs: readonly (readonly unknown[])[] = Array.isArray(h) ? h.filter(Array.isArray) : Object.entries(h ?? {})
  const lines = pairs.map(([name, value]) => `${String(name)}: ${String(value)}\r\n`).join('')
  return `${method} ${path ?? '/public/x'} HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n`
}

function chunks(choices: Choices): string {
  const sizes = ['0', '5', '05', '5;a=b', '5 ', 'ffffffffffffffff', '-5', '0x5', 'zz', '']
  const ends = ['\r\n', '\n', '\r', '']
  const chunk = (): string =>
    choices.chance(0.8) ? '5\r\nabcde\r\n' : `${choices.pick(sizes)}${choices.pick(ends)}abcde${choices.pick(ends)}`
  return `${choices.some(4, chunk)}0\r\n${choices.chance(0.2) ? 'X-Remote-User: alice\r\n' : ''}\r\n`
}

function generated(choices: Choices): string {
  const upgrade = choices.chance(0.2) ? WEB_SOCKET : ''
  const fields = choices.some(4, () => `${choices.pick(FIELDS)}\r\n`)
  const head = `${choices.pick(METHODS)} ${choices.pick(PATHS)} HTTP/1.${choices.chance(0.9) ? 1 : 0}\r\n`
  const body = /chunked/.test(fields) ? chunks(choices) : /Length: 5/.test(fields) ? 'abcde' : ''
  return `${head}Host: ${choices.pick(HOSTS)}\r\n${upgrade}${fields}\r\n${body}`
}

function garbage(choices: Choices): string {
  return Array.from({ length: 1 + choices.below(300) }, () => String.fromCharCode(choices.below(256))).join('')
}

/** One connection's bytes: one to four requests behind one another, most of them broken. */
function bytesFor(choices: Choices): string {
  if (choices.chance(0.03)) return garbage(choices)
  const one = (): string => {
    const base = choices.chance(0.5) ? generated(choices) : choices.pick(SEEDS)
    if (choices.chance(0.1)) return splice(base, generated(choices), choices)
    return choices.chance(0.85) ? mutate(base, choices) : base
  }
  return one() + (choices.chance(0.3) ? one() + choices.some(2, () => generated(choices)) : '')
}

/** In pieces, so that the parser meets its end of input anywhere. */
async function sendInPieces(wire: Wire, bytes: string, choices: Choices): Promise<void> {
  const cuts = Array.from({ length: choices.below(4) }, () => choices.below(bytes.length + 1)).sort((a, b) => a - b)
  let at = 0
  for (const cut of [...cuts, bytes.length]) {
    if (cut > at) wire.send(bytes.slice(at, cut))
    at = cut
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** How long an incomplete request is given before the connection is ended. */
const PATIENCE_MS = 25

async function connection(rig: Rig, bytes: string, choices: Choices): Promise<void> {
  const about = JSON.stringify(bytes.slice(0, 2_000))
  const wire = new Wire(rig.dial)
  rig.tally.sent++
  try {
    await sendInPieces(wire, bytes, choices)
    const method = /^(?:\r\n)*([A-Z]+)/.exec(bytes)?.[1] ?? 'GET'
    let answer = await Promise.race([wire.answer(method), pause(PATIENCE_MS, undefined)])
    wire.socket.end()
    if (answer === undefined) {
      await wire.closed()
      assert.match(wire.pending, /^(?:HTTP\/1\.1 [1-5]\d\d [^\r\n]*\r\n|$)/, `${about}: no HTTP comes back`)
      answer = await wire.answer(method)
    }
    wellAnswered(rig, answer, about)
  } finally {
    wire.destroy()
  }
}

const AT_ONCE = 8

fuzzInput('raw HTTP', async ({ rig }, choices) => {
  const mark = rig.mark()
  const all = Array.from({ length: AT_ONCE }, () => bytesFor(choices))
  await Promise.all(all.map((bytes) => connection(rig, bytes, choices)))
  oneForm(rig, mark, NOBODY, JSON.stringify(all))
})
