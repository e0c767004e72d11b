import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import type { RealmName } from '../base/brand.ts'
import { systemClock } from '../base/clock.ts'
import { configFolder, HASH } from '../config/config-folder.fixture.ts'
import { createPartialSessions } from '../session/partial.ts'
import { ALICE, established } from '../session/processes.fixture.ts'
import { createSessionService } from '../session/service.ts'
import { runProgram } from './program.ts'
import { withStore } from './with-store.ts'

const SITE = 'http://app.acme.localhost:8080'
const STAFF = '/staff' as RealmName

const FILES = {
  'agent-config/app.yaml': `
url: ${SITE}
realm: /staff
upstream: { servers: [http://127.0.0.1:9001] }
environment: { headers: { X-Device: device } }
`,
  'realms/staff/users.yaml': `users: [{ username: alice, password: '${HASH}' }]\n`,
  'realms/staff/policies.yaml': `
policies:
  - name: by-device
    resources: ['${SITE}/*']
    actions: { GET: allow }
    subject: { type: AuthenticatedUsers }
    condition: { type: Environment, properties: { device: [d-1] } }
  - name: not-gold
    resources: ['${SITE}/gold/*']
    actions: { GET: deny }
    subject: { type: AuthenticatedUsers }
    condition: { type: NOT, condition: { type: SessionProperty, properties: { tier: [gold] } } }
  - name: approved
    resources: ['${SITE}/pay']
    actions: { POST: allow }
    subject: { type: AuthenticatedUsers }
    condition: { type: Transaction, authenticationStrategy: AuthLevel, strategySpecifier: '1' }
`,
}

function bench(t: TestContext) {
  const { root } = configFolder(t, FILES)
  const gatehouse = async (...args: readonly string[]) => {
    const said = { out: '', err: '', code: 0 }
    const terminal = {
      ...{ stdin: Readable.from([]), env: {} },
      out: (words: string) => void (said.out += words),
      err: (words: string) => void (said.err += words),
      setExitCode: (code: number) => void (said.code = code),
      exit: (code: number): never => {
        throw new Error(`exit ${code}`)
      },
    }
    await runProgram([...args, '--config', root], { terminal, serve: () => Promise.resolve() }).catch(() => undefined)
    return said
  }
  const explain = (...args: readonly string[]) => gatehouse('policy', 'explain', ...args)
  return { root, gatehouse, explain }
}

test('what the request says of its environment, and an approval, can be said', async (t) => {
  const { explain } = bench(t)
  const alice = ['--user', 'alice', '--url']
  const unsaid = await explain(...alice, `${SITE}/x`)
  assert.equal(unsaid.err, '')
  assert.match(unsaid.out, /\ndenied: condition-failed \(by-device\)\n/)
  const device = await explain(...alice, `${SITE}/x`, '--environment', 'device=d-1')
  assert.match(device.out, /\nallowed \(by-device\)\n/)
  const two = await explain(...alice, `${SITE}/x`, '--environment', 'device=d-1', '--environment', 'device=d-2')
  assert.match(
    two.out,
    /by-device would allow it, but has a condition that does not hold, by .*\n.*\n +Environment fails/,
  )
  const { err, code } = await explain(...alice, `${SITE}/x`, '--environment', 'constructor=x')
  assert.deepEqual(
    [code, err],
    [1, 'gatehouse: the profile app reads no "constructor" of a request\'s environment; it names device\n'],
  )
  const pay = [...alice, `${SITE}/pay`, '--method', 'POST']
  assert.match((await explain(...pay)).out, /denied until more is proved: TransactionConditionAdvice/)
  assert.match((await explain(...pay, '--approved')).out, /\nallowed \(approved\)/)
})

test('a list of requests for a draft may say what each said of its environment', async (t) => {
  const { root, gatehouse } = bench(t)
  const request = (path: string, device?: string) =>
    JSON.stringify({ user: 'alice', url: `${SITE}${path}`, ...(device && { environment: { device: [device] } }) })
  writeFileSync(join(root, 'list.jsonl'), [request('/a'), request('/b', 'd-1'), request('/c', 'd-2')].join('\n'))
  writeFileSync(join(root, 'draft.yaml'), 'policies: []\n')
  const files = ['--policies', join(root, 'draft.yaml'), '--log', join(root, 'list.jsonl')]
  const { out } = await gatehouse('policy', 'diff', '--realm', '/staff', ...files)
  assert.match(out, /^alice GET .*\/b\n {2}now {3}allowed \(by-device\)\n {2}draft denied: no-policy-matched\n/m)
  assert.match(out, /\/a\n {2}now {3}denied: condition-failed/)
})

test('of a session that is running: what it has proved and holds', async (t) => {
  const { root, explain } = bench(t)
  const quiet = { env: {}, err: () => undefined }
  const origin = { requestId: undefined, clientIp: undefined, userAgent: undefined }
  const [own = '', other = '', partial = ''] = await withStore(root, quiet, async ({ store, log }) => {
    const place = { siteId: '01', serverId: '01' }
    const service = createSessionService({ store, clock: systemClock, audit: { record: () => undefined }, log, place })
    const draft = { ...ALICE, realm: STAFF, authLevel: 7 }
    const sids: string[] = []
    for (const realm of [STAFF, '/' as RealmName])
      sids.push((await established(service.establish({ ...draft, realm }, origin))).session.sid)
    await service.close()
    const authQueries = [{ module: 'totp', type: 'totp', or: [], enrols: false }]
    const begun = { ...draft, authQueries, lifeMs: 300_000 }
    sids.push((await createPartialSessions({ store, clock: systemClock }).begin(begun, origin)) ?? '')
    return sids
  })
  const at = ['--url', `${SITE}/gold/x`, '--environment', 'device=d-1']
  const gold = await explain('--session', own, ...at)
  assert.match(gold.out, /^GET .*\nalice of \/staff, groups none, level 7 by password, .*\nallowed \(by-device\)\n/)
  assert.match(gold.out, /not-gold would deny it, but has a condition that does not hold/)
  assert.match((await explain('--user', 'alice', ...at)).out, /\ndenied: denied-by-policy \(not-gold\)\n/)
  for (const [session, more, said] of [
    [other, [], /is of \/, and what is asked for is of \/staff/],
    [partial, [], /is not through: it opens nothing/],
    ['nothing', [], /no session "nothing" is running/],
    [own, ['--level', '3'], /has its own level/],
    [own, ['--user', 'alice'], /say --user or --session, one of them/],
  ] as const) {
    const { err, code } = await explain('--session', session, ...at, ...more)
    assert.match(err, said)
    assert.equal(code, 1)
  }
  assert.match((await explain(...at)).err, /say --user or --session/)
})
