import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { changeLive } from './live-config.ts'
import { headersExact, noServerError, upstreamSilent } from './oracles.ts'
import type { Attacker, Rig, SignedIn } from './rig.ts'
import { NOBODY } from './rig.ts'
import { runVectors } from './suite.ts'
import type { WireAnswer } from './wire.ts'

interface MethodVector {
  readonly id: string
  readonly req?: string
  readonly raw?: string
  readonly h?: Readonly<Record<string, string>>
}

let bob: SignedIn
let alice: SignedIn

function send(rig: Rig, { req = '', h = {} }: MethodVector, attacker: Attacker): Promise<WireAnswer | undefined> {
  const lines = Object.entries(h).map(([name, value]) => `${name}: ${value}\r\n`)
  const length = req.startsWith('POST') ? 'Content-Length: 0\r\n' : ''
  return rig.ask(`${req} HTTP/1.1\r\nHost: app.example.com\r\n${attacker.cookie('app')}${lines.join('')}${length}\r\n`)
}

/** Decided on, and forwarded as, the method of the request line. */
async function asItsMethod(rig: Rig, vector: MethodVector, status: number): Promise<void> {
  const mark = rig.mark()
  const answer = await send(rig, vector, bob)
  assert.equal(answer?.status, status)
  if (status !== 200) {
    upstreamSilent(rig, mark, vector.id)
    return
  }
  const [seen] = rig.since(mark)
  assert.ok(seen)
  assert.equal(seen.method, vector.req?.split(' ')[0])
  headersExact(rig, seen, 'bob', vector.id)
}

/** Refused for everybody, and nothing of the request comes back. */
async function neverPasses(rig: Rig, vector: MethodVector): Promise<void> {
  for (const attacker of [NOBODY, alice]) {
    const mark = rig.mark()
    const answer = await send(rig, vector, attacker)
    noServerError(rig, answer, vector.id)
    assert.equal(answer?.status, 405, vector.id)
    upstreamSilent(rig, mark, vector.id)
    assert.doesNotMatch(JSON.stringify(answer), /SSOTokenID=[\w-]{20}/)
  }
}

async function neverParses(rig: Rig, bytes: string, statuses: readonly number[]): Promise<void> {
  const mark = rig.mark()
  const answer = await rig.ask(bytes)
  noServerError(rig, answer, bytes)
  assert.ok(answer === undefined || statuses.includes(answer.status), bytes)
  upstreamSilent(rig, mark, bytes)
}

runVectors<MethodVector>('method', {
  async setUp(rig) {
    bob = await rig.signIn('bob')
    alice = await rig.signIn('alice')
  },
  only: {
    'hdr-override': (rig, vector) => asItsMethod(rig, vector, 200),
    'hdr-override3': (rig, vector) => asItsMethod(rig, vector, 403),
    'query-override': (rig, vector) => asItsMethod(rig, vector, 200),
    async 'head-as-get'(rig, vector) {
      await asItsMethod(rig, vector, 403)
      const wanted = await send(rig, { ...vector, req: 'GET /admin/x' }, NOBODY)
      const answer = await send(rig, vector, NOBODY)
      assert.equal(answer?.status, wanted?.status)
      assert.equal(answer?.body, '')
      assert.equal((await send(rig, { ...vector, req: 'HEAD /ro/x' }, bob))?.status, 200)
    },
    async 'options-preflight'(rig, vector) {
      const mark = rig.mark()
      for (const attacker of [NOBODY, bob]) {
        const answer = await send(rig, { ...vector, h: { ...vector.h, 'X-Remote-User': 'eve' } }, attacker)
        noServerError(rig, answer, vector.id)
        assert.equal(answer?.status, attacker === NOBODY ? 401 : 403)
        assert.equal(JSON.stringify(answer).toLowerCase().includes('access-control'), false)
      }
      upstreamSilent(rig, mark, vector.id)
      const open = await send(
        rig,
        { id: '', req: 'OPTIONS /public/x', h: { ...vector.h, 'X-Remote-User': 'eve' } },
        bob,
      )
      assert.equal(open?.status, 200)
      const [seen] = rig.since(mark)
      assert.ok(seen)
      headersExact(rig, seen, undefined, 'a preflight of an open path carries nobody')
    },
    padded: (rig) => neverParses(rig, 'GET\t/admin/x HTTP/1.1\r\nHost: app.example.com\r\n\r\n', [400]),
    trace: neverPasses,
    track: (rig) =>
      neverParses(rig, `TRACK /admin/x HTTP/1.1\r\nHost: app.example.com\r\n${alice.cookie('app')}\r\n`, [400, 405]),
    async connect(rig) {
      for (const target of [`127.0.0.1:${rig.canaryPort}`, 'app.example.com:443'])
        await neverParses(
          rig,
          `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${alice.cookie('app')}\r\n`,
          [400, 405],
        )
      assert.equal(rig.canaryDialled(), 0)
    },
    webdav: neverPasses,
    query: neverPasses,
    async 'method-list-case'(rig, { id }) {
      const file = 'realms/employees/policies.yaml'
      const before = readFileSync(join(rig.root, file), 'utf8')
      await changeLive(rig, { [file]: before.replace('{ GET: allow }', '{ get: allow }') })
      await asItsMethod(rig, { id, req: 'GET /ro/x' }, 200)
      await asItsMethod(rig, { id, req: 'DELETE /ro/x' }, 403)
      await changeLive(rig, { [file]: before })
    },
    async 'deny-list-gap'(rig) {
      const mark = rig.mark()
      for (const method of ['PUT', 'GET', 'DELETE', 'POST'])
        assert.equal((await send(rig, { id: '', req: `${method} /guarded/x` }, bob))?.status, 403, method)
      upstreamSilent(rig, mark, 'a deny for POST opens nothing else')
    },
  },
})
