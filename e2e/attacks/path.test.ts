import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { leadsNowhereElse, noServerError, oneForm, openExplain, upstreamSilent, type ExplainAgrees } from './oracles.ts'
import { ORIGINS } from './rig-config.ts'
import { NOBODY, type Attacker, type Rig } from './rig.ts'
import { runVectors } from './suite.ts'
import { WEB_SOCKET } from './requests.ts'

interface PathVector {
  readonly id: string
  readonly target: string
  readonly expect: string
}

const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS'] as const

const EXTRA: Readonly<Record<string, string>> = {
  POST: 'Content-Length: 3\r\n',
  OPTIONS: 'Access-Control-Request-Method: DELETE\r\nOrigin: https://evil.example\r\n',
}

/** A target as an application would have to get it: nothing in it that two servers could read differently. */
const REFUSED = 400

let bob: Attacker
let explain: ExplainAgrees

const rig = runVectors<PathVector>('path', {
  beyond,
  async setUp(rig) {
    bob = await rig.signIn('bob')
    explain = await openExplain(rig)
  },
  async every(rig, { id, target, expect }) {
    const text = target.replaceAll('gw.example.com', 'app.example.com')
    for (const attacker of [NOBODY, bob]) {
      for (const method of METHODS) await attack(rig, attacker, { id, method, target: text, expect })
      const mark = rig.mark()
      const answer = await rig.ask(
        `GET ${text} HTTP/1.1\r\nHost: app.example.com\r\n${attacker.cookie('app')}${WEB_SOCKET}\r\n`,
      )
      noServerError(rig, answer, `${id} as WebSocket`)
      oneForm(rig, mark, attacker, `${id} as WebSocket`)
      assert.equal(answer?.status === 101, isOpen(id), `${id}: a tunnel where it is open and nowhere else`)
      if (!isOpen(id)) upstreamSilent(rig, mark, `${id} as WebSocket`)
    }
  },
})

interface Try {
  readonly id: string
  readonly method: string
  readonly target: string
  readonly expect: string
}

function isOpen(id: string): boolean {
  return id.startsWith('ok-') && id !== 'ok-encslash-literal'
}

async function attack(rig: Rig, attacker: Attacker, { id, method, target, expect }: Try): Promise<void> {
  const mark = rig.mark()
  const about = `${method} as ${attacker.user ?? 'nobody'}`
  const answer = await rig.ask(
    `${method} ${target} HTTP/1.1\r\nHost: app.example.com\r\nAccept: text/html\r\n${attacker.cookie('app')}${EXTRA[method] ?? ''}\r\n${method === 'POST' ? 'a=b' : ''}`,
  )
  assert.ok(answer)
  noServerError(rig, answer, about)
  oneForm(rig, mark, attacker, about)
  if (isOpen(id)) {
    assert.equal(answer.status, 200, about)
    return
  }
  upstreamSilent(rig, mark, about)
  assert.ok([302, 400, 401, 403, 404].includes(answer.status), `${about}: ${answer.status}`)
  if (expect.startsWith('400')) assert.equal(answer.status, REFUSED, about)
  leadsNowhereElse(rig, answer, ORIGINS.app, about)
  if (answer.status === 403 && attacker.user !== undefined) explain(attacker.user, method, target, false)
}

const FRAGMENTS = [
  '/',
  '//',
  '.',
  '..',
  '%2e',
  '%2f',
  '%5c',
  '\\',
  ';',
  ';a=b',
  '%3b',
  '%00',
  '%0a',
  '?',
  '%3f',
  '#',
  '%23',
  '%25',
  '%2561',
]
const WORDS = [
  'admin',
  'public',
  'ADMIN',
  '%61dmin',
  'ro',
  'account',
  'static',
  'x',
  '.css',
  'team',
  'notes',
  '%c0%ae',
  '%ef%bc%8f',
  '+',
  '~',
  '-*-',
]

const walk = fc
  .array(fc.constantFrom(...FRAGMENTS, ...WORDS, '/public/', '/admin/', '/account/'), { minLength: 1, maxLength: 7 })
  .map((parts) => `/${parts.join('')}`)

function beyond(): void {
  test('no walk over path fragments is forwarded in a form that means something else', async () => {
    await fc.assert(
      fc.asyncProperty(walk, fc.constantFrom('GET', 'POST'), async (target, method) => {
        for (const attacker of [NOBODY, bob]) {
          const mark = rig().mark()
          const answer = await rig().ask(
            `${method} ${target} HTTP/1.1\r\nHost: app.example.com\r\n${attacker.cookie('app')}${method === 'POST' ? 'Content-Length: 0\r\n' : ''}\r\n`,
          )
          noServerError(rig(), answer, target)
          oneForm(rig(), mark, attacker, target)
        }
      }),
      { numRuns: 700 },
    )
  })
}
