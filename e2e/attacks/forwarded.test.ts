import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { headersExact, leadsNowhereElse, noServerError, upstreamSilent } from './oracles.ts'
import { ORIGINS } from './rig-config.ts'
import { startRig, type Rig, type SignedIn } from './rig.ts'
import { readVectors } from './pending.ts'
import { afterwards, runVectors } from './suite.ts'
import { headersOf } from './wire.ts'

type Lines = Readonly<Record<string, string>> | readonly (readonly [string, string])[]

interface ForwardedVector {
  readonly id: string
  readonly h: Lines
  readonly req?: string
}

/** Where the attacks come from; `/internal/*` is open to 127.0.0.1 and 10.0.0.5 only. */
const STRANGER = '127.0.0.77'

function linesOf({ h }: ForwardedVector): string {
  const pairs = Array.isArray(h) ? (h as readonly (readonly [string, string])[]) : Object.entries(h)
  return pairs.map(([name, value]) => `${name}: ${String(value)}\r\n`).join('')
}

let bob: SignedIn

/** From a peer nobody trusts: what it says about itself changes nothing at all. */
const rig = runVectors<ForwardedVector>(
  'forwarded',
  {
    beyond,
    async setUp(rig) {
      bob = await rig.signIn('bob')
    },
    async every(rig, vector) {
      const { id, req = 'GET /admin/x' } = vector
      const lines = linesOf(vector)
      const mark = rig.mark()
      for (const request of [req, 'GET /internal/x', 'GET /admin/x']) {
        if (request.includes('/public/') || request.includes('/login/')) continue
        const answer = await rig.ask(
          `${request} HTTP/1.1\r\nHost: app.example.com\r\nAccept: text/html\r\n${lines}\r\n`,
        )
        assert.ok(answer, id)
        noServerError(rig, answer, id)
        leadsNowhereElse(rig, answer, ORIGINS.app, id)
        for (const cookie of headersOf(answer, 'set-cookie')) assert.match(cookie, /^__Host-.*; Secure/, id)
      }
      const login = await rig.ask(`GET /login/employees HTTP/1.1\r\nHost: gw.example.com\r\n${lines}\r\n`)
      noServerError(rig, login, id)
      upstreamSilent(rig, mark, id)
      if (id === 'xff-1000') return
      await rig.ask(`GET /me HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}${lines}\r\n`)
      const [seen] = rig.since(mark)
      assert.ok(seen, id)
      headersExact(rig, withoutVia(seen), 'bob', id, STRANGER)
    },
    only: {
      async xmethod(rig, vector) {
        const mark = rig.mark()
        const answer = await rig.ask(
          `DELETE /ro/x HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}${linesOf(vector)}\r\n`,
        )
        assert.equal(answer?.status, 403)
        upstreamSilent(rig, mark, 'decided on DELETE')
      },
      async xssl(rig, vector) {
        const mark = rig.mark()
        const lines = linesOf(vector)
        for (const host of ['app', 'gw']) {
          const answer = await rig.ask(`GET /me HTTP/1.1\r\nHost: ${host}.example.com\r\n${lines}\r\n`)
          assert.ok([401, 404].includes(answer?.status ?? 0))
        }
        const page = await rig.ask(`GET /login/employees HTTP/1.1\r\nHost: gw.example.com\r\n${lines}\r\n`)
        assert.equal(page?.status, 200, 'a form, no login by a header')
        upstreamSilent(rig, mark, vector.id)
        await rig.ask(`GET /me HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}${lines}\r\n`)
        headersExact(rig, rig.since(mark)[0]!, 'bob', vector.id, STRANGER)
      },
    },
  },
  { from: STRANGER },
)

/** `Via` is no statement about who asks: it may pass. */
function withoutVia<T extends { readonly headers: readonly (readonly [string, string])[] }>(seen: T): T {
  return { ...seen, headers: seen.headers.filter(([name]) => name.toLowerCase() !== 'via') }
}

let trusting: Rig

function beyond(): void {
  before(async () => {
    trusting = await startRig({ trustedProxies: [`${STRANGER}/32`], from: STRANGER })
  })

  afterwards(() => trusting.stop())

  /** What a trusted proxy says counts, rightmost stranger first; every other header is as untrusted as before. */
  const CLIENT: Readonly<Record<string, string>> = {
    'ip-X-Forwarded-For': '127.0.0.1',
    'xff-list': '127.0.0.1',
    'xff-dup': '8.8.8.8',
    'xff-port': '10.0.0.5',
    'xff-v6map': '10.0.0.5',
  }

  /** From a trusted proxy nobody can tell who these are: refused, whatever the address rules say. */
  const UNREADABLE = new Set(['xff-garbage', 'xff-oct'])

  for (const vector of (readVectors('forwarded') as readonly ForwardedVector[]).filter(
    ({ id }) => id !== 'xff-1000' && id !== 'xssl',
  ))
    test(`forwarded.${vector.id} by a trusted proxy`, async () => {
      const client = CLIENT[vector.id] ?? STRANGER
      const mark = trusting.mark()
      const answer = await trusting.ask(`GET /internal/x HTTP/1.1\r\nHost: app.example.com\r\n${linesOf(vector)}\r\n`)
      const open = client === '127.0.0.1' || client === '10.0.0.5'
      assert.equal(answer?.status, open ? 200 : UNREADABLE.has(vector.id) ? 400 : 401)
      const [seen] = trusting.since(mark)
      assert.equal(seen !== undefined, open)
      if (seen === undefined) return
      const chain = seen.headers.filter(([name]) => name.toLowerCase() === 'x-forwarded-for').map(([, value]) => value)
      assert.deepEqual(chain, [`${client}, ${STRANGER}`])
    })

  test('nobody is trusted because the list of proxies is empty', async () => {
    const mark = rig().mark()
    for (const value of ['127.0.0.1', '', ',', '127.0.0.1,', `127.0.0.1, ${STRANGER}`])
      assert.equal(
        (await rig().ask(`GET /internal/x HTTP/1.1\r\nHost: app.example.com\r\nX-Forwarded-For: ${value}\r\n\r\n`))
          ?.status,
        401,
      )
    upstreamSilent(rig(), mark, 'an empty list')
    assert.equal(
      (await rig().ask('GET /internal/x HTTP/1.1\r\nHost: app.example.com\r\n\r\n', '127.0.0.1'))?.status,
      200,
    )
  })
}
