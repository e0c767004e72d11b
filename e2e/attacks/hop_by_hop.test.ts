import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headersExact, noServerError, upstreamSilent } from './oracles.ts'
import { NOBODY, type Attacker, type Rig, type SignedIn } from './rig.ts'
import { runVectors } from './suite.ts'

type Lines = Readonly<Record<string, string>> | readonly (readonly [string, string])[]

interface HopVector {
  readonly id: string
  readonly h: Lines
}

let alice: SignedIn

/** End-to-end headers that every request below carries and that must arrive. */
const CARRIED = {
  authorization: 'Basic YTpi',
  origin: 'https://app.example.com',
  'cache-control': 'no-cache',
  'content-type': 'text/x-test',
} as const

const CONNECTION_ONLY = /^(?:keep-alive|proxy-connection|te|trailer|upgrade|http2-settings|transfer-encoding)$/

async function attack(rig: Rig, attacker: Attacker, { id, h }: HopVector): Promise<void> {
  const lines = (Array.isArray(h) ? (h as readonly (readonly [string, string])[]) : Object.entries(h)).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  const carried = Object.entries(CARRIED).map(([name, value]) => `${name}: ${value}\r\n`)
  const mark = rig.mark()
  const sso = attacker.cookie('app').replace('\r\n', '') || 'Cookie: none=1'
  const answer = await rig.ask(
    `POST ${attacker.user === undefined ? '/public/x' : '/me'} HTTP/1.1\r\nHost: app.example.com\r\n${sso}; theme=dark\r\nX-Remote-User: eve\r\n${carried.join('')}${lines.join('')}Content-Length: 4\r\n\r\nbody`,
  )
  noServerError(rig, answer, id)
  const [seen, ...more] = rig.since(mark)
  assert.equal(answer?.status, 200, id)
  assert.ok(seen)
  assert.deepEqual(more, [], id)
  headersExact(rig, seen, attacker.user, id)
  const arrived = new Map(seen.headers.map(([name, value]) => [name.toLowerCase(), value]))
  for (const [name, value] of Object.entries(CARRIED)) assert.equal(arrived.get(name), value, `${id}: ${name} arrives`)
  assert.match(arrived.get('cookie') ?? '', /theme=dark/, `${id}: the application's cookie arrives`)
  assert.equal(arrived.get('connection'), 'keep-alive', id)
  for (const name of arrived.keys()) assert.doesNotMatch(name, CONNECTION_ONLY, id)
  assert.equal(seen.body, 'body', `${id}: framing is untouched`)
}

const rig = runVectors<HopVector>('hop_by_hop', {
  beyond,
  async setUp(rig) {
    alice = await rig.signIn('alice')
  },
  async every(rig, vector) {
    await attack(rig, NOBODY, vector)
    await attack(rig, alice, vector)
  },
  only: {
    async 'upgrade-list'(rig, { h }) {
      const lines = Object.entries(h).map(([name, value]) => `${name}: ${String(value)}\r\n`)
      for (const path of ['/public/x', '/ws']) {
        const mark = rig.mark()
        const answer = await rig.ask(
          `GET ${path} HTTP/1.1\r\nHost: app.example.com\r\n${alice.cookie('app')}${lines.join('')}\r\n`,
        )
        assert.equal(answer?.status, 400)
        upstreamSilent(rig, mark, 'a list of protocols')
      }
    },
  },
})

function beyond(): void {
  test('Connection cannot name any header that the gateway adds', async () => {
    const names = [
      'X-Remote-User',
      'x-gatehouse-assertion',
      'Forwarded',
      'X-Forwarded-Host',
      'X-Request-Id',
      'Host',
      'Content-Length',
    ]
    for (const name of names) await attack(rig(), alice, { id: name, h: { Connection: `close, ${name}` } })
  })
}
