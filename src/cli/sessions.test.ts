import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import type { RealmName } from '../base/brand.ts'
import { systemClock } from '../base/clock.ts'
import { createPartialSessions } from '../session/partial.ts'
import { createSessionService } from '../session/service.ts'
import { ALICE, established } from '../session/processes.fixture.ts'
import { epochKeys } from '../session/stateless-claims.ts'
import { runProgram } from './program.ts'
import type { Terminal } from './terminal.ts'
import { withStore } from './with-store.ts'

const ROOT = '/' as RealmName
const OTHER = '/other' as RealmName

const quiet = { env: {}, err: (): void => undefined }

/** A configuration with one user, and sessions that some process started. `gatehouse` runs a command line on it. */
async function createBench(t: TestContext, audit = '') {
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-sessions-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const said = { out: '', err: '', code: 0 }
  const terminal: Terminal = {
    stdin: Readable.from([]),
    env: {},
    out: (words) => void (said.out += words),
    err: (words) => void (said.err += words),
    setExitCode: (code) => void (said.code = code),
    exit: (code) => {
      said.code = code
      throw new Error(`exit ${code}`)
    },
  }
  const gatehouse = async (...args: string[]) => {
    Object.assign(said, { out: '', err: '', code: 0 })
    const serve = () => Promise.resolve()
    await runProgram([...args, '--config', root], { terminal, serve }).catch(() => undefined)
    return { ...said }
  }
  await gatehouse('init')
  const file = join(root, 'agent-config/gatehouse.yaml')
  if (audit !== '') writeFileSync(file, `${readFileSync(file, 'utf8')}\ntelemetry: { audit: { file: ${audit} } }\n`)
  const start = (logins: readonly { user: string; realm?: RealmName; device?: string }[]): Promise<string[]> =>
    withStore(root, terminal, async ({ store, log }) => {
      const place = { siteId: '01', serverId: '01' }
      const service = createSessionService({
        store,
        clock: systemClock,
        audit: { record: () => undefined },
        log,
        place,
      })
      const sids: string[] = []
      for (const { user, realm = ROOT, device = 'Firefox' } of logins) {
        const draft = { ...ALICE, realm, userId: user, username: user }
        const origin = { requestId: undefined, clientIp: '192.0.2.4', userAgent: device }
        sids.push((await established(service.establish(draft, origin))).session.sid)
      }
      await service.close()
      return sids
    })
  const listed = async (...args: string[]): Promise<string[]> => {
    const { out, code } = await gatehouse('sessions', 'list', '--json', ...args)
    assert.equal(code, 0)
    return (JSON.parse(out) as { sessions: { sid: string }[] }).sessions.map(({ sid }) => sid)
  }
  /** Where the counters of a person and of their realm stand. */
  const epochs = (realm: RealmName, userId: string): Promise<readonly number[]> =>
    withStore(root, terminal, ({ store }) => store.epochs.read(epochKeys({ realm, userId })))
  return { root, gatehouse, start, listed, epochs }
}

test('sessions list filters by realm and user, and says when there are more', async (t) => {
  const { gatehouse, start, listed } = await createBench(t)
  const [one = '', two = '', three = ''] = await start([
    { user: 'ann' },
    { user: 'ben' },
    { user: 'ann', realm: OTHER },
  ])
  assert.deepEqual((await listed()).sort(), [one, two, three].sort())
  assert.deepEqual((await listed('--realm', '/')).sort(), [one, two].sort())
  assert.deepEqual((await listed('--user', 'ANN')).sort(), [one, three].sort())
  assert.deepEqual(await listed('--user', 'ann', '--realm', '/other'), [three])
  assert.deepEqual(await listed('--user', 'nobody'), [])
  const limited = await gatehouse('sessions', 'list', '--limit', '2')
  assert.equal(limited.out.split('\n').length, 4, 'two and a heading')
  assert.match(limited.err, /more than 2/)
  assert.equal((await gatehouse('sessions', 'list', '--limit', 'x')).code, 2)
})

test('a login that is not through is listed as partial, with what is outstanding, and can be ended', async (t) => {
  const { root, gatehouse, listed } = await createBench(t)
  const begun = await withStore(root, quiet, ({ store }) => {
    const authQueries = [{ module: 'totp', type: 'totp', or: [], enrols: false }]
    const draft = { ...ALICE, realm: ROOT, userId: 'ann', username: 'ann', authQueries, lifeMs: 300_000 }
    return createPartialSessions({ store, clock: systemClock }).begin(draft, {
      requestId: undefined,
      clientIp: undefined,
    })
  })
  const sid = begun ?? ''
  assert.match((await gatehouse('sessions', 'list')).out, new RegExp(`^${sid} +/ +ann +partial `, 'm'))
  const { out } = await gatehouse('sessions', 'show', sid, '--json')
  const [shown] = (JSON.parse(out) as { sessions: { kind: string; authQueries: { module: string }[] }[] }).sessions
  assert.deepEqual([shown?.kind, shown?.authQueries[0]?.module], ['partial', 'totp'])
  assert.equal((await gatehouse('sessions', 'revoke', sid)).out, '1 ended\n')
  assert.deepEqual(await listed(), [])
})

