import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headersExact, noServerError, oneForm, upstreamSilent } from './oracles.ts'
import { WEB_SOCKET } from './requests.ts'
import { NOBODY, type Attacker, type Rig, type SignedIn } from './rig.ts'
import { runVectors } from './suite.ts'

interface IdentityVector {
  readonly id: string
  readonly names?: readonly string[]
  readonly raw?: string
  readonly value: string
  readonly protect: readonly string[]
}

let bob: SignedIn
let alice: SignedIn

/** The same trick with every protected name, and without a session, with one, and with one that has more claims. */
async function everywhere(rig: Rig, vector: IdentityVector, lines: (name: string) => readonly string[]): Promise<void> {
  for (const name of vector.protect)
    for (const attacker of [NOBODY, bob, alice])
      for (const line of lines(name))
        await spoof(rig, attacker, { line, about: `${vector.id} ${JSON.stringify(line)}` })
}

interface Spoof {
  /** Without CRLF at the end. */
  readonly line: string
  readonly about: string
  readonly method?: string
  readonly path?: string
}

async function spoof(rig: Rig, attacker: Attacker, { line, about, method = 'GET', path }: Spoof): Promise<void> {
  const mark = rig.mark()
  const target = path ?? (attacker.user === undefined ? '/public/x' : '/me')
  const bytes = Buffer.from(line, 'utf8').toString('latin1')
  const answer = await rig.ask(
    `${method} ${target} HTTP/1.1\r\nHost: app.example.com\r\n${attacker.cookie('app')}${bytes}\r\n\r\n`,
  )
  noServerError(rig, answer, about)
  oneForm(rig, mark, attacker, about)
  const user = target.startsWith('/public/') ? undefined : attacker.user
  for (const seen of rig.since(mark)) {
    headersExact(rig, seen, user, about)
    assert.doesNotMatch(seen.raw, /: (?:admin-)?eve/, `${about}: the value arrives nowhere`)
  }
}

/** Names like the vector's, for any protected name. */
const SPELLINGS: Readonly<Record<string, (name: string) => readonly string[]>> = {
  exact: (name) => [name],
  upper: (name) => [name.toUpperCase(), name.toLowerCase()],
  underscore: (name) => [name.replaceAll('-', '_')],
  mixed: (name) => [name.replace('-', '_'), name.replace(/-(?=[^-]*$)/, '_')],
  dot: (name) => [name.replaceAll('-', '.'), name.replace(/-(?=[^-]*$)/, '.')],
  cgi: (name) => [`HTTP_${name.toUpperCase().replaceAll('-', '_')}`, `http-${name}`],
}

const rig = runVectors<IdentityVector>('identity_header', {
  beyond,
  async setUp(rig) {
    bob = await rig.signIn('bob')
    alice = await rig.signIn('alice')
  },
  async every(rig, vector) {
    const { id, names = [], raw, value } = vector
    const spell = SPELLINGS[id] ?? (() => [])
    await everywhere(rig, vector, (name) => [
      ...spell(name).map((spelt) => `${spelt}: ${value}`),
      ...(raw === undefined
        ? []
        : [raw.replace(/X.?-?Remote.?-?User/, (text) => (text.includes('‐') ? name.replaceAll('-', '‐') : name))]),
    ])
    for (const name of names)
      for (const attacker of [NOBODY, bob]) await spoof(rig, attacker, { line: `${name}: ${value}`, about: id })
  },
  only: {
    async trailer(rig, { protect }) {
      for (const name of protect) {
        const mark = rig.mark()
        const answer = await rig.ask(
          `POST /me HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}TE: trailers\r\nTrailer: ${name}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n${name}: eve\r\n\r\n`,
        )
        noServerError(rig, answer, name)
        const [seen] = rig.since(mark)
        assert.ok(seen)
        headersExact(rig, seen, 'bob', name)
        assert.doesNotMatch(seen.raw, /: (?:admin-)?eve/)
      }
    },
    async 'anonymous-route'(rig, { protect }) {
      for (const name of protect)
        for (const attacker of [NOBODY, bob]) {
          const line = `${name}: eve`
          for (const method of ['GET', 'OPTIONS', 'HEAD'])
            await spoof(rig, attacker, { line, about: method, method, path: '/public/a' })
          const mark = rig.mark()
          for (const path of ['/.gatehouse/whoami', '/.gatehouse/callback', '/nothing-here'])
            await rig.ask(`GET ${path} HTTP/1.1\r\nHost: app.example.com\r\n${line}\r\n\r\n`)
          upstreamSilent(rig, mark, line)
        }
    },
    async 'absent-claim'(rig, { protect }) {
      // bob has neither groups nor a mail address.
      for (const name of protect)
        await spoof(rig, bob, { line: `${name}: admin-eve`, about: `${name} of a user without it` })
    },
    async 'ws-upgrade'(rig, { protect }) {
      for (const name of protect) {
        const mark = rig.mark()
        const answer = await rig.ask(
          `GET /ws HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}${WEB_SOCKET}${name}: eve\r\n${name.replaceAll('-', '_')}: eve\r\n\r\n`,
        )
        assert.equal(answer?.status, 101)
        const [seen] = rig.since(mark)
        assert.ok(seen)
        headersExact(rig, seen, 'bob', name)
        assert.doesNotMatch(seen.raw, /: (?:admin-)?eve|SSOTokenID/)
      }
    },
    async 'jwt-header'(rig) {
      const mark = rig.mark()
      for (const line of [
        'X-Jwt-Assertion: eve',
        'X-Gatehouse-Assertion: eve',
        'x_gatehouse_assertion: eve',
        'X.Gatehouse.Anything: eve',
      ])
        for (const attacker of [NOBODY, bob]) await spoof(rig, attacker, { line, about: line })
      // A bearer token of the application's own may pass; it is no identity of ours.
      const before = rig.mark()
      assert.equal(
        (await rig.ask(`GET /me HTTP/1.1\r\nHost: app.example.com\r\nAuthorization: Bearer abc\r\n\r\n`))?.status,
        401,
      )
      upstreamSilent(rig, before, 'a bearer token is no session')
      assert.ok(rig.mark() > mark)
    },
    async basic(rig, { value }) {
      const mark = rig.mark()
      assert.equal(
        (await rig.ask(`GET /me HTTP/1.1\r\nHost: app.example.com\r\nAuthorization: ${value}\r\n\r\n`))?.status,
        401,
      )
      upstreamSilent(rig, mark, 'basic credentials are no session')
      const open = rig.mark()
      await rig.ask(`GET /public/x HTTP/1.1\r\nHost: app.example.com\r\nAuthorization: ${value}\r\n\r\n`)
      const [seen] = rig.since(open)
      assert.ok(seen)
      headersExact(rig, seen, undefined, 'basic credentials on an open path')
    },
    async 'conn-strip'(rig, vector) {
      await everywhere(rig, vector, (name) => [
        `Connection: ${name}`,
        `Connection: close, ${name.toLowerCase()}\r\n${name}: eve`,
      ])
    },
  },
})

function beyond(): void {
  test('a session of one user never carries headers of the one before it on a connection that is used again', async () => {
    const mark = rig().mark()
    for (let round = 0; round < 10; round++)
      for (const attacker of [alice, bob, NOBODY]) {
        const path = attacker === NOBODY ? '/public/x' : '/me'
        await rig().ask(`GET ${path} HTTP/1.1\r\nHost: app.example.com\r\n${attacker.cookie('app')}\r\n`)
        headersExact(rig(), rig().since(mark).at(-1)!, attacker.user, `round ${round}`)
      }
  })
}