test('sessions show finds one by id and by handle; what a browser said of itself stays text', async (t) => {
  const { gatehouse, start } = await createBench(t)
  const [sid = ''] = await start([{ user: 'ann', device: 'Evil\u009b2J\u202e' }])
  for (const name of [sid, `shandle:${sid}`]) {
    const { out, code } = await gatehouse('sessions', 'show', name)
    assert.equal(code, 0)
    assert.match(out, new RegExp(`^${sid} +/ +ann +1 +20.* 192\\.0\\.2\\.4 +Evil\\\\u009b2J\\\\u202e$`, 'm'))
    assert.doesNotMatch(out, /\u009b|\u202e/)
  }
  const shown = (await gatehouse('sessions', 'show', sid, '--json')).out
  assert.doesNotMatch(shown, /[A-Za-z0-9_-]{43}/, 'nothing that opens anything')
  for (const name of ['0001.AAAAAAAAAAAAAAAA', 'x'])
    assert.deepEqual(await gatehouse('sessions', 'show', name), {
      out: '',
      err: `gatehouse: no running session is called "${name}"\n`,
      code: 1,
    })
})

test('sessions revoke ends by name or all of one person, and nothing without saying which', async (t) => {
  const { gatehouse, start, listed } = await createBench(t)
  const [one = '', two = '', three = '', four = ''] = await start([
    { user: 'ann' },
    { user: 'ann' },
    { user: 'ann', realm: OTHER },
    { user: 'ben' },
  ])
  const person = ['--realm', '/', '--user', 'ann']
  for (const args of [
    [],
    ['--user', 'ann'],
    ['--realm', '/'],
    ['--all'],
    [one, ...person],
    [...person, '--all'],
    [one, '--all'],
  ])
    assert.equal((await gatehouse('sessions', 'revoke', ...args)).code, 2, args.join(' '))
  assert.equal((await listed()).length, 4)
  const byName = await gatehouse('sessions', 'revoke', `shandle:${one}`, one, 'x')
  assert.deepEqual([byName.out, byName.code], ['1 ended\n', 1])
  assert.deepEqual((await listed()).sort(), [two, three, four].sort())
  const all = await gatehouse('sessions', 'revoke', '--realm', '/', '--user', 'ann')
  assert.deepEqual([all.out, all.code], ['1 ended\n', 0])
  assert.deepEqual((await listed()).sort(), [three, four].sort())
})

test('sessions revoke --realm --all ends everybody of that realm, and no token from before is believed any more', async (t) => {
  const { root, gatehouse, start, listed, epochs } = await createBench(t, 'audit.log')
  const [, , other = ''] = await start([{ user: 'ann' }, { user: 'ben' }, { user: 'ann', realm: OTHER }])
  const { out, code } = await gatehouse('sessions', 'revoke', '--realm', '/', '--all')
  assert.deepEqual([out, code], ['2 ended\n', 0])
  assert.deepEqual(await listed(), [other])
  assert.deepEqual(await epochs(ROOT, 'ann'), [0, 1])
  assert.deepEqual(await epochs(OTHER, 'ann'), [0, 0])
  const events = readFileSync(join(root, 'audit.log'), 'utf8').trimEnd().split('\n')
  const { event, target, count } = JSON.parse(events.at(-1) ?? '') as Record<string, unknown>
  assert.deepEqual({ event, target, count }, { event: 'SessionsAdministered', target: { realm: '/' }, count: 2 })
})

test('sessions revoke of a person ends tokens that no list has, whether or not the configuration knows the name', async (t) => {
  const { gatehouse, start, epochs } = await createBench(t)
  await start([{ user: 'ann' }])
  for (const user of ['ann', 'nobody'])
    assert.equal((await gatehouse('sessions', 'revoke', '--realm', '/', '--user', user)).code, 0)
  assert.deepEqual(await epochs(ROOT, 'ann'), [1, 0])
  assert.deepEqual(await epochs(ROOT, 'nobody'), [1, 0])
})

test('what was revoked is audited with who did it, where the configuration says', async (t) => {
  const { root, gatehouse, start } = await createBench(t, 'audit.log')
  const [sid = ''] = await start([{ user: 'ann' }])
  const { err } = await gatehouse('sessions', 'revoke', sid)
  assert.equal(err, '')
  const events = readFileSync(join(root, 'audit.log'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    events.map(({ event, username, cause, action, target }) => ({ event, username, cause, action, target })),
    [
      { event: 'SessionEnded', username: 'ann', cause: 'admin', action: undefined, target: undefined },
      {
        event: 'SessionsAdministered',
        username: events[1]?.['username'],
        cause: undefined,
        action: 'end',
        target: { realm: '/', username: 'ann', sid },
      },
    ],
  )
  assert.match(String(events[1]?.['username']), /^command line: \S/)
})
